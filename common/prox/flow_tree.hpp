/// Branch flow on a tree, linearised, with whatever yields to prices behind it eliminated: O(buses).
///
/// With losses, l = h(P, Q, v) = (P² + Q²)/v on every branch (network.hpp). h is convex and homogeneous of degree 1, so
/// at any point its linearisation has no constant, l = αP + βQ − γv with α = 2P̂/v̂, β = 2Q̂/v̂, γ = l̂/v̂, and supports
/// the cone from below; and its Hessian vanishes along the point itself, so a Newton step's quadratic term is ½ sᵀW s in
/// the flows s = (P, Q, v) themselves. Without losses α = β = γ = 0.
///
/// One interval's quadratic programme without limits,
///     min  E P₀ + σ/2 P₀² + Σ_i 1/(2 s_i) (d_i − τ_i)² + Σ_b ½ s_bᵀ W_b s_b + multipliers · limits
/// over the linear network, is solved by passing messages. What lies behind a bus answers the price π = (π_p, π_q) there
/// and its voltage v by
///     (P, Q) = a − S π + t v         and costs        w = c + tᵀπ + ω v        per unit of v;
/// answers of what meets at a bus add up, and a branch turns the answer at its far end into one at its near end (the
/// formulas are in flow_tree.cpp). S, t and ω do not depend on prices, loads or multipliers: factor() computes them once
/// per linearisation, solve() then takes one sweep towards the root and one away from it.
///
/// Positions: 0 is the root, position p ≥ 1 the far end of branch p − 1 of Network::branches; parents first. Powers kW
/// and kvar, v in pu², l in kW²/pu², prices in EUR per kW (kvar) and interval.
///
/// To use the network's sensitivities alone (a step in price space, a price's parts): linearise() at the current flows,
/// factor() with no yield and no curvature; apply() is then A: the change of flows and voltages per change of load, and
/// transpose() is Aᵀ: what multipliers on voltages, branch flows and the import mean for the price at every bus, the
/// energy price times one plus the marginal losses included. Relinearise as flows move.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::prox {

/// One interval's flows by position.
struct Flows {
    std::vector<double> p, q;  ///< into the branch's series impedance; [0]: from the tie
    std::vector<double> l;     ///< squared current; [0]: 0
    std::vector<double> v;     ///< at the position's bus

    Flows() = default;

    explicit Flows(std::size_t positions)
        : p(positions), q(positions), l(positions), v(positions) {}
};

/// What a load, a multiplier or a price is attached to, by position.
struct Sources {
    std::vector<double> p, q;     ///< drawn at the bus, whatever the price
    std::vector<double> voltage;  ///< EUR per pu² of v at the bus
    std::vector<double> bp, bq,
        bv;  ///< EUR per kW, kvar, pu² of the branch's P, Q, v at its series impedance
    std::vector<double> bl;  ///< the part of these that acts through l, EUR per kW²/pu²
    double v_root = 0;       ///< pu²
    double energy = 0;       ///< E, EUR per kW of import
    double slope = 0;        ///< σ

    Sources() = default;

    explicit Sources(std::size_t positions)
        : p(positions),
          q(positions),
          voltage(positions),
          bp(positions),
          bq(positions),
          bv(positions),
          bl(positions) {}

    void clear();
};

/// Prices by position.
struct Prices {
    std::vector<double> p, q;  ///< of power drawn at the bus
    std::vector<double> cone;  ///< multiplier of l ≥ (P² + Q²)/v, EUR per kW²/pu²; [0]: 0

    Prices() = default;

    explicit Prices(std::size_t positions) : p(positions), q(positions), cone(positions) {}
};

/// A quadratic form in (P, Q, v) of one branch.
struct Curvature {
    double pp = 0, pq = 0, qq = 0, pv = 0, qv = 0, vv = 0;

    /// += weight · g gᵀ
    void add(double weight, double p, double q, double v) {
        pp += weight * p * p;
        pq += weight * p * q;
        qq += weight * q * q;
        pv += weight * p * v;
        qv += weight * q * v;
        vv += weight * v * v;
    }
};

