/// A whole home on one terminal: fixed load, curtailable PV and a battery behind one meter.
///
///     set   { x : x_t = load_t − u_t + b_t,  0 ≤ u_t ≤ pv_t,  |b_t| ≤ P,  0 ≤ e_t ≤ E,  e_T ≥
///     e_end },
///           e_t = e_{t−1} + Δ b_t,  e_0 given cost  0
///     prox  min Σ_t k/2 (x_t − target_t)²  over the set.
///
/// With c_t = target_t − load_t the best use of the panels for a given b_t is u_t = clamp(b_t −
/// c_t, 0, pv_t); what is left is φ_t(b_t) = k/2 · dist(b_t − c_t, [0, pv_t])², convex with three
/// pieces (falling, flat, rising), and min Σ φ_t(b_t) over the battery's set is a StorageChain:
/// exact. x is unique; where u and b are not, the battery moves as little as it can.
///
/// kW and kWh. Allocates in the constructor only.
#pragma once

#include <span>
#include <vector>

#include "common/model/home.hpp"
#include "common/prox/storage_chain.hpp"

namespace kilter::prox {

class Home final : public model::Device {
  public:
    /// REQUIRES: home.validate() said ok, but for the battery's end energy: an end that cannot be
    /// reached is met as nearly as possible and reported by prox() and explain().
    explicit Home(model::Home home);

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return home_.load_kw.size(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

    [[nodiscard]] std::string explain() const override;

    // The last prox taken apart; one value per interval.
    [[nodiscard]] std::span<const double> battery_kw() const { return chain_.steps(); }

    [[nodiscard]] std::span<const double> stored_kwh() const {
        return stored_kwh_;
    }  ///< after the interval

    [[nodiscard]] std::span<const double> pv_used_kw() const { return pv_used_kw_; }

    // The face of the set it lies on.
    [[nodiscard]] std::span<const At> battery_at() const { return chain_.step_at(); }

    [[nodiscard]] std::span<const At> stored_at() const { return chain_.level_at(); }

    [[nodiscard]] std::span<const At> pv_at() const { return pv_at_; }

    [[nodiscard]] const model::Home& data() const { return home_; }

  private:
    model::Home home_;
    StorageChain chain_;
    std::vector<double> stored_kwh_, pv_used_kw_;
    std::vector<At> pv_at_;
    bool feasible_ = true;
};

}  // namespace kilter::prox
