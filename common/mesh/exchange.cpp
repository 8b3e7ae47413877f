#include "common/mesh/exchange.hpp"

#include <cmath>

#include "common/base/check.hpp"
#include "common/mesh/anderson.hpp"

namespace kilter::mesh {

using model::Schedules;
using model::Series;

Exchange::Exchange(std::vector<std::unique_ptr<model::Device>> devices,
                   std::vector<Junction> junctions)
    : devices_(std::move(devices)), junctions_(std::move(junctions)) {
    KILTER_CHECK(!devices_.empty(), "an exchange needs devices");
    Eigen::Index rows = 0;
    for (const auto& device : devices_) {
        KILTER_CHECK(device->intervals() == devices_.front()->intervals(),
                     "devices have different horizons");
        first_row_.push_back(rows);
        rows += device->rows();
    }
    weights_ = Eigen::VectorXd::Zero(rows);
    for (const Junction& junction : junctions_) {
        KILTER_CHECK(!junction.terminals.empty(), "a junction has no terminals");
        for (const Terminal& at : junction.terminals) {
            double& weight = weights_[first_row_.at(at.device) + at.row];
            KILTER_CHECK(weight == 0 && at.weight > 0,
                         "a row is at two junctions, or has no weight");
            weight = at.weight;
        }
    }
    KILTER_CHECK((weights_.array() > 0).all(), "a row of a device is at no junction");
}

Schedules Exchange::project(const Schedules& v) const {
    Schedules z(v.rows(), v.cols());
    for (const Junction& junction : junctions_) {
        const bool balance = junction.bond == Bond::balance;
        Series sum = Series::Zero(v.cols());
        double total = 0;
        for (const Terminal& at : junction.terminals) {
            sum += (balance ? 1 : at.weight) * v.row(first_row_[at.device] + at.row).transpose();
            total += balance ? 1 / at.weight : at.weight;
        }
        const Series mean = sum / total;
        for (const Terminal& at : junction.terminals) {
            const Eigen::Index row = first_row_[at.device] + at.row;
            if (balance)
                z.row(row) = v.row(row) - mean.transpose() / at.weight;
            else
                z.row(row) = mean.transpose();
        }
    }
    return z;
}

Solution Exchange::solve(const Options& options) {
    KILTER_CHECK(options.rho > 0 && options.alpha > 0 && options.alpha < 2,
                 "rho must be above 0, alpha between 0 and 2");
    const Eigen::Index intervals = devices_.front()->intervals();
    const Eigen::VectorXd scale = weights_.array().sqrt();
    Solution out;
    for (const auto& device : devices_)
        out.x.emplace_back(Schedules::Zero(device->rows(), intervals));
    Schedules v = Schedules::Zero(weights_.size(), intervals);
    for (const Junction& junction : junctions_)
        for (const Terminal& at : junction.terminals)
            v.row(first_row_[at.device] + at.row).setConstant(junction.start);
    const auto scaled = [&](const Schedules& rows) -> Eigen::VectorXd {
        const Schedules product = scale.asDiagonal() * rows;
        return Eigen::Map<const Eigen::VectorXd>(product.data(), product.size());
    };
    Anderson anderson(options.memory);
    Schedules z;

    while (!out.converged && out.iterations < options.iterations_max) {
        ++out.iterations;
        z = project(v);
        Schedules next = v;
        double apart = 0;
        for (std::size_t d = 0; d < devices_.size(); ++d) {
            const Eigen::Index first = first_row_[d];
            const Eigen::Index rows = devices_[d]->rows();
            const Schedules target = 2 * z.middleRows(first, rows) - v.middleRows(first, rows);
            devices_[d]->prox(target, options.rho * weights_.segment(first, rows), out.x[d]);
            const Schedules off = out.x[d] - z.middleRows(first, rows);
            apart += (scale.segment(first, rows).asDiagonal() * off).squaredNorm();
            next.middleRows(first, rows) += options.alpha * off;
        }
        const Eigen::VectorXd at = scaled(v);
        out.residual = std::sqrt(apart) / at.norm();
        out.converged = out.residual <= options.tolerance;
        if (out.converged) break;
        const Eigen::VectorXd moved = anderson.next(at, scaled(next));
        v = scale.cwiseInverse().asDiagonal() *
            Eigen::Map<const Schedules>(moved.data(), v.rows(), v.cols());
    }

    for (std::size_t d = 0; d < devices_.size(); ++d)
        out.cost += devices_[d]->cost(out.x[d]);
    out.price = Schedules::Zero(static_cast<Eigen::Index>(junctions_.size()), intervals);
    for (std::size_t j = 0; j < junctions_.size(); ++j) {
        const Terminal& at = junctions_[j].terminals.front();
        const Eigen::Index row = first_row_[at.device] + at.row;
        if (junctions_[j].bond == Bond::balance)
            out.price.row(static_cast<Eigen::Index>(j)) =
                options.rho * weights_[row] * (v.row(row) - z.row(row));
    }
    return out;
}

}  // namespace kilter::mesh