class FlowTree {
  public:
    /// The branch into a position; constants first, then its losses as linearised.
    struct Branch {
        std::size_t parent = 0;
        double r = 0, x = 0, zz = 0;  ///< pu²/kW; zz = r² + x²
        double turn = 1;              ///< v at the series impedance / v at the parent's bus
        double half_charge = 0;       ///< kvar at 1 pu at either end
        double alpha = 0, beta = 0, gamma = 0;
    };

    /// REQUIRES: network normalised and valid.
    explicit FlowTree(const model::Network& network);

    [[nodiscard]] std::size_t positions() const { return branch_.size(); }

    [[nodiscard]] const Branch& branch(std::size_t position) const { return branch_[position]; }

    /// Index into Network::buses, and back.
    [[nodiscard]] std::size_t bus_at(std::size_t position) const { return bus_at_[position]; }

    [[nodiscard]] std::size_t position_of_bus(std::size_t bus) const { return position_[bus]; }

    [[nodiscard]] std::size_t position_of_net(std::size_t net) const { return net_at_[net]; }

    /// l of the branch for these flows into it and this voltage at the parent's bus; 0 without losses.
    [[nodiscard]] double current(std::size_t position, double p, double q, double v_parent) const;

    /// Losses as they are at these flows. Flows beyond what the branch can carry (its voltage would collapse) are
    /// taken as smaller ones in the same proportion.
    void linearise(const Flows& at);
    /// Linearised in nothing: as if there were no losses.
    void linearise_lossless();

    /// `yields_p[p]`, `yields_q[p]`: Σ s_i at the position, kW per EUR/kW, ≥ 0; empty: nothing yields.
    /// `curvature`: W by position, positive semidefinite; empty: none.
    void factor(std::span<const double> yields_p,
                std::span<const double> yields_q,
                std::span<const Curvature> curvature);

    /// The solution for these sources; `p` and `q` of the sources include the yielding τ.
    /// REQUIRES: factor() after the last linearise().
    void solve(const Sources& sources, Flows& flows, Prices& prices);

    /// What loads alone do to the linear network, root voltage included. Uses p, q and v_root of the sources.
    /// REQUIRES: factored with nothing that yields.
    void apply(const Sources& sources, Flows& flows);
    /// Prices from energy price and multipliers. REQUIRES: factored with nothing that yields; slope 0.
    void transpose(const Sources& sources, Prices& prices);

    /// The flows these loads (p, q and v_root of the sources) cause, by Newton's method on the lossy network. False
    /// when it does not settle: the feeder cannot carry them. Leaves the linearisation there, with nothing that yields.
    bool settle(const Sources& sources, Flows& flows);

  private:
    /// The answer of what lies behind, and how the branch passes it on.
    struct Message {
        // at the bus
        double spp = 0, spq = 0, sqq = 0, tp = 0, tq = 0, omega = 0;
        // of the branch
        double ipp = 1, ipq = 0, iqp = 0, iqq = 1;              // Ã⁻¹
        double npp = 1, npq = 0, nqp = 0, nqq = 1;              // N
        double mpp = 0, mpq = 0, mqq = 0;                       // S̃ = Ã⁻¹ S Ã⁻ᵀ
        double opp = 0, opq = 0, oqq = 0;                       // Ω
        double hp = 0, hq = 0, kappa = 1;                       // v_j = hᵀ(P, Q) + κ v
        double fp = 0, fq = 0, pp = 0, pq = 0, gp = 0, gq = 0;  // f̂, p, g = p + Ω f̂
        // at the near end, v of the parent's bus
        double bpp = 0, bpq = 0, bqq = 0, btp = 0, btq = 0;
    };

    std::vector<Branch> branch_;
    std::vector<std::size_t> bus_at_, position_, net_at_;
    std::vector<double> shunt_p_,
        shunt_q_;  ///< per pu² of v at the bus, charging of all its lines included
    bool losses_ = false;
    std::vector<Message> message_;
    std::vector<double> ap_, aq_, c_, qp_, qq_, xp_, xq_;  ///< of the current solve
    Flows flows_;
    Prices prices_;
};

}  // namespace kilter::prox
