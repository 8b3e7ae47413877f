/// Inequalities h(v) ≥ 0 on their way to the optimum: the pairs of an interior-point method (Mehrotra 1992).
///
/// A hard one has a slack s > 0 and a multiplier z > 0. A soft one may be violated by ξ > 0 at `price` per unit, which
/// bounds its multiplier: z < price. Followed is
///     s z = μ,    ξ (price − z) = μ,    s − ξ = h(v),
/// and a step that changes h by dh changes the multiplier to
///     z⁺ = ζ − ω dh,   ω = 1/(s/z + ξ/(price − z)),   ζ = z − ω (h − (μ − ds dz)/z + (μ + dξ dz)/(price − z)),
/// with ds dz and dξ dz of the predictor. All arrays have one entry per inequality; allocates in resize() only.
#pragma once

#include <cstdint>

#include <Eigen/Core>

namespace kilter::prox {

enum class Side : std::uint8_t {
    free,
    held,
    missed
};  ///< h > 0, h = 0, h < 0: what a solution is near

class Complementarity {
  public:
    void resize(Eigen::Index count, bool soft);

    [[nodiscard]] Eigen::Index count() const { return slack.size(); }

    [[nodiscard]] bool soft() const { return soft_; }

    Eigen::ArrayXd price;         ///< soft only
    Eigen::ArrayXd slack, dual;   ///< s, z
    Eigen::ArrayXd excess, room;  ///< soft only: ξ, and price − z, kept apart lest it cancel
    Eigen::ArrayXd value;         ///< h(v); set before aim()
    Eigen::ArrayXd change;        ///< dh; set before move()
    Eigen::ArrayXd weight;        ///< ω, after weigh()
    Eigen::ArrayXd multiplier;    ///< ζ, after aim()

    /// A point on the path at μ for the present values, as far as they are inside.
    void centre(double mu, double slack_min);
    void weigh();
    /// Aims at μ; `corrected`: with the last move() as the predictor's.
    void aim(double mu, bool corrected);
    void move();
    /// Σ of products s z and ξ (price − z) after a fraction of the last move().
    [[nodiscard]] double products(double fraction) const;

    /// The largest part by which a product differs from μ.
    [[nodiscard]] double off_centre(double mu) const;

    [[nodiscard]] Side side(Eigen::Index i) const {
        if (soft_ && excess[i] > room[i]) return Side::missed;
        return dual[i] > slack[i] ? Side::held : Side::free;
    }

    [[nodiscard]] Eigen::Index pairs() const { return soft_ ? 2 * count() : count(); }

    /// The largest fraction of the last move() that keeps everything positive, up to `most`.
    [[nodiscard]] double longest(double most) const;
    void step(double fraction);
    /// Largest |h − s + ξ|.
    [[nodiscard]] double residual() const;

  private:
    bool soft_ = false;
    Eigen::ArrayXd inv_slack_, inv_dual_, inv_excess_, inv_room_;
    Eigen::ArrayXd aim_slack_, aim_excess_;  // (μ − …)/z, (μ + …)/(price − z)
    Eigen::ArrayXd ahead_;                   // h less where the pairs aim
    Eigen::ArrayXd d_slack_, d_excess_, d_dual_;
};

}  // namespace kilter::prox
