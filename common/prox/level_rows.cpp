#include "common/prox/level_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Cholesky>

namespace kilter::prox {

namespace {

constexpr double independent_least = 1e-10;  // of the diagonal, as in RowSet

/// Lᵀ with L Lᵀ = `square`, which may be singular, or of no rows.
Eigen::MatrixXd transposed_root(const Eigen::MatrixXd& square) {
    if (square.size() == 0) return square;
    const Eigen::LDLT<Eigen::MatrixXd> factor(square);
    Eigen::MatrixXd out = Eigen::MatrixXd::Identity(square.rows(), square.cols());
    out = factor.transpositionsP() * out;
    out = factor.matrixU() * out;
    return factor.vectorD().cwiseMax(0).cwiseSqrt().asDiagonal() * out;
}

}  // namespace

void LevelRows::Block::solve_factor(Eigen::VectorXd& v) const {
    for (Eigen::Index i = 0; i < v.size(); ++i)
        v[i] = (v[i] - factor.row(i).head(i).dot(v.head(i))) / factor(i, i);
}

void LevelRows::Block::solve_transposed(Eigen::VectorXd& v) const {
    for (Eigen::Index i = v.size(); i-- > 0;) {
        v[i] /= factor(i, i);
        v.head(i) -= v[i] * factor.row(i).head(i).transpose();
    }
}

LevelRows::LevelRows(const LevelGram& gram, Eigen::Index intervals)
    : gram_(gram),
      root_(transposed_root(-gram.shared)),
      blocks_(static_cast<std::size_t>(intervals),
              {.rows = {}, .places = {}, .factor = {}, .lifted = {root_.rows(), 0}}),
      rest_(Eigen::MatrixXd::Identity(root_.rows(), root_.rows())) {}

Eigen::Index LevelRows::size() const {
    return static_cast<Eigen::Index>(gram_.rows.size());
}

const LevelGram::Row& LevelRows::at(Eigen::Index row) const {
    return gram_.rows[static_cast<std::size_t>(row)];
}

double LevelRows::diagonal(Eigen::Index row) const {
    const LevelGram::Row& r = at(row);
    return (gram_.own(r.distinct, r.distinct) + gram_.shared(r.distinct, r.distinct) + r.more) *
           (1 + lift);
}

Eigen::VectorXd LevelRows::times(const Eigen::VectorXd& multipliers) const {
    Eigen::MatrixXd pulls =
        Eigen::MatrixXd::Zero(root_.cols(), static_cast<Eigen::Index>(blocks_.size()));
    for (Eigen::Index i = 0; i < size(); ++i)
        pulls(at(i).distinct, at(i).interval) += at(i).sign * multipliers[i];
    Eigen::MatrixXd effects = gram_.own * pulls;
    effects.colwise() += gram_.shared * pulls.rowwise().sum();
    Eigen::VectorXd out(size());
    for (Eigen::Index i = 0; i < size(); ++i)
        out[i] = at(i).sign * effects(at(i).distinct, at(i).interval) + at(i).more * multipliers[i];
    return out;
}

std::vector<double> LevelRows::products(Eigen::Index row) const {
    const LevelGram::Row& one = at(row);
    std::vector<double> out;
    out.reserve(active().size());
    for (const Eigen::Index k : active()) {
        const LevelGram::Row& other = at(k);
        double product = gram_.shared(other.distinct, one.distinct);
        if (other.interval == one.interval) product += gram_.own(other.distinct, one.distinct);
        out.push_back(one.sign * other.sign * product);
    }
    return out;
}

/// A row more of F and U, and S less its square; one that was there before is independent for certain.
bool LevelRows::extend(Block& block, Eigen::Index row, bool certain) {
    const auto m = static_cast<Eigen::Index>(block.rows.size());
    const LevelGram::Row& one = at(row);
    if (block.factor.rows() == m) {
        block.factor.conservativeResize(2 * m + 8, 2 * m + 8);
        block.lifted.conservativeResize(root_.rows(), 2 * m + 8);
    }
    Eigen::VectorXd across(m);
    for (Eigen::Index k = 0; k < m; ++k) {
        const LevelGram::Row& other = at(block.rows[static_cast<std::size_t>(k)]);
        across[k] = one.sign * other.sign * gram_.own(other.distinct, one.distinct);
    }
    block.solve_factor(across);
    const double whole = diagonal(row);
    const double least = independent_least * whole;
    const double left = whole - gram_.shared(one.distinct, one.distinct) - across.squaredNorm();
    if (!(left > least) && !certain) return false;
    const double pivot = std::sqrt(std::max(left, least));
    block.factor.row(m).head(m) = across.transpose();
    block.factor(m, m) = pivot;
    block.lifted.col(m) =
        (one.sign * root_.col(one.distinct) - block.lifted.leftCols(m) * across) / pivot;
    rest_ -= block.lifted.col(m) * block.lifted.col(m).transpose();
    block.rows.push_back(row);
    factorised_ = false;
    return true;
}

bool LevelRows::append(Eigen::Index row) {
    Block& block = blocks_[static_cast<std::size_t>(at(row).interval)];
    if (!extend(block, row, false)) return false;
    block.places.push_back(active().size());
    return true;
}

void LevelRows::remove(std::size_t place) {
    for (Block& other : blocks_)
        for (std::size_t& its : other.places)
            if (its > place) --its;
    Block& block = blocks_[static_cast<std::size_t>(at(active()[place]).interval)];
    const auto gone = static_cast<std::size_t>(
        std::find(block.rows.begin(), block.rows.end(), active()[place]) - block.rows.begin());
    const std::vector<Eigen::Index> after(
        block.rows.begin() + static_cast<std::ptrdiff_t>(gone) + 1, block.rows.end());
    for (auto k = static_cast<Eigen::Index>(gone); k < static_cast<Eigen::Index>(block.rows.size());
         ++k)
        rest_ += block.lifted.col(k) * block.lifted.col(k).transpose();
    block.rows.resize(gone);
    block.places.erase(block.places.begin() + static_cast<std::ptrdiff_t>(gone));
    for (const Eigen::Index row : after)
        extend(block, row, true);
    factorised_ = false;
}

bool LevelRows::factorise() {
    if (factorised_) return true;
    rest_factor_.clear();
    for (Eigen::Index i = 0; i < rest_.rows(); ++i)
        if (!rest_factor_.add({rest_.col(i).data(), static_cast<std::size_t>(i)}, rest_(i, i)))
            return false;
    factorised_ = true;
    return true;
}

void LevelRows::solve(std::span<double> b) {
    if (!factorise()) {
        std::fill(b.begin(), b.end(), std::numeric_limits<double>::quiet_NaN());
        return;
    }
    Eigen::VectorXd gathered = Eigen::VectorXd::Zero(root_.rows());  // Uᵀ F⁻¹ b
    std::vector<Eigen::VectorXd> halves(blocks_.size());             // F⁻¹ b
    for (std::size_t t = 0; t < blocks_.size(); ++t) {
        const Block& block = blocks_[t];
        const auto m = static_cast<Eigen::Index>(block.rows.size());
        Eigen::VectorXd& half = halves[t];
        half.resize(m);
        for (Eigen::Index k = 0; k < m; ++k)
            half[k] = b[block.places[static_cast<std::size_t>(k)]];
        block.solve_factor(half);
        gathered += block.lifted.leftCols(m) * half;
    }
    rest_factor_.solve({gathered.data(), static_cast<std::size_t>(gathered.size())});
    for (std::size_t t = 0; t < blocks_.size(); ++t) {
        const Block& block = blocks_[t];
        const auto m = static_cast<Eigen::Index>(block.rows.size());
        Eigen::VectorXd& half = halves[t];
        half += block.lifted.leftCols(m).transpose() * gathered;
        block.solve_transposed(half);
        for (Eigen::Index k = 0; k < m; ++k)
            b[block.places[static_cast<std::size_t>(k)]] = half[k];
    }
}

}  // namespace kilter::prox
