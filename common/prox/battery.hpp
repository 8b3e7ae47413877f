/// A lossless battery on a terminal of its own.
///
///     set   { x : |x_t| ≤ P,  0 ≤ e_t ≤ E,  e_T ≥ e_end },   e_t = e_{t−1} + Δ x_t,  e_0 given
///     cost  0 prox  min Σ_t k/2 (x_t − target_t)² over the set: a StorageChain with one quadratic
///     piece per stage
///           (marginal k (−P − target_t) at x = −P, curvature k), exact
///
/// x in kW, positive charges; the chain counts energy in kW·intervals (kWh / Δ).
#pragma once

#include "common/model/home.hpp"
#include "common/prox/storage_chain.hpp"

namespace kilter::prox {

/// Writes the battery's energy bounds into a chain of `steps` ≥ 1 steps, in kW·intervals.
void set_energy_bounds(const model::Battery& battery,
                       double interval_h,
                       std::size_t steps,
                       StorageChain& chain);

/// In words, why the chain could not meet the battery's bounds.
std::string explain_missed(const model::Battery& battery,
                           double interval_h,
                           const StorageChain& chain);

class Battery final : public model::Device {
  public:
    Battery(const model::Battery& battery, double interval_h, Eigen::Index intervals);

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return intervals_; }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

    [[nodiscard]] std::string explain() const override;

    /// The last solution with its energies, marginal values and active set.
    [[nodiscard]] const StorageChain& chain() const { return chain_; }

  private:
    model::Battery battery_;
    double interval_h_;
    Eigen::Index intervals_;
    StorageChain chain_;
    bool feasible_ = true;
};

}  // namespace kilter::prox
