#include "common/model/home.hpp"

#include <cmath>

#include "common/base/limits.hpp"
#include "common/base/number.hpp"

namespace kilter::model {

namespace {

Result<void> check_series(const char* name, const char* unit, const Series& series, double low) {
    for (Eigen::Index t = 0; t < series.size(); ++t) {
        if (!std::isfinite(series[t]) || series[t] < low)
            return Error{std::string(name) + " in interval " + std::to_string(t) + " is " +
                         number_text(series[t]) + ", give a finite number" +
                         (std::isfinite(low) ? std::string(" of at least 0") : std::string{}) +
                         " " + unit};
    }
    return {};
}

/// Each of a home's items of one kind: "vehicle 0", "vehicle 1", …
template <class Items, class Check>
Result<void> each(const Items& items, const char* name, const Check& check) {
    for (std::size_t i = 0; i < items.size(); ++i)
        if (auto ok = check(items[i], std::string(name) + " " + std::to_string(i)); !ok) return ok;
    return {};
}

Result<void> check_equipment(const Home& home) {
    const Eigen::Index n = home.intervals();
    const auto within = [n](const auto& item, const std::string& name) {
        return validate(item, name, n);
    };
    if (auto ok = validate(home.battery); !ok) return ok;
    if (auto ok = each(home.vehicles, "vehicle", within); !ok) return ok;
    if (auto ok = each(home.climates, "climate", within); !ok) return ok;
    if (auto ok = each(home.tanks, "tank", within); !ok) return ok;
    if (auto ok = each(home.shiftables, "shiftable", within); !ok) return ok;
    if (auto ok = each(home.deferrables, "deferrable", within); !ok) return ok;
    if (auto ok = each(home.curtailables, "curtailable", within); !ok) return ok;
    if (auto ok = each(
            home.generators, "generator",
            [](const Generator& item, const std::string& name) { return validate(item, name); });
        !ok)
        return ok;
    if (home.tie) return validate(*home.tie, n);
    return {};
}

}  // namespace

bool Home::can_flex() const {
    const bool stores =
        battery.power_max_kw > 0 || !vehicles.empty() || !climates.empty() || !tanks.empty();
    const bool moves = !shiftables.empty() || !deferrables.empty();
    return stores || moves || (pv_available_kw.array() > 0).any() || !curtailables.empty() ||
           !generators.empty() || tie.has_value();
}

double Home::reach() const {
    double most = 0, least = 0;
    const auto highest = [](const Series& series) {
        return series.size() > 0 ? std::max(0.0, series.maxCoeff()) : 0.0;
    };
    most += highest(load_kw) + battery.power_max_kw;
    least += highest(pv_available_kw) + battery.power_max_kw;
    for (const Vehicle& one : vehicles)
        most += one.power_max_kw;
    for (const Climate& one : climates)
        most += one.power_max_kw;
    for (const HotWater& one : tanks)
        most += one.power_max_kw;
    for (const Shiftable& one : shiftables)
        most += highest(one.profile_kw);
    for (const Deferrable& one : deferrables)
        most += one.power_max_kw;
    for (const Curtailable& one : curtailables)
        most += highest(one.load_kw);
    for (const Generator& one : generators)
        least += one.power_max_kw;
    if (tie) {
        most += tie->export_max_kw;
        least += tie->import_max_kw;
    }
    if (!trades_reactive) return std::max(most, least);
    double kvar = std::isfinite(inverter_kva) ? inverter_kva : 0;
    if (load_kvar.size() > 0) kvar += load_kvar.cwiseAbs().maxCoeff();
    return std::max({most, least, kvar});
}

Result<void> Home::validate() const {
    if (!std::isfinite(interval_h) || interval_h <= 0 || interval_h > 24)
        return Error{"interval_h is " + number_text(interval_h) +
                     ", give a length above 0 and up to 24 hours"};
    if (intervals() == 0) return Error{"load_kw is empty, give one value per interval"};
    if (intervals() > static_cast<Eigen::Index>(limits::horizon_max))
        return Error{"load_kw has " + std::to_string(intervals()) + " intervals, at most " +
                     std::to_string(limits::horizon_max) + " are allowed"};
    if (pv_available_kw.size() != intervals())
        return Error{"pv_available_kw has " + std::to_string(pv_available_kw.size()) +
                     " intervals but load_kw has " + std::to_string(intervals()) +
                     ", give zeros where there are no panels"};
    if (load_kvar.size() > 0 && load_kvar.size() != intervals())
        return Error{"load_kvar has " + std::to_string(load_kvar.size()) +
                     " intervals but load_kw has " + std::to_string(intervals()) +
                     ", leave it empty where there is none"};
    if (auto ok = check_series("load_kw", "kW", load_kw, 0); !ok) return ok;
    if (auto ok = check_series("pv_available_kw", "kW", pv_available_kw, 0); !ok) return ok;
    if (auto ok =
            check_series("load_kvar", "kvar", load_kvar, -std::numeric_limits<double>::infinity());
        !ok)
        return ok;
    for (const auto& [name, value] :
         {std::pair{"import_max_kw", import_max_kw}, std::pair{"export_max_kw", export_max_kw},
          std::pair{"inverter_kva", inverter_kva}})
        if (!(value >= 0))
            return Error{std::string(name) + " is " + number_text(value) +
                         ", give a number of at least 0"};
    return check_equipment(*this);
}

}  // namespace kilter::model
