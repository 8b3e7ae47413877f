#include "agent/drivers/simulated.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/check.hpp"

namespace kilter::drivers {

SimulatedHome::SimulatedHome(topology::HomeSpec spec, std::optional<double> energy_kwh)
    : spec_(std::move(spec)), energy_kwh_(energy_kwh.value_or(spec_.battery.energy_start_kwh)) {
    KILTER_CHECK(spec_.validate().ok(), "a simulated home is made of a valid spec");
    KILTER_CHECK(energy_kwh_ >= 0 && energy_kwh_ <= spec_.battery.energy_max_kwh,
                 "a battery holds between nothing and its capacity");
}

model::Home SimulatedHome::horizon(IntervalIndex first, Eigen::Index intervals) const {
    return topology::home_horizon(spec_, first, intervals, spec_.interval_s, energy_kwh_);
}

Reading SimulatedHome::dispatch(IntervalIndex interval, double consumption_kw) {
    KILTER_CHECK(std::isfinite(consumption_kw), "a set-point is a number");
    const model::Home now = horizon(interval, 1);
    const model::Battery& battery = now.battery;
    Reading reading;
    reading.load_kw = now.load_kw[0];
    const double sun_kw = now.pv_available_kw[0];
    const double charge_max_kw =
        std::min(battery.power_max_kw, (battery.energy_max_kwh - energy_kwh_) / now.interval_h);
    const double discharge_max_kw = std::min(battery.power_max_kw, energy_kwh_ / now.interval_h);
    reading.battery_kw =
        std::clamp(consumption_kw - reading.load_kw + sun_kw, -discharge_max_kw, charge_max_kw);
    reading.pv_used_kw =
        std::clamp(reading.load_kw + reading.battery_kw - consumption_kw, 0.0, sun_kw);
    reading.consumption_kw = reading.load_kw - reading.pv_used_kw + reading.battery_kw;
    energy_kwh_ =
        std::clamp(energy_kwh_ + reading.battery_kw * now.interval_h, 0.0, battery.energy_max_kwh);
    reading.energy_kwh = energy_kwh_;
    return reading;
}

Reading SimulatedHome::rest(IntervalIndex interval) {
    const model::Home now = horizon(interval, 1);
    return dispatch(interval, now.load_kw[0] - now.pv_available_kw[0]);
}

void SimulatedMeter::count(double consumption_kw, double interval_h) {
    const double wh = 1e3 * consumption_kw * interval_h;
    (wh < 0 ? export_wh : import_wh) += std::abs(wh);
}

std::int64_t SimulatedMeter::shown_import_wh() const {
    return static_cast<std::int64_t>(import_wh);
}

std::int64_t SimulatedMeter::shown_export_wh() const {
    return static_cast<std::int64_t>(export_wh);
}

}  // namespace kilter::drivers
