/// A radial feeder as data: buses, branches, nets, the tie to the grid above. Private to the grid operator.
///
/// Branch flow (Baran & Wu 1989) with losses as a second-order cone (Farivar & Low 2013), per interval. P in kW, Q in
/// kvar, v = squared voltage magnitude in per unit, r and x in pu²/kW (ohm / (1000 · base_kv²)), l = squared current in
/// kW²/pu². Branch b leads from bus i to bus j; P_b, Q_b enter its series impedance at i, where the voltage is
/// v_s = v_i / ratio_b²:
///     l_b ≥ (P_b² + Q_b²) / v_s                          equality: the physics
///     v_j  = v_s − 2 (r P_b + x Q_b) + (r² + x²) l_b
///     P_b − r l_b = fixed_p_j + net consumption at j + shunt_p_j v_j + Σ_{c from j} P_c
///     Q_b − x l_b = fixed_q_j + net consumption at j − shunt_q_j v_j + Σ_{c from j} Q_c
/// A line's charging is half at either end: it adds to the shunts of both buses, and its rating counts it.
/// `losses = false` is the linear model: l = 0 throughout.
/// Limits: v_min² ≤ v_i ≤ v_max²; apparent power ≤ rating_b at both ends; −export_max ≤ P_tie ≤ import_max.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/model/device.hpp"

namespace kilter::model {

struct Bus {
    std::string name;
    double v_min_pu = 0.9;  ///< voltage magnitude, not squared
    double v_max_pu = 1.1;
    double load_p_kw = 0;  ///< the feeder's own fixed load at daily shape 1
    double load_q_kvar = 0;
    double shunt_p_kw = 0;  ///< consumed at 1 per unit, grows with v
    double shunt_q_kvar =
        0;  ///< supplied at 1 per unit: a capacitor bank's; negative for a reactor
};

struct Branch {
    std::string name;
    std::size_t from = 0;  ///< bus index, nearer to the root
    std::size_t to = 0;    ///< bus index
    double r_ohm = 0;
    double x_ohm = 0;
    double rating_kva = std::numeric_limits<double>::infinity();
    double ratio = 1;  ///< of an ideal transformer or regulator at `from`: V_from / V_series
    double charging_kvar = 0;  ///< of the whole line at 1 per unit
};

/// A connection point where homes meet the feeder device.
struct Net {
    std::string name;
    std::size_t bus = 0;
};

/// The connection to the grid above. Cost per interval of Δ hours for an import of P kW:
/// Δ · (price · P + slope / 2 · P²), slope in EUR/kWh per kW.
struct Tie {
    double import_max_kw = std::numeric_limits<double>::infinity();
    double export_max_kw = std::numeric_limits<double>::infinity();
    double slope_eur_per_kwh_kw = 0;
    std::vector<double>
        price_eur_per_kwh;  ///< one day from midnight UTC, at the market's interval length; repeats

    /// Every number in its range; the error names the quantity.
    [[nodiscard]] Result<void> validate() const;
};

struct Network {
    std::string name;
    std::uint16_t number = 0;  ///< among the feeders of one log; of no account elsewhere
    double base_kv = 0;
    double v_root_pu = 1;  ///< voltage magnitude held at the root
    std::size_t root = 0;  ///< bus index
    std::vector<Bus> buses;
    std::vector<Branch>
        branches;  ///< a tree: buses.size() − 1, every parent before its children after normalise()
    std::vector<Net> nets;  ///< NetId is the position here
    std::vector<double>
        daily_shape;  ///< factor on the buses' fixed load, one day from midnight UTC; repeats
    Tie tie;
    bool losses = false;
    /// Most that one limit moves a net's price by in the linear model (losses amplify it); beyond, it gives.
    double limit_penalty_eur_per_kwh = 10;

    /// Directs every branch away from the root and orders branches parents first.
    /// Error: not a tree (names the bus that is unreachable or the branch that closes a loop).
    [[nodiscard]] Result<void> normalise();
    /// Every number finite and in its range, names unique, references valid; the error names the item.
    [[nodiscard]] Result<void> validate() const;
};

/// The feeder over one horizon: the network with its series cut to the session's intervals.
struct FeederHorizon {
    double interval_h = 0.25;
    Schedules fixed_p_kw;      ///< buses × intervals
    Schedules fixed_q_kvar;    ///< buses × intervals
    Series price_eur_per_kwh;  ///< tie price per interval
};

/// The network's daily series from interval `first` on (UTC index), `intervals` long. `interval_s` divides a day. A
/// series of n values gives each an n-th of the day; an empty shape counts as 1 throughout, an empty price as 0.
FeederHorizon horizon_of(const Network& network,
                         std::int64_t first,
                         Eigen::Index intervals,
                         std::int64_t interval_s);

}  // namespace kilter::model
