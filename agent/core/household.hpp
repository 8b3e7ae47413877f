/// The home behind the gateway as the market core sees it: what it forecasts for a horizon, and how much energy its
/// battery holds once a cleared interval has been dispatched. Pure; the same in the agent and in the planner, so that
/// both see the same numbers to the last bit.
#pragma once

#include <functional>

#include "common/base/time.hpp"
#include "common/model/home.hpp"

namespace kilter::agent {

/// What the gateway would do in the first interval of a cleared schedule.
struct Dispatch {
    double consumption_kw = 0;  ///< at the meter, positive = import
    double battery_kw = 0;      ///< positive = charging
    double pv_kw = 0;           ///< taken from the panels
};

class Household {
  public:
    /// The home's model for `intervals` intervals from `first` on, its battery holding `stored_kwh` at the start.
    /// A pure function of its arguments and of what the drivers have read.
    using Forecast =
        std::function<model::Home(IntervalIndex first, Eigen::Index intervals, double stored_kwh)>;

    Household(Forecast forecast, double stored_kwh) : forecast_(std::move(forecast)), stored_kwh_(stored_kwh) {}

    [[nodiscard]] model::Home horizon(IntervalIndex first, Eigen::Index intervals) const {
        return forecast_(first, intervals, stored_kwh_);
    }

    /// How the home realises the first interval of `schedule_kw` (one value per interval, inside the home's set).
    static Dispatch dispatch(const model::Home& home, const model::Series& schedule_kw);

    /// The interval was dispatched as planned: the battery holds what follows from it.
    void dispatched(const model::Home& home, const Dispatch& plan);

    [[nodiscard]] double stored_kwh() const { return stored_kwh_; }

  private:
    Forecast forecast_;
    double stored_kwh_;
};

}  // namespace kilter::agent
