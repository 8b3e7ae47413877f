/// A radial feeder as data: buses, branches, nets, the tie to the grid above. Private to the grid operator.
///
/// Linear branch flow (Baran & Wu 1989, losses neglected), per interval, P in kW, Q in kvar, v = squared voltage
/// magnitude in per unit, branch b from its parent bus to bus i:
///     P_b = Σ_{j in subtree(i)} (fixed_p_j + net consumption at j),   Q_b likewise
///     v_i = v_parent − 2 (r_b P_b + x_b Q_b) / (1000 · base_kv²)          (r, x in ohm)
/// Limits: v_min² ≤ v_i ≤ v_max²; P_b² + Q_b² ≤ rating_b²; −export_max ≤ P_tie ≤ import_max.
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
};

struct Branch {
    std::string name;
    std::size_t from = 0;  ///< bus index, nearer to the root
    std::size_t to = 0;    ///< bus index
    double r_ohm = 0;
    double x_ohm = 0;
    double rating_kva = std::numeric_limits<double>::infinity();
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
};

struct Network {
    std::string name;
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
