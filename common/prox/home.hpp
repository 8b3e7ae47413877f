/// A whole home on one terminal: everything behind one meter (model::Home), as one device.
///
///     set   { (p, q) that the home's equipment can add up to }     (common/model/home.hpp, common/model/equipment.hpp)
///     cost  f(p, q) = the least that equipment costs which adds up to it
///     prox  min f(x) + Σ_rows penalty/2 ‖x − target‖² over the set: a convex quadratic programme over all pieces at
///           once (HomeProgram), solved by HomeSolver to 10⁻⁶ kW or better, starting from the last solution.
///
/// x is unique; where the split between the pieces is not, any best split may come out.
///
/// Shiftable appliances run at fractions of their starts until round_starts() has picked one for each.
/// Two solvers are kept, for proxes that alternate between two penalties far from each other (market/acceleration.hpp): the
/// softer's starts from its own last solution, the stiffer's from the softer's, whose sides it has when a session nears its end.
/// smoothed_prox() is the point of the solver's path at its products.
/// Allocates in the constructor, round_starts(), cost(), responses and the first least_cost() and change of penalty only.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/model/home.hpp"
#include "common/prox/home_plan.hpp"
#include "common/prox/home_solver.hpp"

namespace kilter::prox {

class Home final : public model::Device {
  public:
    /// REQUIRES: home.validate() said ok.
    explicit Home(model::Home home);

    [[nodiscard]] Eigen::Index rows() const override { return home_.channels(); }

    [[nodiscard]] Eigen::Index channels() const override { return home_.channels(); }

    [[nodiscard]] Eigen::Index intervals() const override { return home_.intervals(); }

    /// infeasible: a required level is out of reach, or at these targets not worth its stated penalty.
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] bool price_response(double penalty, Eigen::MatrixXd& response) override;

    model::ProxStatus smoothed_prox(const model::Schedules& target,
                                    const Eigen::VectorXd& penalty,
                                    double smoothing_kw2,
                                    model::Schedules& x) override;

    /// Includes the stated penalties of what is missed. Computed by a solve of its own.
    [[nodiscard]] double cost(const model::Schedules& x) const override;

    /// min f(x) + Σ y·x over the set, EUR: what the home would pay at best at the duals y (EUR/kW and interval). A cleared
    /// x is worth cost(x) + Σ y·x − least_cost(y) less than that: its regret. Shiftable appliances may start in fractions
    /// here, also after round_starts(): the regret includes what the rounding lost.
    [[nodiscard]] double least_cost(const model::Schedules& y);

    [[nodiscard]] std::optional<model::Regret> regret(const model::Schedules& x,
                                                      const model::Schedules& y) override;

    [[nodiscard]] std::string explain() const override;

    /// round_starts(), where an appliance has none yet.
    void settle_choices() override;

    /// Fixes the start of every shiftable appliance where the last prox, solved again with it fixed, gets worse least;
    /// one appliance after the other, the surest first. Later proxes keep them. Returns by how much the last prox's
    /// objective rises, EUR: a bound on what the rounding loses at those targets. REQUIRES: a prox before.
    double round_starts();

    /// The starts round_starts() has fixed.
    [[nodiscard]] const std::vector<std::optional<std::size_t>>& starts() const { return starts_; }

    /// The last prox taken apart.
    [[nodiscard]] HomePlan plan() const;

    [[nodiscard]] const model::Home& data() const { return home_; }

    /// Newton steps of the last prox.
    [[nodiscard]] int iterations() const { return solver_.iterations(); }

  private:
    [[nodiscard]] double objective() const;
    [[nodiscard]] double cost_at(const model::Schedules& x, const model::Schedules& y) const;
    void aim(const model::Schedules& target, const Eigen::VectorXd& penalty);
    model::ProxStatus answer(bool converged, model::Schedules& x);
    model::ProxStatus judge();
    /// Makes solver_ the one that solves at penalties like this one.
    void turn_to(double penalty);

    model::Home home_;
    std::vector<std::optional<std::size_t>> starts_;
    HomeSolver solver_;
    std::unique_ptr<HomeSolver> aside_;  ///< of the other penalty; null until there are two
    std::unique_ptr<HomeSolver> price_taker_;
    Meter meter_;
    std::string unreachable_;
    bool kept_ = true;
    bool converged_ = true;
};

}  // namespace kilter::prox
