#include "common/model/equipment.hpp"

#include <cmath>
#include <initializer_list>

#include "common/base/number.hpp"

namespace kilter::model {

namespace {

/// Collects the first thing wrong with an item.
class Checks {
  public:
    explicit Checks(std::string item) : item_(std::move(item)) {}

    void refuse(const std::string& what) {
        if (!error_) error_ = Error{item_ + " " + what};
    }

    void at_least(const char* name, double value, double low) {
        if (!std::isfinite(value) || value < low)
            refuse(std::string(name) + " is " + number_text(value) +
                   ", give a finite number of at least " + number_text(low));
    }

    void above(const char* name, double value, double low) {
        if (!std::isfinite(value) || value <= low)
            refuse(std::string(name) + " is " + number_text(value) +
                   ", give a finite number above " + number_text(low));
    }

    void finite(const char* name, double value) {
        if (!std::isfinite(value))
            refuse(std::string(name) + " is " + number_text(value) + ", give a finite number");
    }

    void efficiency(const char* name, double value) {
        if (!(value > 0 && value <= 1))
            refuse(std::string(name) + " is " + number_text(value) +
                   ", give a number above 0 and up to 1");
    }

    void no_more(const char* name, double value, const char* limit, double most) {
        if (value > most)
            refuse(std::string(name) + " is " + number_text(value) + ", more than " + limit + " " +
                   number_text(most));
    }

    void series(const char* name,
                const Series& values,
                Eigen::Index intervals,
                double low = -std::numeric_limits<double>::infinity()) {
        if (values.size() != intervals)
            refuse(std::string(name) + " has " + std::to_string(values.size()) +
                   " intervals but the horizon has " + std::to_string(intervals));
        for (Eigen::Index t = 0; t < values.size(); ++t)
            if (!std::isfinite(values[t]) || values[t] < low)
                return refuse(
                    std::string(name) + " in interval " + std::to_string(t) + " is " +
                    number_text(values[t]) + ", give a finite number" +
                    (std::isfinite(low) ? " of at least " + number_text(low) : std::string{}));
    }

    void before(const char* name, std::size_t value, const char* limit, std::size_t end) {
        if (value >= end)
            refuse(std::string(name) + " is " + std::to_string(value) +
                   ", give an interval before " + limit + " " + std::to_string(end));
    }

    [[nodiscard]] Result<void> result() const {
        if (error_) return *error_;
        return {};
    }

