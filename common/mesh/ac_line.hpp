/// A line of an alternating-current grid with losses, relaxed to a second-order cone (Jabr 2006): two terminals, each with
/// active power, reactive power and squared voltage magnitude.
///
/// In w = (w_f, w_t, c, s), w_f = |V_f|², w_t = |V_t|², c + j s = V_f V_t*, the flows of the π section (meshed_grid.hpp) are
/// linear and the set is
///
///     c² + s² ≤ w_f w_t                                    the relaxed product; tight where the relaxation is exact
///     p² + q² ≤ rating²                                    at both ends
///     tan(angle_min) c ≤ s ≤ tan(angle_max) c              within ±π/2
///     and the two cuts that angle and voltage bounds imply for w (Coffrin, Hijazi, Van Hentenryck 2017)
///
///     prox  min Σ_i k_i/2 (M w − t)_i²  over it: a logarithmic barrier in four variables, damped Newton steps, started
///           from the previous answer; exact to about 1e-7 pu. Infeasible (no current at all would be) if no state within
///           voltage bands and angle limits keeps the rating.
///
/// Rows: p_from, q_from, v_from, p_to, q_to, v_to (kW, kvar, pu²).
#pragma once

#include <string>
#include <vector>

#include <Eigen/Core>

#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

class AcLine final : public model::Device {
  public:
    /// Buses give the voltage bounds of the cuts; the bounds themselves are the buses' own devices' business.
    AcLine(const model::MeshedLine& line,
           const model::MeshedBus& from,
           const model::MeshedBus& to,
           double base_kva,
           Eigen::Index intervals);

    [[nodiscard]] Eigen::Index rows() const override { return 6; }

    [[nodiscard]] Eigen::Index intervals() const override {
        return static_cast<Eigen::Index>(start_.size());
    }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    [[nodiscard]] double cost(const model::Schedules&) const override { return 0; }

    [[nodiscard]] std::string explain() const override;

    /// How far the relaxation is from exact at the last prox: largest w_f w_t − c² − s² over the intervals, pu⁴.
    [[nodiscard]] double slack() const;

  private:
    using Products = Eigen::Vector4d;  ///< w
    /// Sum of the logarithms of what w is away from each face; −∞ outside.
    [[nodiscard]] double log_room(const Products& w) const;
    void add_barrier(const Products& w,
                     double barrier,
                     Products& gradient,
                     Eigen::Matrix4d& hessian) const;

    std::string name_;
    double base_kva_;
    double rating2_pu_;                       ///< infinite where there is none
    Eigen::Matrix<double, 6, 4> flows_;       ///< M, per unit
    std::vector<Products> half_planes_;       ///< a·w ≥ b
    std::vector<double> half_plane_offsets_;  ///< b
    Products first_;                          ///< a point well inside
    bool feasible_ = true;
    std::vector<Products> start_;  ///< per interval
};

}  // namespace kilter::mesh
