/// A device seen from a schedule that is agreed already: what it would change, e = x − base.
///
///     set   { e : base + e in the device's set }
///     cost  f(base + e)
///     prox  argmin f(base + e) + Σ_rows penalty/2 ‖e − target‖² = prox_f(target + base) − base
///
/// Where all members of a net are seen so, a balance Σ e = 0 keeps the net's sum where it was, and nobody has to know it.
#pragma once

#include "common/model/device.hpp"

namespace kilter::prox {

class Deviation final : public model::Device {
  public:
    /// REQUIRES: `base` is rows × intervals of `inner`, which outlives this.
    Deviation(model::Device& inner, model::Schedules base);

    [[nodiscard]] Eigen::Index rows() const override { return inner_.rows(); }

    [[nodiscard]] Eigen::Index channels() const override { return inner_.channels(); }

    [[nodiscard]] Eigen::Index intervals() const override { return inner_.intervals(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    void settle_choices() override { inner_.settle_choices(); }

    [[nodiscard]] double cost(const model::Schedules& x) const override;

    [[nodiscard]] std::string explain() const override { return inner_.explain(); }

  private:
    model::Device& inner_;
    model::Schedules base_;
    model::Schedules target_;  // of the inner device
};

}  // namespace kilter::prox
