#include "common/model/home.hpp"

#include <cmath>

#include "common/base/limits.hpp"
#include "common/base/number.hpp"

namespace kilter::model {

namespace {

Result<void> check_series(const char* name, const Series& series) {
    for (Eigen::Index t = 0; t < series.size(); ++t) {
        if (!std::isfinite(series[t]) || series[t] < 0)
            return Error{std::string(name) + " in interval " + std::to_string(t) + " is " +
                         number_text(series[t]) + ", give a power of at least 0 kW"};
    }
    return {};
}

Result<void> check_battery(const Battery& battery, double horizon_h) {
    const struct {
        const char* name;
        double value;
    } fields[] = {{"power_max_kw", battery.power_max_kw},
                  {"energy_max_kwh", battery.energy_max_kwh},
                  {"energy_start_kwh", battery.energy_start_kwh},
                  {"energy_end_min_kwh", battery.energy_end_min_kwh}};

    for (const auto& field : fields) {
        if (!std::isfinite(field.value) || field.value < 0)
            return Error{std::string("battery ") + field.name + " is " + number_text(field.value) +
                         ", give a finite number of at least 0"};
    }
    if (battery.energy_start_kwh > battery.energy_max_kwh)
        return Error{"battery energy_start_kwh is " + number_text(battery.energy_start_kwh) +
                     ", more than energy_max_kwh " + number_text(battery.energy_max_kwh)};
    if (battery.energy_end_min_kwh > battery.energy_max_kwh)
        return Error{"battery energy_end_min_kwh is " + number_text(battery.energy_end_min_kwh) +
                     ", more than energy_max_kwh " + number_text(battery.energy_max_kwh)};
    const double reachable = battery.energy_start_kwh + battery.power_max_kw * horizon_h;
    if (battery.energy_end_min_kwh > reachable * (1 + 1e-12))
        return Error{"battery energy_end_min_kwh is " + number_text(battery.energy_end_min_kwh) +
                     ", but from energy_start_kwh with power_max_kw no more than " +
                     number_text(reachable) + " kWh can be reached within the horizon"};
    return {};
}

}  // namespace

Result<void> Home::validate() const {
    if (!std::isfinite(interval_h) || interval_h <= 0 || interval_h > 24)
        return Error{"interval_h is " + number_text(interval_h) +
                     ", give a length above 0 and up to 24 hours"};
    const auto intervals = load_kw.size();
    if (intervals == 0) return Error{"load_kw is empty, give one value per interval"};
    if (intervals > static_cast<Eigen::Index>(limits::horizon_max))
        return Error{"load_kw has " + std::to_string(intervals) + " intervals, at most " +
                     std::to_string(limits::horizon_max) + " are allowed"};
    if (pv_available_kw.size() != intervals)
        return Error{"pv_available_kw has " + std::to_string(pv_available_kw.size()) +
                     " intervals but load_kw has " + std::to_string(intervals) +
                     ", give zeros where there are no panels"};
    if (auto ok = check_series("load_kw", load_kw); !ok) return ok;
    if (auto ok = check_series("pv_available_kw", pv_available_kw); !ok) return ok;
    return check_battery(battery, interval_h * static_cast<double>(intervals));
}

}  // namespace kilter::model
