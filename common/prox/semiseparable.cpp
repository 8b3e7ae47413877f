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

/// A column of Φ (P + D w wᵀ) Φᵀ: `pull` is D w_j, `own` and `fades` the diagonal of Φ.
void fade_into(double* __restrict into,
               const double* __restrict from,
               const double* __restrict w,
               double pull,
               double own,
               const double* __restrict fades,
               Index count) {
    for (Index i = 0; i < count; ++i)
        into[i] = (from[i] + pull * w[i]) * (own * fades[i]);
}

}  // namespace

void Semiseparable::resize(Index size, Index terms, Index width) {
    diagonal = Eigen::ArrayXd::Zero(size);
    h = g = fade = Eigen::ArrayXXd::Zero(terms, size);
    band = Eigen::ArrayXXd::Zero(width, size);
    pivot_ = diagonal;
    weights_ = Eigen::ArrayXXd::Zero(states(), size);
    covariance_ = shifted_ = Eigen::ArrayXXd::Zero(states(), states());
    row_ = carried_ = fades_ = state_ = Eigen::ArrayXd::Zero(states());
}

// The loops below are written out: the states are a dozen, and Eigen's blocks of so few numbers at odd addresses cost more
// than the arithmetic. Of the symmetric P the lower half is kept.

void Semiseparable::factorise(double least_pivot) {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size(), n = states();
    covariance_.setZero();
    fades_.setOnes();
    for (Index t = 0; t < size; ++t) {
        row_.head(terms) = h.col(t);
        row_.tail(width) = band.col(t);
        carried_.setZero();
        double pivot = diagonal[t];
        for (Index j = 0; j < n; ++j) {
            const Index below = n - j - 1;
            const double* p = covariance_.col(j).data() + j;
            carried_[j] += *p * row_[j] + dot(p + 1, row_.data() + j + 1, below);
            add(carried_.data() + j + 1, p + 1, row_[j], below);
        }
        for (Index j = 0; j < n; ++j)
            pivot -= row_[j] * carried_[j];
        pivot = std::max(least_pivot, pivot);
        pivot_[t] = pivot;
        double* w = weights_.col(t).data();
        const double inverse = 1 / pivot;
        for (Index j = 0; j < n; ++j)
            w[j] = -carried_[j] * inverse;
        add(w, g.col(t).data(), inverse, terms);
        if (t + 1 == size) return;
        fades_.head(terms) = fade.col(t + 1);
        // decays fade in place, lags move up by one, and what row t itself gives enters as lag 1
        const auto column = [&](Index j, Index first, Index last, Index lag) {
            fade_into(shifted_.col(j + (j < terms ? 0 : lag)).data() + first + lag,
                      covariance_.col(j).data() + first, w + first, pivot * w[j], fades_[j],
                      fades_.data() + first, last - first);
        };
        for (Index j = 0; j < terms; ++j) {
            column(j, j, terms, 0);
            if (width == 0) continue;
            shifted_(terms, j) = w[j] * fades_[j];
            column(j, terms, n - 1, 1);
        }
        for (Index j = terms; j + 1 < n; ++j)
            column(j, j, n - 1, 1);
        if (width > 0) {
            double* entering = shifted_.col(terms).data() + terms;
            entering[0] = inverse;
            std::copy_n(w + terms, width - 1, entering + 1);
        }
        covariance_.swap(shifted_);
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

Eigen::MatrixXd Semiseparable::inverse() const {
    using Rows = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size();
    Rows out = Rows::Zero(size, size), state = Rows::Zero(states(), size);
    const auto shift = [&] {
        for (Index m = width - 1; m > 0; --m)
            state.row(terms + m) = state.row(terms + m - 1);
    };
    // solve(), with columns 0 … t of the unit matrix under way in row t
    for (Index t = 0; t < size; ++t) {
        const Index begun = t + 1;
        auto row = out.row(t).head(begun);
        row[t] = 1;
        for (Index j = 0; j < states(); ++j) {
            auto own = state.row(j).head(begun);
            if (j < terms && t > 0) own *= fade(j, t);
            row -= (j < terms ? h(j, t) : band(j - terms, t)) * own;
        }
        for (Index j = 0; j < states(); ++j)
            state.row(j).head(begun) += weights_(j, t) * row;
        if (width > 0) {
            shift();
            state.row(terms).head(begun) = row / pivot_[t];
        }
    }
    out.colwise() /= pivot_;
    state.setZero();
    for (Index t = size; t-- > 0;) {
        // rows above the diagonal follow from symmetry
        auto row = out.row(t).head(t + 1);
        if (t + 1 < size) {
            for (Index j = 0; j < terms; ++j)
                state.row(j).head(t + 1) *= fade(j, t + 1);
            if (width > 0) {
                row -= state.row(terms).head(t + 1) / pivot_[t];
                for (Index m = 0; m + 1 < width; ++m)
                    state.row(terms + m).head(t + 1) = state.row(terms + m + 1).head(t + 1);
                state.row(terms + width - 1).head(t + 1).setZero();
            }
            for (Index j = 0; j < states(); ++j)
                row -= weights_(j, t) * state.row(j).head(t + 1);
        }
        for (Index j = 0; j < states(); ++j)
            state.row(j).head(t + 1) += (j < terms ? h(j, t) : band(j - terms, t)) * row;
    }
    Eigen::MatrixXd full = out.matrix();
    full.triangularView<Eigen::StrictlyUpper>() = full.transpose();
    return full;
}

}  // namespace kilter::prox
