/// Why the home's devices will do what they will do, for the people who live there: the plan of a cleared session, taken
/// apart and set beside the prices. For the home's own eyes: never in a log, never to a peer.
#pragma once

#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/model/home.hpp"
#include "common/prox/home_plan.hpp"

namespace kilter::agent {

/// One device at work from interval `from` up to, without, `until`; and the price that explains it.
struct PlannedStep {
    std::string device;  ///< "battery", "vehicle 2", "heat pump"
    std::string does;    ///< "charges", "discharges", "runs"
    IntervalIndex from = 0;
    IntervalIndex until = 0;
    double energy_kwh = 0;            ///< > 0
    double price_eur_per_kwh = 0;     ///< mean over the step
    double compared_eur_per_kwh = 0;  ///< what it saves or earns against
    IntervalIndex compared_with = 0;  ///< when that is the price
};

/// The steps that move most energy, at most `steps_per_device_max` of each device, in order of time.
/// REQUIRES: prices and plan are of the home's horizon, which starts at interval `first`.
inline constexpr std::size_t steps_per_device_max = 4;
std::vector<PlannedStep> planned_steps(const model::Home& home,
                                       const prox::HomePlan& plan,
                                       const std::vector<double>& price_eur_per_kwh,
                                       IntervalIndex first);

/// "the battery charges 11:00 to 14:00 because energy costs 12.0 ct/kWh then and 38.0 ct/kWh at 19:00". Times are UTC;
/// those of a later day than `first` say so.
std::string in_words(const PlannedStep& step, IntervalIndex first, std::int64_t interval_s);

/// "energy costs 12.0 ct/kWh now, least at 13:00 (8.1) and most at 19:00 (38.0)".
std::string in_words(const std::vector<double>& price_eur_per_kwh,
                     IntervalIndex first,
                     std::int64_t interval_s);

}  // namespace kilter::agent
