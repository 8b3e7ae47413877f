/// A store over time, solved exactly: the engine below every device that holds energy.
///
///     minimise  Σ_t φ_t(s_t)   over  e_t = e_{t−1} + s_t,   low_t ≤ e_t ≤ high_t,   e_0 given,   t
///     = 1 … T
///
/// φ_t is convex and piecewise quadratic on a bounded domain, so its derivative is a rising
/// polyline with vertical and horizontal parts. V_t(e) = min cost of arriving at e after t steps is
/// the infimal convolution of V_{t−1} and φ_t: the inverses of the derivatives add,
///     (V_t')⁻¹(λ) = (V_{t−1}')⁻¹(λ) + (φ_t')⁻¹(λ),
/// and the bounds cut that graph off at both ends, at the marginal costs λlow_t and λhigh_t. Then
/// backwards,
///     λ_{T+1} = 0,    λ_t = clamp(λ_{t+1}, λlow_t, λhigh_t),    s_t ∈ (φ_t')⁻¹(λ_t),
/// with e_t = low_t where the clamp raised λ and e_t = high_t where it lowered it. Where
/// (φ_t')⁻¹(λ_t) is an interval (a flat φ_t), the step nearest to zero that still meets the bounds
/// is taken.
///
/// The graph is kept as events sorted by λ (a jump of e and a change of de/dλ): a stage inserts its
/// events, a bound removes events from an end. Time O(T log T) comparisons and as many short memory
/// moves; no iteration, no tolerance.
///
/// Units: s and e in any one unit (the battery counts kW·intervals), λ in cost per that unit.
/// Thread: one at a time. Allocates in the constructor only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kilter::prox {

/// Where a variable lies in its range: the active set, for whoever differentiates the solution.
enum class At : std::uint8_t { low, inside, high };

/// One quadratic piece of a stage's cost: over `width` the marginal cost φ' rises linearly.
struct Piece {
    double width = 0;  ///< ≥ 0
    double from = 0;   ///< φ' at the low end; not below the end of the piece before
    double to = 0;     ///< φ' at the high end, ≥ from; equal where φ is linear
};

/// φ_t on [low, high]: its pieces follow each other upwards and their widths add up to high − low.
struct Stage {
    static constexpr std::size_t pieces_max = 6;
    double low = 0;
    double high = 0;
    std::size_t count = 0;
    Piece pieces[pieces_max];

    /// A piece without width is left out. REQUIRES: count < pieces_max.
    void add(const Piece& piece);
};

struct Range {
    double low = 0;
    double high = 0;
};

class StorageChain {
  public:
    explicit StorageChain(std::size_t steps);

    /// What step t may cost and where the store may be after it; set all before solve().
    Stage& stage(std::size_t t) { return stages_[t]; }

    Range& bounds(std::size_t t) { return bounds_[t]; }

    /// True when every bound can be met. When false, steps() is the schedule that misses least at
    /// the first step at which a bound is out of reach (and so on from there), and missed_at() is
    /// the last such step.
    bool solve(double start);

    [[nodiscard]] std::span<const double> steps() const { return steps_; }  ///< s_t

    [[nodiscard]] std::span<const double> levels() const { return levels_; }  ///< e_t

    [[nodiscard]] std::span<const double> marginals() const {
        return lambda_;
    }  ///< λ_t: value of energy during t

    [[nodiscard]] std::span<const At> step_at() const { return step_at_; }  ///< s_t in its domain

    [[nodiscard]] std::span<const At> level_at() const { return level_at_; }  ///< e_t in its bounds

    [[nodiscard]] std::size_t missed_at() const { return missed_at_; }

    [[nodiscard]] double missed_by() const { return missed_by_; }  ///< > 0: too low, < 0: too high

  private:
    struct Event {
        double lambda;  ///< where
        double jump;    ///< rise of e at λ
        double slope;   ///< change of de/dλ at λ
    };

    void insert(const Event& event);
    void add(const Stage& stage);
    void cut_low(std::size_t t);
    void cut_high(std::size_t t);
    void miss(std::size_t t, double by);
    void walk_back();
    void walk_forward(double start);

    std::vector<Stage> stages_;
    std::vector<Range> bounds_;
    std::vector<Event> events_;  ///< live ones in [first_, last_)
    std::size_t first_ = 0;
    std::size_t last_ = 0;
    double graph_low_ = 0;       ///< e at λ = −∞
    double graph_high_ = 0;      ///< e at λ = +∞
    std::vector<Range> cut_;     ///< λlow_t, λhigh_t
    std::vector<Range> choice_;  ///< (φ_t')⁻¹(λ_t)
    std::vector<Range> goal_;    ///< the e_t from which optimal steps meet all later bounds
    std::vector<double> steps_, levels_, lambda_;
    std::vector<At> step_at_, level_at_;
    std::size_t missed_at_ = 0;
    double missed_by_ = 0;
};

}  // namespace kilter::prox
