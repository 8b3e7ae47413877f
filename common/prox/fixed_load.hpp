/// A load that takes what it takes.
///
///     set   { x : x_t = load_t }      cost  0
///     prox  x = load, whatever the target
///
/// kW, one row; a generator without control is a fixed load below zero.
#pragma once

#include "common/model/device.hpp"

namespace kilter::prox {

class FixedLoad final : public model::Device {
  public:
    explicit FixedLoad(model::Series load_kw) : load_kw_(std::move(load_kw)) {}

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return load_kw_.size(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

  private:
    model::Series load_kw_;
};

}  // namespace kilter::prox
