/// A generator of a meshed grid; intervals apart from each other.
///
///     set   −p_max ≤ p ≤ −p_min,  −q_max ≤ q ≤ −q_min     what it delivers flows out of it
///     cost  Σ_t Δ (cost2 p² − cost1 p + cost0)
///     prox  closed form, clamped
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
    model::MeshedGenerator data_;
    Eigen::Index rows_, intervals_;
    double interval_h_;
};

}  // namespace kilter::mesh
