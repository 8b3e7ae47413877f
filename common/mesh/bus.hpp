/// What stands at a bus of a meshed grid and is nobody's device: its load, its shunt and its voltage band.
///
///     set   p = load_p + shunt_p v,  q = load_q − shunt_q v,  v_min² ≤ v ≤ v_max²
///     cost  0;   prox closed form in v
///
/// Rows: p, q, v (kW, kvar, pu²). `Load` is the same without voltage: rows p.
#pragma once

#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

class Bus final : public model::Device {
  public:
    Bus(const model::MeshedBus& bus, model::Series load_p_kw, model::Series load_q_kvar);

    [[nodiscard]] Eigen::Index rows() const override { return 3; }

    [[nodiscard]] Eigen::Index intervals() const override { return load_p_kw_.size(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

  private:
    double v_min_, v_max_;  ///< squared
    double shunt_p_kw_, shunt_q_kvar_;
    model::Series load_p_kw_, load_q_kvar_;
};

class Load final : public model::Device {
  public:
    explicit Load(model::Series p_kw) : p_kw_(std::move(p_kw)) {}

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return p_kw_.size(); }

    model::ProxStatus prox(const model::Schedules&,
                           const Eigen::VectorXd&,
                           model::Schedules& x) override {
        x.row(0) = p_kw_.transpose();
        return model::ProxStatus::solved;
    }

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

  private:
    model::Series p_kw_;
};

}  // namespace kilter::mesh
