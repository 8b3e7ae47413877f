/// Homes for a feeder: what each home's gateway measures and forecasts, drawn from profiles by a
/// seed.
///
/// Same network, count, seed and profiles: the same homes, bit for bit. A HomeSpec is one home's
/// private file (agent/drivers/home_file.hpp); home_horizon() is what its gateway knows when a
/// session's gate opens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/model/flexibility.hpp"
#include "common/model/home.hpp"
#include "common/model/network.hpp"
#include "common/topology/profiles.hpp"

namespace kilter::topology {

/// How the simulated forecast of a home errs: every session anew, smoothly over the horizon.
struct Forecast {
    /// RMS of the relative change of an interval's forecast from one session to the next; the
    /// error itself has 1/√2 of it as standard deviation. 0: perfect foresight.
    double noise_fraction = 0.05;
    std::uint64_t seed = 0;
    auto operator<=>(const Forecast&) const = default;
};

struct HomeSpec {
    std::string name;               ///< unique in its neighbourhood
    NetId net;                      ///< where it is connected: position in Network::nets
    std::string source;             ///< for people: which profiles these series are
    std::int64_t interval_s = 900;  ///< of the series; divides a day
    std::vector<double>
        load_kw;                ///< whole days from midnight UTC, mean power per interval; repeats
    std::vector<double> pv_kw;  ///< what the panels could deliver, likewise; empty: no panels
    model::Battery battery;     ///< energy_start_kwh is that of the very first session
    Forecast forecast;

    /// A battery or panels.
    [[nodiscard]] bool can_flex() const { return battery.power_max_kw > 0 || !pv_kw.empty(); }

    /// The home's public flag, which its terminal's weight is chosen by.
    [[nodiscard]] model::Flexibility flexibility() const {
        if (battery.power_max_kw > 0) return model::Flexibility::stores;
        return pv_kw.empty() ? model::Flexibility::none : model::Flexibility::curtails;
    }

    /// Lengths whole days, everything finite and in range. The error names the quantity.
    [[nodiscard]] Result<void> validate() const;
};

/// `homes_per_net` homes on every net of the network, ordered by net. Load 0.8 to 1.6 times a
/// household of `profiles` drawn without repetition as far as they reach; PV of 2 to 6 kWp on one
/// home of every two, a battery of 3 to 5 kW and 8 to 14 kWh in one of every two, starting half
/// full and ending no lower: each pair of neighbours tosses a coin for either, so every part of the
/// feeder has its share whatever the seed. REQUIRES: profiles are not empty.
std::vector<HomeSpec> generate_neighbourhood(const model::Network& network,
                                             std::size_t homes_per_net,
                                             std::uint64_t seed,
                                             const Profiles& profiles);

/// The feeder once these homes trade for themselves: every bus's own fixed load less the mean load
/// of its homes, not below zero. The reactive part stays with the feeder. REQUIRES: homes' nets are
/// the network's.
model::Network without_homes(model::Network network, const std::vector<HomeSpec>& homes);

/// The horizon of the session whose first interval is `first` (UTC index): the first interval as it
/// will be metered, later ones with the forecast's error, the same for the same (forecast seed,
/// first). `energy_start_kwh` is what the battery holds (default: the spec's). REQUIRES: spec is
/// valid; interval_s is spec.interval_s; start within the battery.
model::Home home_horizon(const HomeSpec& spec,
                         IntervalIndex first,
                         Eigen::Index intervals,
                         std::int64_t interval_s,
                         std::optional<double> energy_start_kwh = std::nullopt);

}  // namespace kilter::topology
