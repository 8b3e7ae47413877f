/// Panels that may deliver less than they could.
///
///     set   { x : −available_t ≤ x_t ≤ 0 }      cost  0 (curtailment is free)
///     prox  x_t = clamp(target_t, −available_t, 0), for any penalty
///
/// kW, one row.
#pragma once

#include "common/model/device.hpp"

namespace kilter::prox {

class CurtailablePv final : public model::Device {
  public:
    /// REQUIRES: available_kw ≥ 0.
    explicit CurtailablePv(model::Series available_kw) : available_kw_(std::move(available_kw)) {}

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return available_kw_.size(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

  private:
    model::Series available_kw_;
};

}  // namespace kilter::prox
