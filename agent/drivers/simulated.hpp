/// The devices of a home that exists only as a HomeSpec: they measure, forecast, and follow
/// set-points within their physical limits, as inverters do. One thread; no clock: the caller says
/// which interval it is.
#pragma once

#include <optional>

#include "common/base/time.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::drivers {

/// What the meters of one interval say: consumption = load − pv_used + battery, kW, mean over the
/// interval.
struct Reading {
    double load_kw = 0;
    double pv_used_kw = 0;
    double battery_kw = 0;      ///< positive charges
    double consumption_kw = 0;  ///< at the home's connection
    double energy_kwh = 0;      ///< in the battery at the end of the interval
};

class SimulatedHome {
  public:
    /// `energy_kwh`: what the battery holds now, where a restart knows it; default: the spec's
    /// start. REQUIRES: spec is valid; the energy is within the battery.
    explicit SimulatedHome(topology::HomeSpec spec,
                           std::optional<double> energy_kwh = std::nullopt);

    [[nodiscard]] const topology::HomeSpec& spec() const { return spec_; }

    [[nodiscard]] double energy_kwh() const { return energy_kwh_; }

    /// The devices' present state and the forecast for a session starting at `first`.
    [[nodiscard]] model::Home horizon(IntervalIndex first, Eigen::Index intervals) const;

    /// Runs the devices through `interval`, aiming at `consumption_kw` at the connection: all sun
    /// is used unless the battery cannot take it, and what the devices cannot do shows as a
    /// deviation in the reading.
    Reading dispatch(IntervalIndex interval, double consumption_kw);

    /// The safe state, for when nobody steers any more: the battery rests, load and sun run as they like.
    Reading rest(IntervalIndex interval);

  private:
    topology::HomeSpec spec_;
    double energy_kwh_;
};

/// The meter of such a home: two registers that only grow. What it counts below a Wh, it keeps.
struct SimulatedMeter {
    double import_wh = 0;
    double export_wh = 0;

    /// The mean power of one interval, positive = import.
    void count(double consumption_kw, double interval_h);

    /// What it shows: whole Wh.
    [[nodiscard]] std::int64_t shown_import_wh() const;
    [[nodiscard]] std::int64_t shown_export_wh() const;
};

}  // namespace kilter::drivers
