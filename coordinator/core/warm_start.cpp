#include "coordinator/core/warm_start.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/market/clearing.hpp"
#include "coordinator/core/charter.hpp"

namespace kilter::coordinator {

namespace {

double possible(double rho) {
    return std::clamp(rho, limits::rho_eur_per_kw2_min, limits::rho_eur_per_kw2_max);
}

Eigen::Index intervals_per_day(const market::Parameters& parameters) {
    return 86'400 / parameters.interval_s;
}

}  // namespace

void WarmStart::on_record(IntervalIndex interval,
                          NetId net,
                          const std::vector<std::int64_t>& prices_micro_eur_per_kwh) {
    Posted& newest = posted_[net];
    if (newest.prices_micro_eur_per_kwh.empty() || interval >= newest.interval)
        newest = {interval, prices_micro_eur_per_kwh};
    if (own_ && interval > own_->interval) own_.reset();
}

void WarmStart::on_cleared(IntervalIndex interval,
                           std::vector<NetId> nets,
                           market::WarmState warm) {
    own_ = {interval, std::move(nets), std::move(warm)};
}

market::WarmState WarmStart::start(IntervalIndex interval, const std::vector<NetId>& nets) const {
    const auto rows = static_cast<Eigen::Index>(nets.size() * parameters_.channels);
    market::WarmState out =
        market::WarmState::cold(rows, parameters_.horizon, possible(parameters_.rho_eur_per_kw2));
    for (std::size_t i = 0; i < nets.size(); ++i)
        start_as_posted(interval, nets[i], i, out);
    start_as_left(interval, nets, out);
    return out;
}

// Dual = price times interval length.
void WarmStart::start_as_posted(IntervalIndex interval,
                                NetId net,
                                std::size_t terminal,
                                market::WarmState& out) const {
    const auto found = posted_.find(net);
    if (found == posted_.end() || found->second.interval > interval) return;
    const auto& prices = found->second.prices_micro_eur_per_kwh;
    if (prices.size() != parameters_.quantities()) return;
    market::WarmState posted = market::WarmState::cold(parameters_.channels, parameters_.horizon,
                                                       parameters_.rho_eur_per_kw2);
    auto then = market::terminal_values(posted.y_eur_per_kw, 0, parameters_);
    for (std::size_t k = 0; k < prices.size(); ++k)
        then[static_cast<Eigen::Index>(k)] =
            static_cast<double>(prices[k]) * 1e-6 * interval_h(parameters_);
    posted = posted.shifted(interval - found->second.interval, intervals_per_day(parameters_));
    const model::Series y = market::terminal_values(posted.y_eur_per_kw, 0, parameters_);
    if (market::plausible_prices(y, interval_h(parameters_)))
        market::terminal_values(out.y_eur_per_kw, terminal, parameters_) = y;
}

void WarmStart::start_as_left(IntervalIndex interval,
                              const std::vector<NetId>& nets,
                              market::WarmState& out) const {
    if (!own_ || interval < own_->interval) return;
    const market::WarmState left =
        own_->state.shifted(interval - own_->interval, intervals_per_day(parameters_));
    out.rho_eur_per_kw2 = possible(left.rho_eur_per_kw2);
    for (std::size_t i = 0; i < nets.size(); ++i) {
        const auto found = std::find(own_->nets.begin(), own_->nets.end(), nets[i]);
        if (found == own_->nets.end()) continue;
        const auto from = static_cast<std::size_t>(found - own_->nets.begin());
        const model::Series y = market::terminal_values(left.y_eur_per_kw, from, parameters_);
        if (!market::plausible_prices(y, interval_h(parameters_))) continue;
        market::terminal_values(out.y_eur_per_kw, i, parameters_) = y;
        market::terminal_values(out.z_kw, i, parameters_) =
            market::terminal_values(left.z_kw, from, parameters_);
    }
}

}  // namespace kilter::coordinator
