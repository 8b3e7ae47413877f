/// The feeder suite: random radial feeders whose homes have panels, batteries, vehicles and heat pumps and whose limits
/// bind: the voltage band, a fifth of the lines, the import. What `kilter bench market` clears. A case and its seed
/// reproduce an instance on every machine.
///
/// The tree, load, panels and batteries are topology::generate_feeder's (generated profiles). On top of them, at each
/// net, half of the homes have a vehicle (3.7 to 11 kW, 5 to 12 kWh a night, home from about 18:00 to 07:00) and half a
/// heat pump (a building of 25 to 60 h time constant to be kept between 20 and 22 °C on a cold day). Limits are set from
/// what would flow if nobody flexed (heat pumps holding 20.5 °C, batteries idle, no sun) and no vehicle came: the voltage
/// would leave the band, and lines and import be 5 % over their limits, at the peak already.
///
/// Forecasts are home_horizon()'s: load and panels differ by 5 % RMS from one session to the next. Between two sessions
/// the homes carry out the first interval of their plans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/home.hpp"
#include "common/model/network.hpp"
#include "common/prox/home_plan.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::planner {

struct SuiteCase {
    std::size_t buses = 33;  ///< with the substation
    double chain = 0.7;      ///< as topology::FeederOptions
    std::size_t reach = 15;
    std::uint64_t seed = 1;
};

/// The cases of the suite, by size: 33 to 1000 buses, depth 10 to 200.
std::vector<SuiteCase> suite_cases();

/// A vehicle's habit, in intervals of the day.
struct Habit {
    model::Vehicle vehicle;  ///< without stays
    std::size_t arrival = 0;
    std::size_t departure = 0;  ///< of the next day
    double required_kwh = 0;
};

struct SuiteHome {
    topology::HomeSpec spec;
    std::optional<Habit> vehicle;
    std::optional<model::Climate> climate;  ///< without series
    // what changes from session to session
    double battery_kwh = 0;
    double charged_kwh = 0;  ///< of the stay under way
    double temperature_c = 20.5;

    [[nodiscard]] model::Flexibility flexibility() const;
    /// What its gateway knows when the session that starts at `first` opens.
    [[nodiscard]] model::Home horizon(std::int64_t first, Eigen::Index intervals) const;
    /// Lives through the first interval of `plan`, which is `interval`.
    void carry_out(const prox::HomePlan& plan, std::int64_t interval);
};

struct SuiteInstance {
    SuiteCase of;
    model::Network network;
    std::vector<SuiteHome> homes;
    std::size_t depth = 0;  ///< branches on the longest way from the substation
    std::size_t rated = 0;  ///< branches with a rating
};

SuiteInstance draw(const SuiteCase& of);

}  // namespace kilter::planner
