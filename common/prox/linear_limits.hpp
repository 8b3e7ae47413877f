/// A quadratic step inside linear limits that are known as two sweeps: the inner problem of a feeder
/// whose voltages and currents are linear in what it delivers.
///
///     minimise  Σ_j k_j/2 d_j² + σ/2 (Σ_{j in c} d_j)² − pullᵀ d    over    low ≤ A d ≤ high
///
/// With multipliers m (signed: positive where a row's upper end binds)
///
///     d(m) = H⁻¹ (pull − Aᵀ m),     H = diag(k) + σ c cᵀ   (Sherman–Morrison),
///
/// and A, Aᵀ are sweeps over a tree. The multipliers come from the dual active set method of
/// Goldfarb and Idnani, Math. Programming 27 (1983), which needs A H⁻¹ Aᵀ on the active rows only
/// (RowSet); it starts from the rows that were active the last time. Rows are scaled to Euclidean
/// norm 1, so that a row's value is a distance of d from its hyperplane; d is exact to about 1e-10.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/prox/row_set.hpp"

namespace kilter::prox {

/// A row held at one of its ends; +1: at the high end.
struct ActiveRow {
    std::size_t row = 0;
    double sign = 1;
    double multiplier = 0;  ///< ≥ 0, of the scaled row
};

class LinearLimits {
  public:
    /// `common[j]`: j is part of the sum that σ acts on. Sweeps must outlive this. Rows of norm 0
    /// are left out.
    struct Sweeps {
        std::size_t quantities = 0;
        std::size_t rows = 0;
        std::function<void(std::span<const double> d, std::span<double> rows)> apply;
        std::function<void(std::span<const double> rows, std::span<double> d)> transpose;
    };

    LinearLimits(Sweeps sweeps, std::vector<bool> common);

    /// 1 / norm of a row; 0 for one that nothing moves.
    [[nodiscard]] double scale(std::size_t row) const { return scale_[row]; }

    /// REQUIRES: k > 0, σ ≥ 0.
    void set_metric(std::span<const double> k, double sigma);

    /// `low` and `high` scaled. `active` is where to start and what was found. d is the minimiser, or,
    /// when the limits contradict each other (then false), misses them by the least sum of squares to
    /// about one part in 10⁶.
    bool solve(std::span<const double> pull,
               std::span<const double> low,
               std::span<const double> high,
               std::vector<ActiveRow>& active,
               std::span<double> d);

    /// Scaled A d of the last solve.
    [[nodiscard]] std::span<const double> values() const { return values_; }

  private:
    struct Violation {
        std::size_t row = 0;
        double sign = 1;
        double by = 0;
    };

    bool dual_active_set(double slack);
    void start_from_active();
    bool activate(const Violation& violation, double slack);
    void drop(std::size_t i);
    std::optional<Violation> worst();
    void refine(double slack);
    void deliver();
    void products(const ActiveRow& a);
    const std::vector<double>& column(std::size_t row);
    void apply_inverse(std::span<double> g) const;

    [[nodiscard]] double bound(const ActiveRow& a) const {
        return a.sign > 0 ? high_[a.row] : -low_[a.row];
    }

    Sweeps sweeps_;
    std::vector<bool> common_;
    std::vector<double> scale_;

    // of the current metric
    std::vector<double> k_, inverse_k_;
    double sigma_ = 0, coupling_ = 0;           ///< coupling: σ / (1 + σ Σ_c 1/k)
    std::vector<std::vector<double>> columns_;  ///< A H⁻¹ Aᵀ by row, scaled; empty until asked for

    // of the current problem
    std::span<const double> pull_, low_, high_;
    std::vector<ActiveRow>* active_ = nullptr;
    RowSet set_;
    std::vector<double> d_, values_, multipliers_, product_, solution_;
};

}  // namespace kilter::prox
