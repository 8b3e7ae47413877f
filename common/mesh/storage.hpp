/// A store of a meshed grid, charged and discharged with losses; one row, active power.
///
///     set   p = c − d + idle,  0 ≤ c ≤ C,  0 ≤ d ≤ D
///           e_t = e_{t−1} + Δ (η_c c_t − d_t / η_d),  0 ≤ e_t ≤ E,  e_{−1} = start
///     cost  none
///     prox  With w the change of energy of an interval, p − idle lies between p_low(w), where only one of c and d runs, and
///           p_high(w), where both do and burn power. So min Σ k/2 (p − target)² is a chain (chain.hpp) with
///           h(w) = k/2 dist(target − idle, [p_low(w), p_high(w)])², exactly.
#pragma once

#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

class Storage final : public model::Device {
  public:
    Storage(model::MeshedStorage data, Eigen::Index intervals, double interval_h)
        : data_(std::move(data)), intervals_(intervals), interval_h_(interval_h) {}

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return intervals_; }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules& /*x*/) const override { return 0; }

    /// Of the last prox: at the ends of the intervals, kWh.
    [[nodiscard]] const model::Series& energy_kwh() const { return energy_kwh_; }

  private:
    model::MeshedStorage data_;
    Eigen::Index intervals_;
    double interval_h_;
    model::Series energy_kwh_;
};

}  // namespace kilter::mesh
