#include "common/mesh/bus.hpp"

#include <algorithm>

namespace kilter::mesh {

Bus::Bus(const model::MeshedBus& bus, model::Series load_p_kw, model::Series load_q_kvar)
    : v_min_(bus.v_min_pu * bus.v_min_pu),
      v_max_(bus.v_max_pu * bus.v_max_pu),
      shunt_p_kw_(bus.shunt_p_kw),
      shunt_q_kvar_(bus.shunt_q_kvar),
      load_p_kw_(std::move(load_p_kw)),
      load_q_kvar_(std::move(load_q_kvar)) {}

model::ProxStatus Bus::prox(const model::Schedules& target,
                            const Eigen::VectorXd& penalty,
                            model::Schedules& x) {
    const double curvature = penalty[0] * shunt_p_kw_ * shunt_p_kw_ +
                             penalty[1] * shunt_q_kvar_ * shunt_q_kvar_ + penalty[2];
    for (Eigen::Index t = 0; t < intervals(); ++t) {
        const double pull = penalty[0] * shunt_p_kw_ * (target(0, t) - load_p_kw_[t]) -
                            penalty[1] * shunt_q_kvar_ * (target(1, t) - load_q_kvar_[t]) +
                            penalty[2] * target(2, t);
        const double v = std::clamp(pull / curvature, v_min_, v_max_);
        x(0, t) = load_p_kw_[t] + shunt_p_kw_ * v;
        x(1, t) = load_q_kvar_[t] - shunt_q_kvar_ * v;
        x(2, t) = v;
    }
    return model::ProxStatus::solved;
}

}  // namespace kilter::mesh
