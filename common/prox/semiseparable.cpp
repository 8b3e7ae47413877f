#include "common/prox/semiseparable.hpp"

#include <algorithm>

namespace kilter::prox {

using Eigen::Index;

namespace {

void add(double* __restrict to, const double* __restrict from, double times, Index count) {
    for (Index i = 0; i < count; ++i)
        to[i] += times * from[i];
}

void scale(double* __restrict values, const double* __restrict by, Index count) {
    for (Index i = 0; i < count; ++i)
        values[i] *= by[i];
}

double dot(const double* a, const double* b, Index count) {
    double sum = 0;
    for (Index i = 0; i < count; ++i)
        sum += a[i] * b[i];
    return sum;
}

/// Columns of P are that many at a time.
constexpr Index lane = 4;
using Lane = Eigen::Map<Eigen::Array<double, lane, 1>, Eigen::Aligned16>;
using ConstLane = Eigen::Map<const Eigen::Array<double, lane, 1>, Eigen::Aligned16>;

/// to ← to + times · column
void add_column(double* to, const double* column, double times, Index rows) {
    for (Index i = 0; i < rows; i += lane)
        Lane(to + i) += times * ConstLane(column + i);
}

/// A column of Φ (P + D w wᵀ) Φᵀ: `pull` is D w_j, `own` and `fades` the diagonal of Φ.
void fade_column(
    double* column, const double* w, double pull, double own, const double* fades, Index rows) {
    for (Index i = 0; i < rows; i += lane)
        Lane(column + i) =
            (ConstLane(column + i) + pull * ConstLane(w + i)) * (own * ConstLane(fades + i));
}

}  // namespace

void Semiseparable::resize(Index size, Index terms, Index width) {
    diagonal = Eigen::ArrayXd::Zero(size);
    h = g = fade = Eigen::ArrayXXd::Zero(terms, size);
    band = Eigen::ArrayXXd::Zero(width, size);
    pivot_ = diagonal;
    weights_ = Eigen::ArrayXXd::Zero(states(), size);
    const Index rows = (states() + lane - 1) / lane * lane;
    covariance_ = Eigen::ArrayXXd::Zero(rows, states());
    row_ = carried_ = innovation_ = fades_ = Eigen::ArrayXd::Zero(rows);
    state_ = Eigen::ArrayXd::Zero(states());
    columns_.setZero(together, size);
    column_states_.setZero(together, states());
}

// The loops below are written out: the states are a dozen, and Eigen's blocks of so few numbers at odd addresses cost more
// than the arithmetic. For the same reason P is kept whole, filled up to whole lanes with rows of zeros, and lags stay where
// they are in it: what row t gives takes the place of the oldest.

void Semiseparable::factorise(double least_pivot) {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size(), n = states();
    const Index rows = covariance_.rows();
    double* const w = innovation_.data();
    Index newest = 0;  // of the lags
    const auto place = [&](Index lag) {
        const Index at = newest + lag;
        return terms + (at < width ? at : at - width);
    };
    covariance_.setZero();
    fades_.setOnes();
    for (Index t = 0; t < size; ++t) {
        row_.head(terms) = h.col(t);
        for (Index m = 0; m < width; ++m)
            row_[place(m)] = band(m, t);
        carried_.setZero();
        for (Index j = 0; j < n; ++j)
            add_column(carried_.data(), covariance_.col(j).data(), row_[j], rows);
        const double pivot =
            std::max(least_pivot, diagonal[t] - dot(row_.data(), carried_.data(), n));
        pivot_[t] = pivot;
        const double inverse = 1 / pivot;
        for (Index j = 0; j < rows; ++j)
            w[j] = -carried_[j] * inverse;
        add(w, g.col(t).data(), inverse, terms);
        weights_.col(t).head(terms) = innovation_.head(terms);
        for (Index m = 0; m < width; ++m)
            weights_(terms + m, t) = w[place(m)];
        if (t + 1 == size) return;
        fades_.head(terms) = fade.col(t + 1);
        for (Index j = 0; j < n; ++j)
            fade_column(covariance_.col(j).data(), w, pivot * w[j], fades_[j], fades_.data(), rows);
        if (width == 0) continue;
        const Index oldest = place(width - 1);
        for (Index j = 0; j < rows; ++j)
            w[j] *= fades_[j];
        w[oldest] = inverse;
        for (Index j = 0; j < n; ++j)
            covariance_(oldest, j) = covariance_(j, oldest) = w[j];
        newest = oldest - terms;
    }
}

void Semiseparable::solve(Eigen::Ref<Eigen::VectorXd> rhs) const {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size(), n = states();
    double* state = state_.data();
    state_.setZero();
    for (Index t = 0; t < size; ++t) {
        if (t > 0) scale(state, fade.col(t).data(), terms);
        const double innovation = rhs[t] - dot(h.col(t).data(), state, terms) -
                                  dot(band.col(t).data(), state + terms, width);
        rhs[t] = innovation;
        add(state, weights_.col(t).data(), innovation, n);
        if (width == 0) continue;
        std::copy_backward(state + terms, state + n - 1, state + n);
        state[terms] = innovation / pivot_[t];
    }
    rhs.array() /= pivot_;
    // Lᵀ: the same states backwards, now collecting what later rows need of row t
    state_.setZero();
    for (Index t = size; t-- > 0;) {
        double value = rhs[t];
        if (t + 1 < size) {
            // before it fades into t + 1
            scale(state, fade.col(t + 1).data(), terms);
            if (width > 0) {
                value -= state[terms] / pivot_[t];
                std::copy(state + terms + 1, state + n, state + terms);
                state[n - 1] = 0;
            }
            value -= dot(weights_.col(t).data(), state, n);
        }
        rhs[t] = value;
        add(state, h.col(t).data(), value, terms);
        add(state + terms, band.col(t).data(), value, width);
    }
}

// solve() of `together` columns of the unit matrix at a time, begun where the first of them has its one. A state's change by
// one row and its fading into the next are one pass over it, and so is what that row takes from it.

void Semiseparable::inverse(Eigen::MatrixXd& out) const {
    const Index size = diagonal.size();
    out.resize(size, size);
    for (Index first = 0; first < size; first += together) {
        solve_columns(first);
        const Index count = std::min(together, size - first);
        for (Index t = first; t < size; ++t)
            std::copy_n(columns_.col(t).data(), count, out.col(t).data() + first);
    }
    out.triangularView<Eigen::StrictlyLower>() = out.transpose();
}

/// columns_ ← rows `first` … of the columns `first` … of K⁻¹.
void Semiseparable::solve_columns(Index first) const {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size();
    column_states_.setZero();
    Columns before = Columns::Zero(), value;
    // state ← (from + change · row before) · keep;  value ← value − take · state
    const auto carry = [&](Index to, Index from, double change, double keep, double take) {
        const Columns state = (column_states_.col(from) + change * before) * keep;
        value -= take * state;
        column_states_.col(to) = state;
    };
    for (Index t = first; t < size; ++t) {
        columns_.col(t).setZero();
        if (t - first < together) columns_(t - first, t) = 1;
        value = columns_.col(t);
        const Index last = std::max(first, t - 1);
        for (Index j = 0; j < terms; ++j)
            carry(j, j, weights_(j, last), fade(j, t), h(j, t));
        // lags move up by one, and what the row before gave enters as lag 1
        for (Index m = width; m-- > 1;)
            carry(terms + m, terms + m - 1, weights_(terms + m - 1, last), 1, band(m, t));
        if (width > 0) {
            column_states_.col(terms) = before / pivot_[last];
            value -= band(0, t) * column_states_.col(terms);
        }
        columns_.col(t) = before = value;
    }
    column_states_.setZero();
    before.setZero();
    for (Index t = size; t-- > first;) {
        value = columns_.col(t) / pivot_[t];
        const Index next = std::min(t + 1, size - 1);
        for (Index j = 0; j < terms; ++j)
            carry(j, j, h(j, next), fade(j, next), weights_(j, t));
        if (width > 0) value -= (column_states_.col(terms) + band(0, next) * before) / pivot_[t];
        for (Index m = 0; m + 1 < width; ++m)
            carry(terms + m, terms + m + 1, band(m + 1, next), 1, weights_(terms + m, t));
        if (width > 0) column_states_.col(terms + width - 1).setZero();
        columns_.col(t) = before = value;
    }
}

}  // namespace kilter::prox
