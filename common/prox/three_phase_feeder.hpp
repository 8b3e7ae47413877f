/// The unbalanced feeder: one device with a terminal per net, between whichever conductors the net
/// has. It takes power from the tie and delivers it inside the limits of every phase.
///
/// Row net × channels + channel is x = −d: what flows into the device is a negative delivery (kW,
/// kvar). Per interval, separately, with P0 the import, k the penalties and τ = −target,
///
///     minimise  Δ (price P0 + slope/2 P0²) + Σ k/2 (d − τ)²
///     such that  v_min² ≤ |V_φ|² ≤ v_max²  (between phases where there is no neutral),
///                |I_φ| ≤ rating,  −export_max ≤ P0 ≤ import_max
///
/// over linear three-phase branch flow (phase_tree.hpp), by a dual active set method
/// (linear_limits.hpp). x is exact to about 1e-10 kW for this set, ratings as the polygons inside
/// their discs. Linear flow neglects what losses and low voltages do to currents: what the cleared
/// schedule really does is for the nonlinear sweep (common/powerflow) to say, and linearise_at()
/// takes its answer as the point that the linear model is exact at.
///
/// Deterministic: the same calls in the same order give the same bits. Every interval starts from
/// the limits that bound in the call before.
#pragma once

#include <memory>
#include <string>

#include "common/model/three_phase_circuit.hpp"

namespace kilter::prox {

/// A net's price taken apart, rows × intervals, EUR per kW (kvar) and interval. They add up to the
/// marginal cost of delivery, and so to the net's dual y where the market has cleared.
struct PhasePrices {
    model::Schedules energy;      ///< Δ (price + slope P0); 0 for reactive power
    model::Schedules congestion;  ///< ratings and the tie's limits
    model::Schedules voltage;     ///< voltage bands
};

/// The set that deliveries d are kept in, as numbers: low_t ≤ effect · d_t ≤ high_t, import = import_kw + Σ p of d.
struct LinearSet {
    std::vector<std::string> names;  ///< what each row limits
    model::Schedules effect;         ///< rows × quantities (net × channels + channel)
    model::Schedules low, high;      ///< rows × intervals; infinite: no limit
    model::Series import_kw;         ///< with no deliveries
};

/// What a nonlinear power flow found for some deliveries.
struct OperatingPoint {
    std::vector<model::Phasors> voltage_v;  ///< per bus
    std::vector<model::Phasors> current_a;  ///< per branch, at its `to` end
    double import_kw = 0;
};

class ThreePhaseFeeder final : public model::Device {
  public:
    /// REQUIRES: network normalised and valid, horizon of that network, 1 or 2 channels.
    ThreePhaseFeeder(model::ThreePhaseNetwork network,
                     model::ThreePhaseHorizon horizon,
                     Eigen::Index channels = 1);
    ThreePhaseFeeder(const ThreePhaseFeeder&) = delete;
    ThreePhaseFeeder& operator=(const ThreePhaseFeeder&) = delete;
    ~ThreePhaseFeeder() override;

    [[nodiscard]] Eigen::Index rows() const override;  ///< nets × channels
    [[nodiscard]] Eigen::Index channels() const override;
    [[nodiscard]] Eigen::Index intervals() const override;

    /// From now on interval t's linear model is the one through this point, which the deliveries
    /// −x.col(t) have led to.
    void linearise_at(Eigen::Index t, const model::Schedules& x, const OperatingPoint& point);

    /// A limit whose price would move the nets' prices by more than network.limit_penalty_eur_per_kwh (Euclidean norm over
    /// the nets) gives, at that price. Infeasible: some limits gave, and x misses them by the least at the penalty; or
    /// limits contradict each other, and x misses them by the least sum of squares (kW of distance).
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;
    /// Cost of the import.
    [[nodiscard]] double cost(const model::Schedules& x) const override;
    /// Names the buses, branches, phases and intervals (counted from 0) that cannot be kept.
    [[nodiscard]] std::string explain() const override;

    /// The limit whose multiplier is the largest of the last prox(), in words; empty where none binds.
    /// What a session that cannot agree is fighting.
    [[nodiscard]] std::string tightest() const;

    // What a schedule does to the feeder in the linear model, whether it is in the set or not.
    /// Magnitudes, row bus × 3 + phase (pair where the bus has no neutral); 0: no such phase.
    [[nodiscard]] model::Schedules voltages_pu(const model::Schedules& x) const;
    /// Magnitudes at the `to` ends, row branch × 3 + phase.
    [[nodiscard]] model::Schedules currents_a(const model::Schedules& x) const;
    [[nodiscard]] model::Series import_kw(const model::Schedules& x) const;

    /// Of the linearisation in use.
    [[nodiscard]] LinearSet linear_set() const;

    /// The marginal cost of delivery at x with the multipliers of the last prox(), by its causes.
    [[nodiscard]] PhasePrices prices(const model::Schedules& x) const;

    [[nodiscard]] const model::ThreePhaseNetwork& network() const;
    [[nodiscard]] const model::ThreePhaseHorizon& horizon() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::prox
