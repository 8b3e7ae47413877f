/// A generator of a meshed grid.
///
///     set   −p_max_t ≤ p_t ≤ −p_min_t,  −q_max ≤ q ≤ −q_min     what it delivers, g = −p, flows out of it
///           −ramp_down ≤ g_t − g_{t−1} ≤ ramp_up
///     cost  Σ_t Δ (cost2 g² + cost1 g + cost0) + ramp_cost |g_t − g_{t−1}|
///     prox  closed form, clamped; with ramps a chain (chain.hpp), exact
///
/// Rows: p, or p and q where the grid knows reactive power.
#pragma once

#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

class Generator final : public model::Device {
  public:
    Generator(model::MeshedGenerator data, bool reactive, Eigen::Index intervals, double interval_h)
        : data_(std::move(data)),
          rows_(reactive ? 2 : 1),
          intervals_(intervals),
          interval_h_(interval_h) {}

    [[nodiscard]] Eigen::Index rows() const override { return rows_; }

    [[nodiscard]] Eigen::Index channels() const override { return rows_; }

    [[nodiscard]] Eigen::Index intervals() const override { return intervals_; }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules& x) const override;

  private:
    [[nodiscard]] model::ProxStatus ramp(const model::Schedules& target,
                                         double penalty,
                                         model::Schedules& x) const;

    model::MeshedGenerator data_;
    Eigen::Index rows_, intervals_;
    double interval_h_;
};

}  // namespace kilter::mesh
