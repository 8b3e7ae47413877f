/// A line of a lossless direct-current (linearised) grid: two terminals, each with power and voltage angle.
///
///     set   p_from = −p_to = B (θ_from − θ_to − shift),  |p| ≤ rating,  angle_min ≤ θ_from − θ_to ≤ angle_max
///     cost  0
///     prox  closed form: the four quantities depend on the flow p and on the angles' weighted mean only. With
///           κ = k_θf k_θt / (k_θf + k_θt), minimise over p
///               k_pf/2 (p − t_pf)² + k_pt/2 (p + t_pt)² + κ/2 (p/B + shift − (t_θf − t_θt))²
///           and clamp.
///
/// Rows: p_from, θ_from, p_to, θ_to (kW, rad). A transport line (`susceptance` = 0) knows no angles: rows p_from, p_to.
#pragma once

#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

class DcLine final : public model::Device {
  public:
    /// `susceptance`: kW per rad, > 0; 0: a transport line, limited by its rating alone.
    DcLine(const model::MeshedLine& line, double susceptance_kw, Eigen::Index intervals);

    [[nodiscard]] Eigen::Index rows() const override { return susceptance_kw_ > 0 ? 4 : 2; }

    [[nodiscard]] Eigen::Index intervals() const override { return intervals_; }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

  private:
    double susceptance_kw_;
    double shift_rad_;
    double p_min_kw_;
    double p_max_kw_;
    Eigen::Index intervals_;
};

}  // namespace kilter::mesh
