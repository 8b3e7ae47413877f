#include "common/mesh/generator.hpp"

#include <algorithm>
#include <cmath>

#include "common/mesh/chain.hpp"

namespace kilter::mesh {

model::ProxStatus Generator::prox(const model::Schedules& target,
                                  const Eigen::VectorXd& penalty,
                                  model::Schedules& x) {
    if (rows_ == 2)
        for (Eigen::Index t = 0; t < intervals_; ++t)
            x(1, t) = std::clamp(target(1, t), -data_.q_max_kvar, -data_.q_min_kvar);
    if (data_.ramps()) return ramp(target, penalty[0], x);
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        const double p = (penalty[0] * target(0, t) + interval_h_ * data_.cost1) /
                         (penalty[0] + 2 * interval_h_ * data_.cost2);
        x(0, t) = std::clamp(p, -data_.p_max_at(t), -data_.p_min_at(t));
    }
    return model::ProxStatus::solved;
}

model::ProxStatus Generator::ramp(const model::Schedules& target,
                                  double penalty,
                                  model::Schedules& x) const {
    double most = std::abs(data_.p_start_kw);
    for (Eigen::Index t = 0; t < intervals_; ++t)
        most = std::max({most, std::abs(data_.p_min_at(t)), std::abs(data_.p_max_at(t))});
    const double down = std::min(data_.ramp_down_kw, 2 * most);
    const double up = std::min(data_.ramp_up_kw, 2 * most);
    const MonotoneCurve change({{-down, -data_.ramp_cost},
                                {0, -data_.ramp_cost},
                                {0, data_.ramp_cost},
                                {up, data_.ramp_cost}});
    std::vector<ChainStep> steps;
    for (Eigen::Index t = 0; t < intervals_; ++t)
        steps.push_back({.low = data_.p_min_at(t),
                         .high = data_.p_max_at(t),
                         .linear = interval_h_ * data_.cost1 + penalty * target(0, t),
                         .curvature = 2 * interval_h_ * data_.cost2 + penalty,
                         .change = change});
    bool feasible = true;
    x.row(0) = -least_cost_path(data_.p_start_kw, steps, feasible).transpose();
    return feasible ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

double Generator::cost(const model::Schedules& x) const {
    const auto p = x.row(0).array();
    double sum = interval_h_ * (data_.cost2 * p * p - data_.cost1 * p + data_.cost0).sum();
    double before = data_.p_start_kw;
    if (data_.ramp_cost > 0)
        for (Eigen::Index t = 0; t < intervals_; ++t) {
            sum += data_.ramp_cost * std::abs(-p[t] - before);
            before = -p[t];
        }
    return sum;
}

}  // namespace kilter::mesh
