/// A device: a cost function over the schedules of its terminals, known to the market only through its prox.
///
/// Rows are quantities: one row per terminal and channel (today one channel, active power p in kW; positive flows INTO
/// the device). Columns are the intervals of the horizon. Costs are in EUR over the whole horizon, so a dual variable is
/// EUR per kW and interval, and dual / interval length in hours is the price in EUR/kWh.
#pragma once

#include <cstdint>
#include <string>

#include <Eigen/Core>

namespace kilter::model {

/// quantities × intervals; one row is contiguous.
using Schedules = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// One value per interval.
using Series = Eigen::VectorXd;

/// Whether a device's step could be computed as asked.
enum class ProxStatus : std::uint8_t {
    solved,
    infeasible,  ///< the device's set is empty: `x` is the least violating schedule; explain() names what is in conflict
};

class Device {
  public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    [[nodiscard]] virtual Eigen::Index rows() const = 0;
    [[nodiscard]] virtual Eigen::Index intervals() const = 0;

    /// x ← argmin f(x) + Σ_i (penalty_i / 2) ‖x_i − target_i‖² over the rows i.
    /// `target` and `x` are rows() × intervals(); `penalty` is ρ·w_i in EUR/kW², all > 0.
    /// A pure function of its arguments and the device's data (a device may keep a warm start, which changes the time it
    /// takes and at most the last bits of x). Allocates nothing after the first call where that is possible.
    virtual ProxStatus prox(const Schedules& target,
                            const Eigen::VectorXd& penalty,
                            Schedules& x) = 0;

    /// f(x) in EUR over the horizon, for an x inside the device's set (the indicator part is taken as zero).
    [[nodiscard]] virtual double cost(const Schedules& x) const = 0;

    /// In words: what is in conflict when prox() said infeasible; empty otherwise.
    [[nodiscard]] virtual std::string explain() const { return {}; }
};

}  // namespace kilter::model
