/// A symmetric positive definite matrix over time whose memory fades, factorised without ever being written out.
///
///     K_tt = diagonal_t,    K_ts = band_{t−s, t} [t − s ≤ b] + Σ_j h_jt φ_jt φ_j,t−1 ⋯ φ_j,s+1 g_js     for t > s
///
/// J exponentially fading terms (a store's answer to an earlier price) and a band of width b. With all J + b numbers that
/// row t needs of the rows before it as a state that fades and shifts from t to t + 1 (Φ), the factors of K = L D Lᵀ follow
/// from one covariance, as the innovations of a Kalman filter do:
///     D_t = K_tt − hᵀ P h,   w_t = (g − P h)/D_t,   P ← Φ (P + D_t w_t w_tᵀ) Φᵀ,   L_ts = h_tᵀ Φ ⋯ Φ w_s.
/// O(T (J + b)²) to factorise, O(T (J + b)) to solve; without the band this is the scheme of Foreman-Mackey, Agol,
/// Ambikasaran and Angus (2017).
///
/// Allocates in resize() only, but for what is said at inverse().
#pragma once

#include <Eigen/Core>

namespace kilter::prox {

class Semiseparable {
  public:
    void resize(Eigen::Index size, Eigen::Index terms, Eigen::Index width);

    // The matrix; set before factorise().
    Eigen::ArrayXd diagonal;     ///< T
    Eigen::ArrayXXd h, g, fade;  ///< J × T; fade(j, t) = φ_jt, from t − 1 to t
    Eigen::ArrayXXd band;        ///< b × T; band(m − 1, t) = K_t,t−m

    /// REQUIRES: K is positive definite (a pivot that rounding spoils is raised to `least_pivot`).
    void factorise(double least_pivot);
    /// rhs ← K⁻¹ rhs.
    void solve(Eigen::Ref<Eigen::VectorXd> rhs) const;
    /// out ← K⁻¹, symmetric, O(T² (J + b)). Allocates where `out` has another size.
    void inverse(Eigen::MatrixXd& out) const;

  private:
    [[nodiscard]] Eigen::Index states() const { return h.rows() + band.rows(); }

    /// Columns of K⁻¹ that inverse() finds at once.
    static constexpr Eigen::Index together = 8;
    using Columns = Eigen::Array<double, together, 1>;

    void solve_columns(Eigen::Index first) const;

    Eigen::ArrayXd pivot_;     // D
    Eigen::ArrayXXd weights_;  // w_t before it fades: (J + b) × T
    Eigen::ArrayXXd covariance_;
    Eigen::ArrayXd row_, carried_, innovation_, fades_;
    mutable Eigen::ArrayXd state_;
    mutable Eigen::Array<double, together, Eigen::Dynamic> columns_, column_states_;
};

}  // namespace kilter::prox
