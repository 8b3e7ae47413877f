/// What a home may have behind its meter, each piece as a convex set and a cost: symbols, units, signs.
///
/// Δ is the interval's length in hours; t counts the horizon's intervals from 0; a state with index t is that at the END
/// of interval t; powers are means over an interval, positive = consumption unless said otherwise. common/prox/home.hpp
/// minimises over all of them at once; docs/devices.md derives them and says what each costs to compute.
///
/// A store that leaks at rate κ per hour keeps a = e^{−κΔ} of what it holds and φ = (1 − a)/(κΔ) of what flows in evenly
/// (both 1 at κ = 0): exact for powers constant within an interval.
///
/// "Required" levels are kept wherever they can be; a plan that misses one pays `required_eur_per_kwh` (per kW and hour
/// for a connection, per kWh missing for an energy) and says so. Physical limits are never left.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/device.hpp"

namespace kilter::model {

/// The stated penalty of what is required but out of reach.
inline constexpr double required_eur_per_kwh = 10;

/// c, d ≥ 0: charging and discharging power at the terminals.
///     c_t ≤ P,  d_t ≤ P,   e_t = a e_{t−1} + φΔ (η_c c_t − d_t / η_d),   0 ≤ e_t ≤ E,   e_T ≥ e_end required
///     consumes c_t − d_t,  costs  cycle_cost · Δ Σ d_t
/// Where power has negative value, charging and discharging at once is a way to burn it: the relaxation is then not
/// tight, and Plan::battery_burns_kw says by how much. Absent: power_max_kw = 0.
struct Battery {
    double power_max_kw = 0;            ///< P
    double energy_max_kwh = 0;          ///< E
    double energy_start_kwh = 0;        ///< e_{−1}, within 0 and E
    double energy_end_min_kwh = 0;      ///< e_end, at the end of the last interval
    double charge_efficiency = 1;       ///< η_c in (0, 1]
    double discharge_efficiency = 1;    ///< η_d in (0, 1]
    double self_discharge_per_h = 0;    ///< κ
    double cycle_cost_eur_per_kwh = 0;  ///< wear, per kWh discharged
    bool operator==(const Battery&) const = default;
};

/// A visit of a vehicle: plugged in during [arrival, departure), and until [latest) where it leaves late.
struct Stay {
    std::size_t arrival = 0;
    std::size_t departure = 0;  ///< > arrival
    std::size_t latest = 0;     ///< ≥ departure: when it leaves in any case
    double required_kwh = 0;    ///< into the vehicle's battery during the stay
    bool operator==(const Stay&) const = default;
};

/// c_t ≤ P while plugged in, else 0;  m_t = Δ η Σ c of the stay so far ≤ required
///     m ≥ required at the end of the stay (required);  from the departure on each hour late costs
///     lateness · (required − m_t)
struct Vehicle {
    double power_max_kw = 0;
    double charge_efficiency = 1;
    double lateness_eur_per_kwh_h = 0;  ///< per kWh missing after the departure, and hour
    std::vector<Stay> stays;            ///< in order, not overlapping, within the horizon
    bool operator==(const Vehicle&) const = default;
};

/// A heat pump or air conditioner and the building it heats (s = 1) or cools (s = −1): first order, exact for constant
/// powers:
///     θ_t = a θ_{t−1} + (1 − a) (outdoor_t + R (gains_t + s COP_t h_t)),   a = e^{−Δ/(RC)},   0 ≤ h_t ≤ P
///     consumes h_t,  costs  Δ · price · (degrees below low_t or above high_t)
struct Climate {
    bool cools = false;
    double power_max_kw = 0;         ///< P, electrical
    double resistance_k_per_kw = 0;  ///< R: of the building to the outdoors
    double capacity_kwh_per_k = 0;   ///< C
    double temperature_start_c = 0;  ///< θ_{−1}
    Series outdoor_c;
    Series cop;            ///< heat moved per electrical power, > 0
    Series gains_kw;       ///< sun and inhabitants; empty: none
    Series low_c, high_c;  ///< the comfort band
    double discomfort_eur_per_k_h = 0;
};

/// Hot water: e is the heat above what is useful, 0 ≤ e ≤ E; it loses l₀ when empty and l₁ when full, linearly between:
///     e_t = a e_{t−1} + φΔ (COP_t h_t − draw_t − l₀),   κ = (l₁ − l₀)/E,   0 ≤ h_t ≤ P,   e_t ≤ E
///     consumes h_t,  costs  Δ · price · (kWh below 0: water that is too cold)
struct HotWater {
    double power_max_kw = 0;
    double energy_max_kwh = 0;
    double energy_start_kwh = 0;
    double loss_empty_kw = 0;  ///< l₀
    double loss_full_kw = 0;   ///< l₁ ≥ l₀
    Series cop;                ///< empty: 1, a heating rod
    Series draw_kw;            ///< heat taken out with the water, ≥ 0
    double shortage_eur_per_kwh_h = 0;
};

/// An appliance that runs once through a fixed programme, starting in one of the intervals first_start … last_start:
///     consumes Σ_s w_s profile_{t−s},   w_s ∈ {0, 1},  Σ_s w_s = 1
/// What would run past the horizon's end is left to later. The session is computed with 0 ≤ w_s (the convex hull);
/// prox::Home::round_starts() then picks the starts.
struct Shiftable {
    Series profile_kw;  ///< per interval from the start on, ≥ 0
    std::size_t first_start = 0;
    std::size_t last_start = 0;  ///< ≥ first_start, within the horizon
};

/// Energy at any time within a window:  0 ≤ u_t ≤ P for t in [first, end), else 0;  Δ Σ u_t = energy (required)
struct Deferrable {
    double power_max_kw = 0;
    double energy_kwh = 0;
    std::size_t first = 0;
    std::size_t end = 0;  ///< > first, at most the horizon
    bool operator==(const Deferrable&) const = default;
};

/// Consumes load_t − u_t,  0 ≤ u_t ≤ load_t,  costs  price · Δ Σ u_t.
struct Curtailable {
    Series load_kw;
    double price_eur_per_kwh = 0;  ///< of a kWh not served
};

/// Consumes −g_t:  0 ≤ g_t ≤ P,  |g_t − g_{t−1}| ≤ Δ ramp,  costs  Δ Σ (cost · g_t + slope/2 · g_t²)
struct Generator {
    double power_max_kw = 0;
    double power_start_kw = 0;  ///< g_{−1}, within 0 and P
    double ramp_kw_per_h = std::numeric_limits<double>::infinity();
    double cost_eur_per_kwh = 0;
    double slope_eur_per_kwh_kw = 0;
    bool operator==(const Generator&) const = default;
};

/// A connection of the home's own to a supplier beside the market:  consumes s_t − b_t,
///     0 ≤ b_t ≤ import_max,  0 ≤ s_t ≤ export_max,  costs  Δ Σ (buy_t b_t − sell_t s_t) + charge · max(peak, max_t b_t)
struct ExternalTie {
    double import_max_kw = 0;
    double export_max_kw = 0;
    Series buy_eur_per_kwh;
    Series sell_eur_per_kwh;              ///< ≤ buy in every interval
    double demand_charge_eur_per_kw = 0;  ///< of the highest import of the billing period
    double peak_so_far_kw = 0;            ///< already paid for
};

// Everything finite and in its range, lengths the horizon's. `name` leads the error: what the item is called.
[[nodiscard]] Result<void> validate(const Battery& battery);
[[nodiscard]] Result<void> validate(const Vehicle& vehicle,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const Climate& climate,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const HotWater& tank,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const Shiftable& load,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const Deferrable& load,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const Curtailable& load,
                                    const std::string& name,
                                    Eigen::Index intervals);
[[nodiscard]] Result<void> validate(const Generator& generator, const std::string& name);
[[nodiscard]] Result<void> validate(const ExternalTie& tie, Eigen::Index intervals);

}  // namespace kilter::model
