#include "common/prox/battery.hpp"

#include <algorithm>
#include <cstdio>

#include "common/base/check.hpp"

namespace kilter::prox {

void set_energy_bounds(const model::Battery& battery,
                       double interval_h,
                       std::size_t steps,
                       StorageChain& chain) {
    const double full = battery.energy_max_kwh / interval_h;
    for (std::size_t t = 0; t < steps; ++t)
        chain.bounds(t) = {0, full};
    chain.bounds(steps - 1).low = std::min(full, battery.energy_end_min_kwh / interval_h);
}

std::string explain_missed(const model::Battery& battery,
                           double interval_h,
                           const StorageChain& chain) {
    char text[256];
    if (battery.energy_end_min_kwh > battery.energy_max_kwh) {
        std::snprintf(text, sizeof text,
                      "the battery should end with at least %.3f kWh but holds at most %.3f kWh",
                      battery.energy_end_min_kwh, battery.energy_max_kwh);
        return text;
    }
    if (chain.missed_by() == 0) return {};
    const std::size_t at = chain.missed_at();
    if (chain.missed_by() > 0) {
        std::snprintf(
            text, sizeof text,
            "the battery starts with %.3f kWh and charging at %.3f kW all the time reaches "
            "%.3f kWh after interval %zu, %.3f kWh less than it must then hold",
            battery.energy_start_kwh, battery.power_max_kw, chain.levels()[at] * interval_h, at,
            chain.missed_by() * interval_h);
    } else {
        std::snprintf(text, sizeof text,
                      "the battery starts with %.3f kWh and discharging at %.3f kW all the time it "
                      "still holds %.3f kWh after interval %zu, %.3f kWh more than it may",
                      battery.energy_start_kwh, battery.power_max_kw,
                      chain.levels()[at] * interval_h, at, -chain.missed_by() * interval_h);
    }
    return text;
}

Battery::Battery(const model::Battery& battery, double interval_h, Eigen::Index intervals)
    : battery_(battery),
      interval_h_(interval_h),
      intervals_(intervals),
      chain_(static_cast<std::size_t>(intervals)) {
    KILTER_CHECK(intervals > 0 && interval_h > 0, "a battery needs a horizon");
    set_energy_bounds(battery_, interval_h_, static_cast<std::size_t>(intervals_), chain_);
}

model::ProxStatus Battery::prox(const model::Schedules& target,
                                const Eigen::VectorXd& penalty,
                                model::Schedules& x) {
    KILTER_CHECK(target.rows() == 1 && target.cols() == intervals_ && penalty.size() == 1,
                 "a battery has one row");
    const double k = penalty[0];
    const double p = battery_.power_max_kw;
    x.resize(1, intervals_);
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        Stage& stage = chain_.stage(static_cast<std::size_t>(t));
        stage = {-p, p, 0, {}};
        stage.add({2 * p, k * (-p - target(0, t)), k * (p - target(0, t))});
    }
    feasible_ = chain_.solve(battery_.energy_start_kwh / interval_h_) &&
                battery_.energy_end_min_kwh <= battery_.energy_max_kwh;
    std::copy(chain_.steps().begin(), chain_.steps().end(), x.data());
    return feasible_ ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

std::string Battery::explain() const {
    return feasible_ ? std::string{} : explain_missed(battery_, interval_h_, chain_);
}

}  // namespace kilter::prox
