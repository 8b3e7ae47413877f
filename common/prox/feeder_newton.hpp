/// A feeder that can set prices: it takes one Newton-like step on the prices of all nets and intervals at once, from what
/// the nets draw at the present prices and how they answer a change of them (docs/protocol/market.md, "The plain session", "The
/// accelerated session").
///
/// With y the present prices (T per net n), D_n what a net draws if prices stay, S_n ≻ 0 its response (T × T):
///
///     minimise  cost(d) − Σ_n y_n·d_n + ½ Σ_n (d_n − D_n)ᵀ S_n⁻¹ (d_n − D_n)     over the network's limits
///     y⁺_n = y_n − S_n⁻¹ (d_n − D_n)
///
/// By duality y⁺ = 1 λᵀ + Aᵀμ: the tie's marginal price λ_t = Δ (price_t + slope · import_t) plus, in each interval, the
/// multipliers μ ≥ 0 of the limits that bind times the nets' sensitivities; and d_n = D_n − S_n (y⁺_n − y_n). So the
/// unknowns are T tie prices and the multipliers of the rows that bind. Their Gram matrix has the blocks
/// Σ_n a_kn a_ln S_n; one column of it takes a sweep away from the root, n products with a row of S, and a sweep
/// towards it for all intervals at once: O((nets + buses) T). Nothing of size nets × T is ever factored. Where all responses
/// are level ones, as in plain sessions, the Gram matrix is not formed at all (level_rows.hpp).
///
/// Rows join as they are found violated (the worst few of each interval at a time) and SignConstrained settles their
/// multipliers: the dual objective rises with every round, so the method ends. d keeps the limits to 10⁻⁶ kW. A feeder of
/// several owners takes the same step together (joint_newton.hpp); this is the one piece of one owner.
///
/// Active power on the linear network: with two channels, losses, shunts, charging or regulators price_step() says false.
#pragma once

#include <vector>

#include "common/prox/feeder.hpp"
#include "common/prox/piece_newton.hpp"

namespace kilter::prox {

/// Everything but price_step() is the feeder's own. The feeder must outlive it.
class FeederNewton final : public model::Device {
  public:
    explicit FeederNewton(Feeder& feeder);

    [[nodiscard]] Eigen::Index rows() const override { return feeder_.rows(); }

    [[nodiscard]] Eigen::Index channels() const override { return feeder_.channels(); }

    [[nodiscard]] Eigen::Index intervals() const override { return feeder_.intervals(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override {
        return feeder_.prox(target, penalty, x);
    }

    [[nodiscard]] double cost(const model::Schedules& x) const override { return feeder_.cost(x); }

    [[nodiscard]] std::string explain() const override { return feeder_.explain(); }

    bool price_step(const model::Schedules& price,
                    const model::Schedules& demand_kw,
                    const std::vector<model::Response>& response,
                    const model::PriceRestraint& restraint,
                    model::Schedules& next_price,
                    model::Schedules& delivery_kw) override;

    /// The rows that bound in the last step (PieceNewton::memory).
    [[nodiscard]] std::vector<std::uint64_t> price_memory() const override;
    void recall(std::span<const std::uint64_t> memory) override;

    [[nodiscard]] model::Schedules marginal_price() const override;

  private:
    PieceNewton& whole();

    Feeder& feeder_;
    std::vector<PieceNewton> whole_;  ///< one piece, once it is needed
};

}  // namespace kilter::prox
