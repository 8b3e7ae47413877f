/// One home over one horizon: what its gateway knows when a session's gate opens. Private; never leaves the gateway.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/device.hpp"
#include "common/model/equipment.hpp"

namespace kilter::model {

/// The meter:  p_t = load_t − pv_used_t + Σ what the equipment consumes,   0 ≤ pv_used ≤ available (curtailing is free),
///             q_t = load_kvar_t + q of the inverter,   pv_used² + q² ≤ inverter_kva²,
///             −export_max ≤ p_t ≤ import_max (required: the fuse, or what the connection's contract says).
struct Home {
    double interval_h = 0.25;
    Series load_kw;  ///< fixed consumption per interval, ≥ 0
    Series
        pv_available_kw;  ///< what the panels could deliver per interval, ≥ 0; zeros where there are none
    Battery battery;
    std::vector<Vehicle> vehicles;
    std::vector<Climate> climates;
    std::vector<HotWater> tanks;
    std::vector<Shiftable> shiftables;
    std::vector<Deferrable> deferrables;
    std::vector<Curtailable> curtailables;
    std::vector<Generator> generators;
    std::optional<ExternalTie> tie;
    double import_max_kw = std::numeric_limits<double>::infinity();
    double export_max_kw = std::numeric_limits<double>::infinity();

    bool trades_reactive = false;  ///< two channels: p and q
    Series load_kvar;              ///< with two channels: fixed reactive consumption; empty: 0
    double inverter_kva =
        std::numeric_limits<double>::infinity();  ///< infinite: gives no q, limits no p

    [[nodiscard]] Eigen::Index intervals() const { return load_kw.size(); }

    [[nodiscard]] Eigen::Index channels() const { return trades_reactive ? 2 : 1; }

    [[nodiscard]] bool can_flex() const;

    /// No |p_t| (kW) or |q_t| (kvar) that the equipment can add up to is larger; limits of the connection not counted, as a
    /// plan may miss them.
    [[nodiscard]] double reach() const;

    /// Lengths agree and are not zero, everything finite and in its range. The error names the item, its value and what
    /// is allowed. That a level cannot be reached is no error: prox::Home plans what misses least and says so.
    [[nodiscard]] Result<void> validate() const;
};

}  // namespace kilter::model
