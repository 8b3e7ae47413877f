/// One home over one horizon: what its gateway knows when a session's gate opens. Private; never leaves the gateway.
#pragma once

#include "common/base/result.hpp"
#include "common/model/device.hpp"

namespace kilter::model {

/// A lossless battery. power > 0 charges (consumption positive). Absent: power_max_kw = 0.
struct Battery {
    double power_max_kw = 0;        ///< |charging power| ≤ this
    double energy_max_kwh = 0;      ///< 0 ≤ stored energy ≤ this
    double energy_start_kwh = 0;    ///< stored at the start of the first interval
    double energy_end_min_kwh = 0;  ///< stored at the end of the last interval is at least this
};

/// consumption(t) = load(t) − pv_used(t) + battery(t), with 0 ≤ pv_used ≤ pv available (curtailment is free).
struct Home {
    double interval_h = 0.25;
    Series load_kw;  ///< fixed consumption per interval, ≥ 0
    Series
        pv_available_kw;  ///< what the panels could deliver per interval, ≥ 0; zeros where there are none
    Battery battery;

    [[nodiscard]] bool can_flex() const {
        return battery.power_max_kw > 0 || (pv_available_kw.array() > 0).any();
    }

    /// Lengths agree and are not zero, everything finite and in its range, the battery's end state reachable from its
    /// start. The error names the quantity and its value.
    [[nodiscard]] Result<void> validate() const;
};

}  // namespace kilter::model