  private:
    std::string item_;
    std::optional<Error> error_;
};

}  // namespace

Result<void> validate(const Battery& battery) {
    Checks checks("battery");
    checks.at_least("power_max_kw", battery.power_max_kw, 0);
    checks.at_least("energy_max_kwh", battery.energy_max_kwh, 0);
    checks.at_least("energy_start_kwh", battery.energy_start_kwh, 0);
    checks.at_least("energy_end_min_kwh", battery.energy_end_min_kwh, 0);
    checks.no_more("energy_start_kwh", battery.energy_start_kwh, "energy_max_kwh",
                   battery.energy_max_kwh);
    checks.no_more("energy_end_min_kwh", battery.energy_end_min_kwh, "energy_max_kwh",
                   battery.energy_max_kwh);
    checks.efficiency("charge_efficiency", battery.charge_efficiency);
    checks.efficiency("discharge_efficiency", battery.discharge_efficiency);
    checks.at_least("self_discharge_per_h", battery.self_discharge_per_h, 0);
    checks.at_least("cycle_cost_eur_per_kwh", battery.cycle_cost_eur_per_kwh, 0);
    return checks.result();
}

Result<void> validate(const Vehicle& vehicle, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    checks.at_least("power_max_kw", vehicle.power_max_kw, 0);
    checks.efficiency("charge_efficiency", vehicle.charge_efficiency);
    checks.at_least("lateness_eur_per_kwh_h", vehicle.lateness_eur_per_kwh_h, 0);
    std::size_t free_from = 0;
    for (std::size_t i = 0; i < vehicle.stays.size(); ++i) {
        const Stay& stay = vehicle.stays[i];
        const std::string which = "stay " + std::to_string(i) + " ";
        checks.at_least((which + "required_kwh").c_str(), stay.required_kwh, 0);
        checks.before((which + "arrival").c_str(), stay.arrival, "its departure", stay.departure);
        if (stay.latest < stay.departure)
            checks.refuse(which + "latest is " + std::to_string(stay.latest) +
                          ", give at least its departure " + std::to_string(stay.departure));
        if (stay.latest > static_cast<std::size_t>(intervals))
            checks.refuse(which + "ends at interval " + std::to_string(stay.latest) +
                          ", but the horizon has " + std::to_string(intervals));
        if (stay.arrival < free_from)
            checks.refuse(which + "arrival is " + std::to_string(stay.arrival) +
                          ", before the stay before it ends at " + std::to_string(free_from));
        free_from = stay.latest;
    }
    return checks.result();
}

Result<void> validate(const Climate& climate, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    checks.at_least("power_max_kw", climate.power_max_kw, 0);
    checks.above("resistance_k_per_kw", climate.resistance_k_per_kw, 0);
    checks.above("capacity_kwh_per_k", climate.capacity_kwh_per_k, 0);
    checks.finite("temperature_start_c", climate.temperature_start_c);
    checks.at_least("discomfort_eur_per_k_h", climate.discomfort_eur_per_k_h, 0);
    checks.series("outdoor_c", climate.outdoor_c, intervals);
    checks.series("cop", climate.cop, intervals, 0);
    if (climate.gains_kw.size() > 0) checks.series("gains_kw", climate.gains_kw, intervals);
    checks.series("low_c", climate.low_c, intervals);
    checks.series("high_c", climate.high_c, intervals);
    for (Eigen::Index t = 0; t < std::min(climate.low_c.size(), climate.high_c.size()); ++t)
        if (climate.low_c[t] > climate.high_c[t])
            checks.refuse("low_c in interval " + std::to_string(t) + " is " +
                          number_text(climate.low_c[t]) + ", above high_c " +
                          number_text(climate.high_c[t]));
    return checks.result();
}

Result<void> validate(const HotWater& tank, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    checks.at_least("power_max_kw", tank.power_max_kw, 0);
    checks.above("energy_max_kwh", tank.energy_max_kwh, 0);
    checks.at_least("energy_start_kwh", tank.energy_start_kwh, 0);
    checks.no_more("energy_start_kwh", tank.energy_start_kwh, "energy_max_kwh",
                   tank.energy_max_kwh);
    checks.at_least("loss_empty_kw", tank.loss_empty_kw, 0);
    checks.at_least("loss_full_kw", tank.loss_full_kw, tank.loss_empty_kw);
    checks.at_least("shortage_eur_per_kwh_h", tank.shortage_eur_per_kwh_h, 0);
    if (tank.cop.size() > 0) checks.series("cop", tank.cop, intervals, 0);
    checks.series("draw_kw", tank.draw_kw, intervals, 0);
    return checks.result();
}

Result<void> validate(const Shiftable& load, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    if (load.profile_kw.size() == 0 || load.profile_kw.size() > intervals)
        checks.refuse("profile_kw has " + std::to_string(load.profile_kw.size()) +
                      " intervals, give at least 1 and no more than the horizon's " +
                      std::to_string(intervals));
    checks.series("profile_kw", load.profile_kw, load.profile_kw.size(), 0);
    if (load.last_start < load.first_start)
        checks.refuse("last_start is " + std::to_string(load.last_start) +
                      ", give at least first_start " + std::to_string(load.first_start));
    checks.before("last_start", load.last_start, "the horizon's end",
                  static_cast<std::size_t>(intervals));
    return checks.result();
}

Result<void> validate(const Deferrable& load, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    checks.at_least("power_max_kw", load.power_max_kw, 0);
    checks.at_least("energy_kwh", load.energy_kwh, 0);
    checks.before("first", load.first, "its end", load.end);
    if (load.end > static_cast<std::size_t>(intervals))
        checks.refuse("end is " + std::to_string(load.end) + ", but the horizon has " +
                      std::to_string(intervals) + " intervals");
    return checks.result();
}

Result<void> validate(const Curtailable& load, const std::string& name, Eigen::Index intervals) {
    Checks checks(name);
    checks.at_least("price_eur_per_kwh", load.price_eur_per_kwh, 0);
    checks.series("load_kw", load.load_kw, intervals, 0);
    return checks.result();
}

Result<void> validate(const Generator& generator, const std::string& name) {
    Checks checks(name);
    checks.at_least("power_max_kw", generator.power_max_kw, 0);
    checks.at_least("power_start_kw", generator.power_start_kw, 0);
    checks.no_more("power_start_kw", generator.power_start_kw, "power_max_kw",
                   generator.power_max_kw);
    if (!(generator.ramp_kw_per_h >= 0))
        checks.refuse("ramp_kw_per_h is " + number_text(generator.ramp_kw_per_h) +
                      ", give a number of at least 0");
    checks.finite("cost_eur_per_kwh", generator.cost_eur_per_kwh);
    checks.at_least("slope_eur_per_kwh_kw", generator.slope_eur_per_kwh_kw, 0);
    return checks.result();
}

Result<void> validate(const ExternalTie& tie, Eigen::Index intervals) {
    Checks checks("external tie");
    checks.at_least("import_max_kw", tie.import_max_kw, 0);
    checks.at_least("export_max_kw", tie.export_max_kw, 0);
    checks.at_least("demand_charge_eur_per_kw", tie.demand_charge_eur_per_kw, 0);
    checks.at_least("peak_so_far_kw", tie.peak_so_far_kw, 0);
    checks.series("buy_eur_per_kwh", tie.buy_eur_per_kwh, intervals);
    checks.series("sell_eur_per_kwh", tie.sell_eur_per_kwh, intervals);
    for (Eigen::Index t = 0; t < std::min(tie.buy_eur_per_kwh.size(), tie.sell_eur_per_kwh.size());
         ++t)
        if (tie.sell_eur_per_kwh[t] > tie.buy_eur_per_kwh[t])
            checks.refuse("sell_eur_per_kwh in interval " + std::to_string(t) + " is " +
                          number_text(tie.sell_eur_per_kwh[t]) + ", above buy_eur_per_kwh " +
                          number_text(tie.buy_eur_per_kwh[t]));
    return checks.result();
}

}  // namespace kilter::model
