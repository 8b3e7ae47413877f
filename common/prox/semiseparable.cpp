#include "common/prox/semiseparable.hpp"

#include <algorithm>

namespace kilter::prox {

using Eigen::Index;

void Semiseparable::resize(Index size, Index terms, Index width) {
    diagonal = Eigen::ArrayXd::Zero(size);
    h = g = fade = Eigen::ArrayXXd::Zero(terms, size);
    band = Eigen::ArrayXXd::Zero(width, size);
    pivot_ = diagonal;
    weights_ = Eigen::ArrayXXd::Zero(states(), size);
    covariance_ = shifted_ = Eigen::ArrayXXd::Zero(states(), states());
    row_ = carried_ = state_ = moved_ = Eigen::ArrayXd::Zero(states());
}

void Semiseparable::factorise(double least_pivot) {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size();
    covariance_.setZero();
    for (Index t = 0; t < size; ++t) {
        row_.head(terms) = h.col(t);
        row_.tail(width) = band.col(t);
        carried_.setZero();
        for (Index j = 0; j < states(); ++j)
            carried_ += covariance_.col(j) * row_[j];
        const double pivot = std::max(least_pivot, diagonal[t] - (row_ * carried_).sum());
        pivot_[t] = pivot;
        auto w = weights_.col(t);
        w = -carried_ / pivot;
        w.head(terms) += g.col(t) / pivot;
        if (t + 1 == size) return;
        const auto fades = fade.col(t + 1);
        if (width == 0) {
            for (Index j = 0; j < terms; ++j)
                covariance_.col(j) = (covariance_.col(j) + (pivot * w[j]) * w) * (fades[j] * fades);
            continue;
        }
        // decays fade in place, lags move up by one, and what row t itself gives enters as lag 1
        for (Index j = 0; j < terms + width - 1; ++j) {
            const Index to = j < terms ? j : j + 1;
            const double scale = j < terms ? fades[j] : 1;
            auto from = covariance_.col(j);
            auto into = shifted_.col(to);
            into.head(terms) =
                (from.head(terms) + (pivot * w[j]) * w.head(terms)) * (scale * fades);
            into[terms] = w[j] * scale;
            into.tail(width - 1) =
                (from.segment(terms, width - 1) + (pivot * w[j]) * w.segment(terms, width - 1)) *
                scale;
        }
        auto entering = shifted_.col(terms);
        entering.head(terms) = w.head(terms) * fades;
        entering[terms] = 1 / pivot;
        entering.tail(width - 1) = w.segment(terms, width - 1);
        covariance_.swap(shifted_);
    }
}

void Semiseparable::solve(Eigen::Ref<Eigen::VectorXd> rhs) const {
    const Index terms = h.rows(), width = band.rows(), size = diagonal.size();
    state_.setZero();
    for (Index t = 0; t < size; ++t) {
        if (t > 0) {
            state_.head(terms) *= fade.col(t);
        }
        const double innovation = rhs[t] - (h.col(t) * state_.head(terms)).sum() -
                                  (band.col(t) * state_.tail(width)).sum();
        rhs[t] = innovation;
        state_ += weights_.col(t) * innovation;
        if (width > 0) {
            for (Index m = width - 1; m > 0; --m)
                state_[terms + m] = state_[terms + m - 1];
            state_[terms] = innovation / pivot_[t];
        }
    }
    rhs.array() /= pivot_;
    // Lᵀ: the same states backwards, now collecting what later rows need of row t
    state_.setZero();
    for (Index t = size; t-- > 0;) {
        double value = rhs[t];
        if (t + 1 < size) {
            // before it fades into t + 1
            moved_.head(terms) = state_.head(terms) * fade.col(t + 1);
            if (width > 0) {
                for (Index m = 0; m + 1 < width; ++m)
                    moved_[terms + m] = state_[terms + m + 1];
                moved_[terms + width - 1] = 0;
                value -= state_[terms] / pivot_[t];
            }
            state_.swap(moved_);
            value -= (weights_.col(t) * state_).sum();
        }
        rhs[t] = value;
        state_.head(terms) += h.col(t) * value;
        state_.tail(width) += band.col(t) * value;
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
