#include "common/prox/radial.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"

namespace kilter::prox {

Radial::Radial(const model::Network& network) {
    const std::size_t count = network.buses.size();
    KILTER_CHECK(network.branches.size() + 1 == count, "a radial network is a tree");
    std::vector<std::size_t> position(count, count);
    const auto place = [&](std::size_t bus, std::size_t parent, double r_ohm, double x_ohm) {
        position[bus] = parent_.size();
        parent_.push_back(parent);
        bus_at_.push_back(bus);
        const double base = 1000 * network.base_kv * network.base_kv;
        drop_.push_back(2 * r_ohm / base);
        drop_q_.push_back(2 * x_ohm / base);
    };
    place(network.root, 0, 0, 0);
    for (const model::Branch& branch : network.branches) {
        KILTER_CHECK(position[branch.from] < count && position[branch.to] == count,
                     "branches come parents first; call Network::normalise()");
        place(branch.to, position[branch.from], branch.r_ohm, branch.x_ohm);
    }
    for (const model::Net& net : network.nets)
        position_of_net_.push_back(position[net.bus]);
    v_root_ = network.v_root_pu * network.v_root_pu;
    work_.resize(count);
}

void Radial::apply(std::span<const double> d, std::span<double> rows) const {
    const std::size_t count = buses();
    const auto drop = rows.first(count);
    const auto flow = rows.subspan(count, count);
    std::fill(flow.begin(), flow.end(), 0.0);
    for (std::size_t j = 0; j < d.size(); ++j)
        flow[position_of_net_[j]] += d[j];
    for (std::size_t p = count; p-- > 1;)
        flow[parent_[p]] += flow[p];
    drop[0] = 0;
    for (std::size_t p = 1; p < count; ++p)
        drop[p] = drop[parent_[p]] + drop_[p] * flow[p];
}

void Radial::transpose(std::span<const double> rows, std::span<double> d) {
    const std::size_t count = buses();
    std::copy_n(rows.begin(), count, work_.begin());
    for (std::size_t p = count; p-- > 1;)
        work_[parent_[p]] += work_[p];
    work_[0] = rows[count];
    for (std::size_t p = 1; p < count; ++p)
        work_[p] = work_[parent_[p]] + drop_[p] * work_[p] + rows[count + p];
    for (std::size_t j = 0; j < d.size(); ++j)
        d[j] = work_[position_of_net_[j]];
}

/// Row p differs from its parent's by c_p for every net behind p, where the parent's entries are
/// all the sum D of c on its own path: ‖R_p‖² = ‖R_parent‖² + (2 c_p D_parent + c_p²) · nets behind
/// p.
std::vector<double> Radial::norms() const {
    const std::size_t count = buses();
    std::vector<double> squares(2 * count);
    std::vector<double> path(count);
    for (const std::size_t p : position_of_net_)
        squares[count + p] += 1;
    for (std::size_t p = count; p-- > 1;)
        squares[count + parent_[p]] += squares[count + p];
    for (std::size_t p = 1; p < count; ++p) {
        const std::size_t up = parent_[p];
        path[p] = path[up] + drop_[p];
        squares[p] =
            squares[up] + (2 * drop_[p] * path[up] + drop_[p] * drop_[p]) * squares[count + p];
    }
    for (double& value : squares)
        value = std::sqrt(value);
    return squares;
}

Radial::Base Radial::base(const Eigen::VectorXd& p, const Eigen::VectorXd& q) const {
    const std::size_t count = buses();
    Base out{std::vector<double>(count), std::vector<double>(count), std::vector<double>(count)};
    for (std::size_t i = 0; i < count; ++i) {
        out.p[i] = p[static_cast<Eigen::Index>(bus_at_[i])];
        out.q[i] = q[static_cast<Eigen::Index>(bus_at_[i])];
    }
    for (std::size_t i = count; i-- > 1;) {
        out.p[parent_[i]] += out.p[i];
        out.q[parent_[i]] += out.q[i];
    }
    out.v[0] = v_root_;
    for (std::size_t i = 1; i < count; ++i)
        out.v[i] = out.v[parent_[i]] - drop_[i] * out.p[i] - drop_q_[i] * out.q[i];
    return out;
}

}  // namespace kilter::prox
