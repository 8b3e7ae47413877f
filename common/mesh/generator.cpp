#include "common/mesh/generator.hpp"

#include <algorithm>

namespace kilter::mesh {

model::ProxStatus Generator::prox(const model::Schedules& target,
                                  const Eigen::VectorXd& penalty,
                                  model::Schedules& x) {
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        const double p = (penalty[0] * target(0, t) + interval_h_ * data_.cost1) /
                         (penalty[0] + 2 * interval_h_ * data_.cost2);
        x(0, t) = std::clamp(p, -data_.p_max_kw, -data_.p_min_kw);
        if (rows_ == 2) x(1, t) = std::clamp(target(1, t), -data_.q_max_kvar, -data_.q_min_kvar);
    }
    return model::ProxStatus::solved;
}

double Generator::cost(const model::Schedules& x) const {
    const auto p = x.row(0).array();
    return interval_h_ * (data_.cost2 * p * p - data_.cost1 * p + data_.cost0).sum();
}

}  // namespace kilter::mesh
