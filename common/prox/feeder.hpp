/// The feeder: one device with a terminal per net. It takes power from the tie and delivers d_j kW (and, where reactive
/// power is traded, e_j kvar) to net j inside the limits of its lines and of the voltage band, losses included where the
/// network says so (branch flow as a second-order cone programme, common/model/network.hpp).
///
/// Row j · channels() + channel is x = −d_j (−e_j): what flows into the device is a negative delivery. Per interval,
/// separately, with P0 the import, k the penalties and τ = −target,
///
///     minimise  Δ (price P0 + slope/2 P0²) + Σ_j k_j/2 (d_j − τ_j)² [+ Σ_j k'_j/2 (e_j − τ'_j)²]    over the network.
///
/// limited_flow.hpp has the method. It keeps l = (P² + Q²)/v on every branch and yields the multiplier λ_b of the cone
/// l ≥ (P² + Q²)/v. Where all λ ≥ 0 the result is the optimum of the convex relaxation, hence of the physical problem:
/// the relaxation is exact. A branch with λ < 0 would rather burn power (import at negative prices; surplus against an
/// upper voltage limit): there the result is still physical and stationary, but the relaxation proves nothing, and
/// relaxation() says so.
///
/// Limits give when they cost more than network.limit_penalty_eur_per_kwh: prox() then says infeasible, x violates them
/// by the least at that price, and explain() names them.
///
/// Targets beyond ten times what tie and loads amount to (and 10 MW) are taken as that much.
///
/// x is exact to about 1e-6 kW. Deterministic: the same calls in the same order give the same bits. Every interval
/// starts from where it was after the call before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::prox {

/// What the limits cost, EUR per unit of the limited quantity over one interval; zero where a limit does not bind.
struct FeederDuals {
    model::Schedules
        voltage;  ///< buses × intervals, EUR per pu²; > 0: the lower limit binds, < 0: the upper
    model::Schedules branch;  ///< branches × intervals, EUR per kVA of rating, ≥ 0
    model::Series tie;        ///< EUR per kW; > 0: import at its limit, < 0: export
};

/// A net's price taken apart, rows × intervals, EUR per kW (kvar) and interval. Their sum is the marginal cost of
/// delivery, and so the net's dual y where the market has cleared.
struct PriceParts {
    model::Schedules
        energy;  ///< marginal cost of the import, Δ (price + slope P0); 0 for reactive power
    model::Schedules loss;        ///< times the losses that one more kW causes
    model::Schedules congestion;  ///< ratings of branches and limits of the tie
    model::Schedules voltage;     ///< the voltage band
};

/// What is known of the convex relaxation at the last prox().
struct Relaxation {
    struct Loose {
        std::size_t branch = 0;
        Eigen::Index interval = 0;
        double multiplier = 0;  ///< < 0, EUR per kW of losses and interval
    };

    double gap_kw = 0;         ///< largest Σ r (l − (P² + Q²)/v) over a feeder's branches
    std::vector<Loose> loose;  ///< where losses would be worth having, worst first

    [[nodiscard]] bool exact() const { return loose.empty(); }
};

class Feeder final : public model::Device {
  public:
    /// `channels` 1: active power is traded; 2: reactive power as well.
    /// REQUIRES: network normalised and valid, horizon of that network.
    Feeder(model::Network network, model::FeederHorizon horizon, Eigen::Index channels = 1);
    Feeder(const Feeder&) = delete;
    Feeder& operator=(const Feeder&) = delete;
    ~Feeder() override;

    [[nodiscard]] Eigen::Index rows() const override;  ///< nets × channels
    [[nodiscard]] Eigen::Index channels() const override;
    [[nodiscard]] Eigen::Index intervals() const override;
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    /// Whether the relaxation is exact.
    [[nodiscard]] bool proves_optimum() const override { return relaxation().exact(); }

    /// Cost of the import.
    [[nodiscard]] double cost(const model::Schedules& x) const override;
    /// Names the buses, branches and intervals (counted from 0 at the horizon's start) that are not kept.
    [[nodiscard]] std::string explain() const override;

    // What a schedule does to the feeder, whether it is in the set or not, from the nonlinear branch flow (the linear
    // one without losses); order of Network's buses and branches.
    [[nodiscard]] model::Schedules voltages_pu(const model::Schedules& x) const;  ///< magnitudes
    [[nodiscard]] model::Schedules flows_kw(
        const model::Schedules& x) const;  ///< into the branches, away from the root
    [[nodiscard]] model::Series import_kw(const model::Schedules& x) const;

    // Of the last prox().
    [[nodiscard]] FeederDuals duals() const;
    [[nodiscard]] PriceParts price_parts() const;
    [[nodiscard]] Relaxation relaxation() const;

    [[nodiscard]] const model::Network& network() const;
    [[nodiscard]] const model::FeederHorizon& horizon() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// In words: where the relaxation is not exact and what to do; empty where it is.
std::string describe(const Relaxation& relaxation, const model::Network& network);

}  // namespace kilter::prox
