/// One interval of the feeder's step: the tree's quadratic programme (flow_tree.hpp) with the limits of the network.
///
/// Newton's method on the optimality conditions of the cone programme: linearise losses and ratings at the last flows,
/// give the cost the curvature that the multipliers of the cones λ_b and of the ratings μ_b lend it,
///     W_b = λ_b ∇²((P² + Q²)/v) + μ_b ∇²|S|        (both vanish along the flows themselves),
/// solve that quadratic programme exactly, repeat. Supporting planes only ever admit more than the cones do, so what is
/// infeasible for a step is infeasible. From the flows of the session's iteration before, one or two steps do.
///
/// The quadratic programme is solved in its multipliers, 0 ≤ m ≤ cap, of which few differ from 0: an active set method
/// that raises the multiplier of the most violated limit while the others' limits stay met (Goldfarb & Idnani 1983, on
/// A H⁻¹ Aᵀ of the active rows; each product is one sweep over the tree). A multiplier that arrives at its cap is held
/// there and its limit gives: exact as long as a price below the cap keeps all limits, and the least violation at that
/// price where nothing does.
///
/// Every limit is scaled to the Euclidean norm of its sensitivities, so that its value is a distance in kW.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/prox/flow_tree.hpp"
#include "common/prox/row_set.hpp"

namespace kilter::prox {

struct Limit {
    enum class Kind : std::uint8_t {
        voltage,   ///< v at the bus, pu²
        near_end,  ///< apparent power into the branch, kVA
        far_end,   ///< out of it
        tie,       ///< import, kW
    };
    Kind kind = Kind::voltage;
    std::size_t position = 0;
    double low = 0, high = 0;  ///< unscaled
    double scale = 0;          ///< 1 / norm; 0: nothing that is delivered moves it
    double cap = 0;            ///< of the unscaled multiplier
};

/// A limit that has a multiplier.
struct Binding {
    std::size_t limit = 0;
    double sign = 1;        ///< +1: at its high end, −1: at its low end
    double multiplier = 0;  ///< ≥ 0, of the scaled limit
    bool held = false;      ///< at its cap: the limit is not kept
};

/// Where an interval stands: result of one solve and start of the next.
struct Point {
    Flows flows;
    Prices prices;
    std::vector<Binding> bindings;
    double mismatch_kw = 0;  ///< losses by which flows and cones still differ
    bool settled = false;    ///< false: Newton's method did not come to rest
};

class LimitedFlow {
  public:
    /// `interval_h` prices the penalty of limits. REQUIRES: network normalised and valid.
    LimitedFlow(const model::Network& network, std::size_t channels, double interval_h);

    [[nodiscard]] FlowTree& tree() { return tree_; }

    [[nodiscard]] const FlowTree& tree() const { return tree_; }

    [[nodiscard]] const std::vector<Limit>& limits() const { return limits_; }

    /// Nothing known yet.
    [[nodiscard]] Point start() const;

    /// What yields from now on: Σ 1/penalty by position, kW per EUR/kW (kvar per EUR/kvar).
    void set_yields(std::vector<double> yields_p, std::vector<double> yields_q);

    /// `loads`: p and q drawn at zero price, v_root, energy and slope; no multipliers.
    void solve(const Sources& loads, Point& point);

    /// The limit's value in its own unit (a voltage as v) at these flows, from the nonlinear formulas.
    [[nodiscard]] double value(const Limit& limit, const Flows& flows) const;

    /// The point's prices by what causes them: import at this price, losses included; ratings and the tie's limits;
    /// the voltage band. They add up to the point's prices.
    void split(const Point& point, double energy, Prices& import, Prices& flows, Prices& voltages);

  private:
    struct Gradient {
        double p = 0, q = 0, v = 0, l = 0;  ///< in the branch's P, Q, v; l: the part through l
    };

    /// A rating in the current linearisation.
    struct Rating {
        double np = 0, nq = 0, size = 0;  ///< direction and size of the flow linearised at; 0: none
        double weight = 0;                ///< of its curvature, μ/size
        bool held = false;
        double multiplier = 0;  ///< after the step
        bool gives = false;     ///< held after the step
    };

    struct Violation {
        std::size_t limit = 0;
        double sign = 1;
        double by = 0;         ///< kW of distance
        bool release = false;  ///< a held one that holds too much
        std::size_t binding = 0;
    };

    void linearise(const Flows& at);
    void attach(const Point& point, bool voltages, Sources& sources) const;
    void add_limits(const model::Network& network, std::size_t channels, double interval_h);
    [[nodiscard]] Gradient gradient(const Limit& limit, double np, double nq) const;
    void curve(const Point& point);
    void attach(const Limit& limit,
                const Gradient& gradient,
                double amount,
                Sources& sources) const;
    [[nodiscard]] double linear_value(std::size_t i) const;
    [[nodiscard]] double bound(const Binding& binding) const;

    // the active set method
    void start_from(std::vector<Binding>& bindings);
    void respond(std::size_t i);
    double products(const Binding& entering);
    void deliver();
    void refine();
    bool worst(Violation& out) const;
    void move(const Violation& violation);
    void drop(std::size_t i, bool to_cap);
    bool active_set();
    double mismatch(Point& point);

    FlowTree tree_;
    std::vector<Limit> limits_;
    std::vector<Gradient> gradients_;
    std::vector<Rating> ratings_;
    std::vector<double> yields_p_, yields_q_;
    double yield_max_ = 0;
    bool rated_ = false, losses_ = false;
    bool factored_ = false;  ///< of a linearisation that never changes
    std::vector<Curvature> curvature_;
    std::vector<double> cone_;  ///< as used in the curvature

    // of the current interval
    Sources sources_, unit_;
    Flows flows_, response_;
    Prices prices_, unused_;
    std::vector<Binding> free_, held_;
    RowSet set_;
    std::vector<double> values_, product_, solution_;
    Flows at_;
};

}  // namespace kilter::prox
