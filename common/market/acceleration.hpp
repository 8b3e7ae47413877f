/// The mathematics of an accelerated iteration, where the chair's device can set prices (Device::price_step). Beside
/// step.hpp: who says what to whom, attempts, history and stopping are the same.
///
///     prices   y from the chair;  z ← w − R y  with R and w of the iteration before (k = 1: the start's)
///     home     x̂ = prox(z − y/ρ_k), smoothed over √s_k,  R its Jacobian there with ρ_k replaced by μ = ρ_k/2,
///              w = x̂ + R (y + (ρ_k − μ) (x̂ − z)):  near x̂, at prices y, it draws w − R y, which is the prox from z with
///              the penalty μ
///              x      = prox(z − y/ρ),    ρ three times the agreed penalty: what is balanced, judged and cleared. While
///              √s_k is over five times the agreed imbalance the session cannot end, and x is x̂
///     net      r = Σ x − d,  D = Σ w,  S = Σ R                                  as masked sums
///     chair    y⁺, d = price_step(y, D − S y, S + Q/ρ_k): the feeder's optimum against these responses, trusted as far as
///              Q = (δ − λ) L/2 + λ I lets it, yᵀ L y = Σ (y_{t+1} − y_t)², λ = 0.003
///
/// μ < ρ_k: a step twice as far as the prox saw; where the truth differs the next prox puts things right. A home's own prox has a
/// kink wherever a bound begins to bind, and prices would swing between two of its faces. A barrier rounds the kinks off over √s_k, so
/// that w and R belong to a smooth answer and the iteration is Newton's method for it: s_k falls to three tenths each iteration, from
/// 10⁶ times the square of the agreed imbalance, 1000 times in a warm session, to 10 times. ρ_k falls from the agreed penalty (two
/// fifths of it in a warm session) to a fifth; δ from 0.12 to 0.01. Stores move energy from interval to interval, so it is differences
/// of prices that homes answer at once, one after another as they meet their bounds, and δ holds back those. What all intervals have
/// in common few homes answer and few bounds depend on: only λ holds that back. A net whose homes are at the end of their reach hardly
/// answers, and its prices would leap from there to the other end and back: Q of such a net alone is multiplied by four until they do
/// not, and less each iteration after it. Measured: docs/decisions/0050-the-level-of-prices-moves-freely.md, 0056-a-smooth-answer.md.
///
/// Residuals: primal r, dual ρ (x − z): x is optimal for the prices y but for it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "common/market/step.hpp"

namespace kilter::market {

/// What an accelerated iteration adds to a home's iterate.
struct Answer {
    model::Schedules work_kw;  ///< w
    Eigen::MatrixXd response;  ///< R, kW per EUR/kW
};

/// Words of a home's answer, which its message to the chair has beyond those that everybody gets: w, then R · ρ_k's upper
/// triangle by rows, three entries to a word, the earlier one in the lower bits.
std::size_t answer_words(const Parameters& parameters);

/// An entry of R · ρ_k on the wire: 21 bits, so that those of all the homes a net had at first add up without a carry. R is
/// rounded to these units before the home uses it.
class ResponseUnits {
  public:
    /// Of a net with `homes` ≥ 1 at the session's opening.
    explicit ResponseUnits(std::size_t homes);

    /// 2^-17 where there are three homes; the largest entry, 2, is within `most_`.
    [[nodiscard]] double unit() const { return unit_; }

    /// Rounded, and at most what one home may send; what is no number is 0.
    [[nodiscard]] std::int64_t of(double entry) const;

    static constexpr int bits = 21;

  private:
    std::int64_t most_;
    double unit_;
};

/// ρ of the next iteration.
double next_working_rho(const Parameters& parameters, double rho);

/// ρ that the session after an accelerated one starts from: near its solution already, it moves far from the start on.
double later_rho(const Parameters& parameters);

/// s of an iteration ≥ 1, kW². `opening_rho`: what the session started from; less than the agreed penalty where it is warm.
double smoothing_kw2(std::uint32_t iteration, double opening_rho, const Parameters& parameters);

/// Whether homes judge an iterate of that smoothing by an exact step: a session ends at no other.
bool judged_exactly(double smoothing_kw2, const Parameters& parameters);

/// A home's iteration at the chair's prices; `last.answer` is null in the first one, which starts from last.z and these
/// prices. Fills `next` but for what the net step adds.
Iterate answer_prices(model::Device& device,
                      const Iterate& last,
                      const model::Schedules& y_eur_per_kw,
                      double rho,
                      double smoothing_kw2,
                      const ResponseUnits& units,
                      const Parameters& parameters);

/// Appends what answer_words() counts.
void append_answer(const Iterate& iterate,
                   double rho,
                   const ResponseUnits& units,
                   std::vector<std::uint64_t>& words);

/// The chair's: it plans to deliver `delivery_kw` at these prices.
Iterate set_prices(const Iterate& last,
                   const model::Schedules& y_eur_per_kw,
                   const model::Schedules& delivery_kw,
                   double rho,
                   const Parameters& parameters);

/// What the homes of one net said together.
struct NetAnswer {
    model::Series work_kw;
    Eigen::MatrixXd response;
};

/// From the sum of the words of a net's answers alone. Total: whatever they are, the response is symmetric and finite.
NetAnswer net_answer(std::span<const std::uint64_t> sums,
                     double rho,
                     const ResponseUnits& units,
                     const Parameters& parameters);

/// The chair's trust region.
class Acceleration {
  public:
    /// The next prices and deliveries, or false: the device cannot. A net whose homes do not answer like homes
    /// (S + Q/ρ not positive definite: somebody sends wrong values) counts with its diagonal alone.
    /// Where a net's prices would leap, given how they moved from `before` (null: unknown) to `last`, they are held back more, as
    /// long as need be.
    bool step(model::Device& device,
              const Iterate* before,
              const Iterate& last,
              const std::vector<NetAnswer>& nets,
              const Parameters& parameters,
              model::Schedules& y_eur_per_kw,
              model::Schedules& delivery_kw);

    /// How much each net is held back since the last step, as words: who recalls them holds back what this chair would. Words that
    /// are none count as their nearest.
    [[nodiscard]] std::vector<std::uint64_t> held_back() const;
    void recall(const std::vector<std::uint64_t>& held_back);

    /// Told the imbalance (Σ r²) of every iterate in turn, before its step: δ falls where that has.
    void observe(std::uint64_t primal_square);

    /// Iterates in a row that come no nearer before every net moves its own prices instead.
    static constexpr int stalls_max = 6;

  private:
    double delta_ = 0.12;
    std::vector<double> held_;  // per net: × Q, at least 1
    std::uint64_t before_ = 0;
};

}  // namespace kilter::market
