/// A device: a cost function over the schedules of its terminals, known to the market only through its prox.
///
/// Rows are quantities: terminal by terminal, its channels: active power p in kW, then, where the market trades it,
/// reactive power q in kvar; positive flows INTO the device. Columns are the intervals of the horizon. Costs are in EUR
/// over the whole horizon, so a dual variable is EUR per kW (kvar) and interval, and dual / interval length in hours is
/// the price in EUR/kWh (EUR/kvarh).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "common/model/response.hpp"

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

/// Told the prices that a price step comes to (rows() × intervals(), EUR/kW): enlarges the responses of terminals whose prices are not
/// to move that far; whether it did. Asked again about what comes of that, so it must come to an end.
using PriceRestraint =
    std::function<bool(const Schedules& next_price, std::vector<Response>& response)>;

/// What a device could still gain at given prices (Device::regret).
struct Regret {
    double eur = 0;    ///< f(x) + y·x − min (f + y·), over the horizon, ≥ 0
    double reach = 0;  ///< no |x_t| of its set is larger: kW, kvar
};

class Device {
  public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    /// Terminals × channels().
    [[nodiscard]] virtual Eigen::Index rows() const = 0;

    /// 1: p; 2: p and q. Row = terminal × channels() + channel.
    [[nodiscard]] virtual Eigen::Index channels() const { return 1; }

    [[nodiscard]] virtual Eigen::Index intervals() const = 0;

    /// x ← argmin f(x) + Σ_i (penalty_i / 2) ‖x_i − target_i‖² over the rows i.
    /// `target` and `x` are rows() × intervals(); `penalty` is ρ·w_i in EUR/kW², all > 0.
    /// A pure function of its arguments and the device's data (a device may keep a warm start, which changes the time it
    /// takes and at most the last bits of x). Allocates nothing after the first call where that is possible.
    virtual ProxStatus prox(const Schedules& target,
                            const Eigen::VectorXd& penalty,
                            Schedules& x) = 0;

    /// How a device with one terminal answers prices where the last prox() left it: R = −∂x/∂y, target = z − y/penalty, kW per
    /// EUR/kW, symmetric and positive semidefinite, channels()·T square, index channel × T + interval; `penalty` > 0 in place
    /// of that prox's. An element of the generalised Jacobian where the prox has a kink. False, and `response` untouched,
    /// where the device cannot tell.
    [[nodiscard]] virtual bool price_response(double penalty, Eigen::MatrixXd& response) {
        static_cast<void>(penalty);
        static_cast<void>(response);
        return false;
    }

    /// prox() with its kinks rounded off: the minimum of the same objective plus a barrier against the device's bounds, which is as
    /// strong as to keep products of a bound's slack (kW) and its multiplier over the penalty (kW) at `smoothing_kw2` > 0. So near a
    /// kink, over about the root of it, x moves smoothly, x is inside the set, and price_response() is the Jacobian there. A
    /// device whose prox has no kinks, or that cannot, answers as prox().
    virtual ProxStatus smoothed_prox(const Schedules& target,
                                     const Eigen::VectorXd& penalty,
                                     double smoothing_kw2,
                                     Schedules& x) {
        static_cast<void>(smoothing_kw2);
        return prox(target, penalty, x);
    }

    /// One Newton-like step on the prices of all terminals' nets at once, for a device that is a net's only supplier
    /// (common/prox/feeder_newton.hpp): from the prices (rows() × intervals(), EUR/kW), what the other members of each net
    /// draw at them, and how that answers (per terminal); `restraint` (may be
    /// empty) has a say in the responses while the step is made. Out: the next prices and what the device delivers at them, its own optimum.
    /// False, and nothing is touched: the device cannot, or not here.
    virtual bool price_step(const Schedules& price,
                            const Schedules& demand_kw,
                            const std::vector<Response>& response,
                            const PriceRestraint& restraint,
                            Schedules& next_price,
                            Schedules& delivery_kw) {
        static_cast<void>(price);
        static_cast<void>(demand_kw);
        static_cast<void>(response);
        static_cast<void>(restraint);
        static_cast<void>(next_price);
        static_cast<void>(delivery_kw);
        return false;
    }

    /// What price_step() goes by from one step to the next, as words: whoever recalls them takes the next step to the same
    /// bits. recall() takes any words, and those that no device of its shape remembers for none.
    [[nodiscard]] virtual std::vector<std::uint64_t> price_memory() const { return {}; }

    virtual void recall(std::span<const std::uint64_t> memory) { static_cast<void>(memory); }

    /// What the device would ask while nobody draws anything: where prices start that nobody knows better.
    /// rows() × intervals(), EUR/kW.
    [[nodiscard]] virtual Schedules marginal_price() const {
        return Schedules::Zero(rows(), intervals());
    }

    /// Whether the last prox() is proven to be the minimum: not where a set is not convex and the step only stationary.
    [[nodiscard]] virtual bool proves_optimum() const { return true; }

    /// Of a device with one terminal at the duals y (EUR/kW and interval), x within its set. Nothing: it cannot tell.
    [[nodiscard]] virtual std::optional<Regret> regret(const Schedules& x, const Schedules& y) {
        static_cast<void>(x);
        static_cast<void>(y);
        return std::nullopt;
    }

    /// Choices that the proxes so far left open, fractions of what is whole, are made now and for good. The session asks once,
    /// when it is nearly there, and then goes on. REQUIRES: a prox before.
    virtual void settle_choices() {}

    /// f(x) in EUR over the horizon, for an x inside the device's set (the indicator part is taken as zero).
    [[nodiscard]] virtual double cost(const Schedules& x) const = 0;

    /// In words: what is in conflict when prox() said infeasible; empty otherwise.
    [[nodiscard]] virtual std::string explain() const { return {}; }
};

}  // namespace kilter::model
