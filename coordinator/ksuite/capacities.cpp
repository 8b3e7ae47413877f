#include "coordinator/ksuite/capacities.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/SparseCholesky>

#include "common/base/check.hpp"
#include "coordinator/ksuite/solver.hpp"

namespace kilter::ksuite {
namespace {

/// Power each net gives to the network, [net, interval], when all are one.
Eigen::MatrixXd cleared_as_one(const Instance& instance, Workers& workers) {
    Instance one = instance;
    one.nets = 1;
    one.lines = {};
    for (auto* nets :
         {&one.generators.net, &one.batteries.net, &one.deferrable.net, &one.curtailable.net})
        std::fill(nets->begin(), nets->end(), 0U);
    Settings settings = Settings::standard();
    settings.tolerance = 1e-2;
    settings.iterations_max = 1000;
    Solver solver(one, settings, workers);
    solver.solve();

    Eigen::MatrixXd given =
        Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(instance.nets), intervals);
    std::size_t row = 0;
    for (const auto* nets : {&instance.generators.net, &instance.batteries.net,
                             &instance.deferrable.net, &instance.curtailable.net})
        for (const std::uint32_t net : *nets) {
            for (std::size_t t = 0; t < intervals; ++t)
                given(net, static_cast<Eigen::Index>(t)) -= solver.balanced(row, t);
            ++row;
        }
    return given;
}

Eigen::SparseMatrix<double> grounded_laplacian(const Instance& instance) {
    std::vector<Eigen::Triplet<double>> entries{{0, 0, 1}};  // net 0 is grounded
    for (std::size_t i = 0; i < instance.lines.count(); ++i) {
        const auto a = static_cast<int>(instance.lines.from[i]);
        const auto b = static_cast<int>(instance.lines.to[i]);
        entries.emplace_back(a, a, 1);
        entries.emplace_back(b, b, 1);
        entries.emplace_back(std::max(a, b), std::min(a, b), -1);
    }
    const auto nets = static_cast<Eigen::Index>(instance.nets);
    Eigen::SparseMatrix<double> lower(nets, nets);
    lower.setFromTriplets(entries.begin(), entries.end());
    return lower;
}

}  // namespace

std::vector<double> lossless_flow_max(const Instance& instance, Workers& workers) {
    const Eigen::MatrixXd given = cleared_as_one(instance, workers);
    const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> laplacian(
        grounded_laplacian(instance));
    KILTER_CHECK(laplacian.info() == Eigen::Success, "the network is not connected");
    std::vector<double> flow_max(instance.lines.count(), 0);
    for (Eigen::Index t = 0; t < given.cols(); ++t) {
        const Eigen::VectorXd potential = laplacian.solve(given.col(t));
        for (std::size_t i = 0; i < flow_max.size(); ++i)
            flow_max[i] = std::max(flow_max[i], std::abs(potential(instance.lines.from[i]) -
                                                         potential(instance.lines.to[i])));
    }
    return flow_max;
}

}  // namespace kilter::ksuite
