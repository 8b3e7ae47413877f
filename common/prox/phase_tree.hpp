/// The limits of an unbalanced feeder, linear in what it delivers: linear three-phase branch flow as
/// two sweeps over the tree. Private to the three-phase feeder.
///
/// About the voltages V̂ without any load (source, windings and taps), a delivery of p + jq kVA to a
/// net draws the currents conj((p + jq)/V̂) between the net's conductors; with the two-ports of
/// model/three_phase_circuit.hpp, shunts left out,
///
///     I_m = drawn at m + Σ_{branches n → c leaving m} D_c I_c           towards the root
///     δV_m = A δV_n − B I_m                                             away from it
///     δ|V|² ≈ 2 Re(conj(V̂) δV)                                          per phase, or between phases
///
/// For lines this is v_m = v_n − 2 Re(Z ∘ conj(γ)) P − 2 Im(Z ∘ conj(γ)) Q with γ_φψ = V̂_φ/V̂_ψ, the
/// linear three-phase branch flow of Gan and Low, Convex relaxations and linear approximation for
/// optimal power flow in multiphase radial networks (2014); the phasors carry it through delta
/// windings, open-delta regulators and delta loads. Since V̂_m = A V̂_n and A = Dᵀ, power is kept:
/// what is delivered is imported.
///
/// Rows, over the quantities net × channels + channel (kW, kvar):
///     voltages   bus × 3 + phase (pair of phases behind a delta winding): change of squared voltage,
///                pu²; zero for phases that are not there
///     currents   for every rated branch and phase, `sides` directions: part of the current at the
///                `to` end in that direction, A
///     import     kW
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/model/three_phase_circuit.hpp"

namespace kilter::prox {

class PhaseTree {
  public:
    /// A rating's disc is kept by the regular polygon inside it: at most 1 − cos(π/sides) = 1.9 % of
    /// the rating is given up.
    static constexpr std::size_t sides = 16;

    /// REQUIRES: network normalised and valid; 1 or 2 channels.
    PhaseTree(const model::ThreePhaseNetwork& network, std::size_t channels);

    [[nodiscard]] std::size_t quantities() const { return units_.size() * channels_; }

    [[nodiscard]] std::size_t rows() const { return import_row() + 1; }

    [[nodiscard]] std::size_t voltage_rows() const { return 3 * buses_.size(); }

    [[nodiscard]] std::size_t import_row() const { return voltage_rows() + rated_.size() * sides; }

    struct Rated {
        std::size_t branch = 0;
        int phase = 0;
    };

    /// What row voltage_rows() + i · sides + side limits.
    [[nodiscard]] const std::vector<Rated>& rated() const { return rated_; }

    /// The direction of a side, as a phasor of length 1.
    [[nodiscard]] static model::Complex direction(std::size_t side);

    /// rows ← A d
    void apply(std::span<const double> d, std::span<double> rows);
    /// d ← Aᵀ rows
    void transpose(std::span<const double> rows, std::span<double> d);

    /// Voltages and branch currents (at the `to` end) with these loads and no deliveries, in the same
    /// linear model, the shunts' currents at V̂ included.
    struct Base {
        std::vector<model::Phasors> current_a;  ///< per branch
        Eigen::VectorXd squared_pu;             ///< per voltage row
        double import_kw = 0;
    };

    [[nodiscard]] Base base(std::span<const model::PhaseLoad> loads) const;

    /// base −= what the deliveries d do to it.
    void take_away(std::span<const double> d, Base& base);

    /// Squared magnitudes, pu², by voltage row, of any voltages.
    [[nodiscard]] Eigen::VectorXd squared(std::span<const model::Phasors> voltage_v) const;

  private:
    struct Branch {
        std::size_t from = 0, to = 0;
        model::PhaseMatrix a, b, d;
    };

    struct Bus {
        model::Phasors reference_v;  ///< V̂, between phases where `delta`
        double per_v2 = 0;           ///< 1 / nominal²
        model::PhaseSet phases;
        bool delta = false;
    };

    struct Unit {
        std::size_t bus = 0;
        model::Phasors amperes;  ///< per kW
    };

    void change_of_voltage(std::vector<model::Phasors>& drawn,
                           std::vector<model::Phasors>& change,
                           std::vector<model::Phasors>& current) const;

    std::size_t channels_;
    const model::ThreePhaseNetwork* network_;
    std::vector<model::Phasors> no_load_v_;
    std::vector<Branch> branches_;
    std::vector<Bus> buses_;
    std::vector<Unit> units_;
    std::vector<Rated> rated_;
    std::vector<model::Phasors> drawn_, change_, current_;
};

}  // namespace kilter::prox
