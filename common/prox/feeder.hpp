/// The feeder: one device with a terminal per net. It takes power from the tie and delivers d_j to
/// net j inside the limits of its lines and of the voltage band (linear branch flow,
/// common/model/network.hpp).
///
/// Row j is x_j = −d_j: what flows into the device is a negative delivery. Per interval,
/// separately, with P0 = Σ_j d_j + Σ fixed, k_j the penalty and τ_j = −target_j,
///
///     minimise  Δ (price P0 + slope/2 P0²) + Σ_j k_j/2 (d_j − τ_j)²    over    low ≤ A d + base ≤
///     high,
///
/// where the rows of A are the voltage drops at the buses, v_i = base_i − Σ_j R_ij d_j with R_ij
/// the common part of the two paths from the root, the flows of the branches (1 for every net
/// behind it) and the import (1 everywhere). With multipliers m (signed: positive where the row's
/// upper end binds) and h = Aᵀ m,
///
///     d(m) = H⁻¹ (k τ − Δ price 1 − Δ slope fixed 1 − h),     H = diag(k) + Δ slope 1 1ᵀ
///     (Sherman–Morrison),
///
/// and A, Aᵀ are one sweep towards the root and one away from it: O(buses). The multipliers come
/// from the dual active set method of Goldfarb and Idnani (1983), which needs A H⁻¹ Aᵀ on the
/// active rows only (RowSet); it starts from the set that was active in the same interval of the
/// previous call.
///
/// x is exact to about 1e-10 kW, including the choice of active rows. Deterministic: the same calls
/// in the same order give the same bits. Sources: Baran & Wu (1989); Goldfarb & Idnani, Math.
/// Programming 27 (1983).
#pragma once

#include <memory>
#include <string>

#include "common/model/network.hpp"

namespace kilter::prox {

/// What the limits cost, EUR per unit of the limited quantity over one interval; zero where a limit
/// does not bind. A net's marginal cost of delivery, and so its dual y where the market has
/// cleared, is
///     Δ (price + slope P0) + tie + Σ_{b on its path} branch_b + Σ_i voltage_i R_ij.
struct FeederDuals {
    model::Schedules
        voltage;  ///< buses × intervals, EUR per pu²; > 0: the lower limit binds, < 0: the upper
    model::Schedules
        branch;  ///< branches × intervals, EUR per kW; > 0: away from the root, < 0: towards it
    model::Series tie;  ///< EUR per kW; > 0: import at its limit, < 0: export
};

class Feeder final : public model::Device {
  public:
    /// REQUIRES: network normalised and valid, horizon of that network.
    Feeder(model::Network network, model::FeederHorizon horizon);
    ~Feeder() override;

    [[nodiscard]] Eigen::Index rows() const override;  ///< nets
    [[nodiscard]] Eigen::Index intervals() const override;
    /// Infeasible: x misses the limits by the least sum of squares (kW of distance) to about one
    /// part in 10⁶.
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;
    /// Cost of the import.
    [[nodiscard]] double cost(const model::Schedules& x) const override;
    /// Names the buses, branches and intervals (counted from 0 at the horizon's start) that cannot
    /// be kept.
    [[nodiscard]] std::string explain() const override;

    // What a schedule does to the feeder, whether it is in the set or not; order of Network's buses
    // and branches.
    [[nodiscard]] model::Schedules voltages_pu(const model::Schedules& x) const;  ///< magnitudes
    [[nodiscard]] model::Schedules flows_kw(
        const model::Schedules& x) const;  ///< away from the root
    [[nodiscard]] model::Series import_kw(const model::Schedules& x) const;

    /// Of the last prox().
    [[nodiscard]] const FeederDuals& duals() const;
    /// ∂/∂d_j of cost and limits at x with these multipliers: nets × intervals, EUR per kW and
    /// interval.
    [[nodiscard]] model::Schedules marginal_cost(const model::Schedules& x,
                                                 const FeederDuals& duals) const;

    [[nodiscard]] const model::Network& network() const;
    [[nodiscard]] const model::FeederHorizon& horizon() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::prox
