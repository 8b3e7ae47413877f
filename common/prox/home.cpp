#include "common/prox/home.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/prox/battery.hpp"

namespace kilter::prox {

namespace {

/// φ(b) = k/2 · dist(b − c, [0, pv])² on |b| ≤ p.
void write_stage(double p, double c, double pv, double k, Stage& stage) {
    stage.low = -p;
    stage.high = p;
    stage.count = 0;
    const double flat_from = std::clamp(c, -p, p);
    const double flat_to = std::clamp(c + pv, -p, p);
    if (c > -p) stage.add({flat_from + p, k * (-p - c), k * (flat_from - c)});
    stage.add({flat_to - flat_from, 0, 0});
    if (c + pv < p) stage.add({p - flat_to, k * (flat_to - (c + pv)), k * (p - (c + pv))});
}

}  // namespace

Home::Home(model::Home home)
    : home_(std::move(home)),
      chain_(static_cast<std::size_t>(home_.load_kw.size())),
      stored_kwh_(static_cast<std::size_t>(home_.load_kw.size())),
      pv_used_kw_(stored_kwh_.size()),
      pv_at_(stored_kwh_.size()) {
    KILTER_CHECK(home_.load_kw.size() > 0, "a home needs a horizon");
    KILTER_CHECK(home_.pv_available_kw.size() == home_.load_kw.size(),
                 "load and PV have the same horizon");
    set_energy_bounds(home_.battery, home_.interval_h, stored_kwh_.size(), chain_);
}

model::ProxStatus Home::prox(const model::Schedules& target,
                             const Eigen::VectorXd& penalty,
                             model::Schedules& x) {
    KILTER_CHECK(target.rows() == 1 && target.cols() == intervals() && penalty.size() == 1,
                 "a home has one row");
    x.resize(1, intervals());
    const model::Battery& battery = home_.battery;
    for (std::size_t t = 0; t < stored_kwh_.size(); ++t) {
        const auto i = static_cast<Eigen::Index>(t);
        write_stage(battery.power_max_kw, target(0, i) - home_.load_kw[i], home_.pv_available_kw[i],
                    penalty[0], chain_.stage(t));
    }
    feasible_ = chain_.solve(battery.energy_start_kwh / home_.interval_h) &&
                battery.energy_end_min_kwh <= battery.energy_max_kwh;
    for (std::size_t t = 0; t < stored_kwh_.size(); ++t) {
        const auto i = static_cast<Eigen::Index>(t);
        const double b = chain_.steps()[t];
        const double surplus = home_.load_kw[i] + b - target(0, i);
        const double pv = home_.pv_available_kw[i];
        const double u = std::clamp(surplus, 0.0, pv);
        pv_at_[t] = surplus <= 0 ? At::low : surplus >= pv ? At::high : At::inside;
        pv_used_kw_[t] = u;
        stored_kwh_[t] = chain_.levels()[t] * home_.interval_h;
        x(0, i) = home_.load_kw[i] - u + b;
    }
    return feasible_ ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

std::string Home::explain() const {
    return feasible_ ? std::string{} : explain_missed(home_.battery, home_.interval_h, chain_);
}

}  // namespace kilter::prox
