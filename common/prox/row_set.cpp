#include "common/prox/row_set.hpp"

#include <cmath>

#include "common/base/check.hpp"

namespace kilter::prox {

bool RowSet::add(std::span<const double> column, double diagonal) {
    KILTER_CHECK(column.size() == size_, "one product per row of the set");
    const std::size_t m = size_;
    if (factor_.size() < (m + 1) * (m + 2) / 2) factor_.resize((m + 1) * (m + 2));
    double rest = diagonal;
    for (std::size_t i = 0; i < m; ++i) {
        at(m, i) = (column[i] - row(i).dot(row(m).head(row(i).size()))) / at(i, i);
        rest -= at(m, i) * at(m, i);
    }
    if (!(rest > 1e-10 * diagonal)) return false;
    at(m, m) = std::sqrt(rest);
    ++size_;
    return true;
}

void RowSet::drop(std::size_t i) {
    KILTER_CHECK(i < size_, "no such row");
    // Row r loses its column i: each later row is rotated back into the triangle with the column
    // before it.
    for (std::size_t r = i + 1; r < size_; ++r) {
        const double a = at(r, r - 1);
        const double b = at(r, r);
        const double length = std::sqrt(a * a + b * b);
        const double c = a / length;
        const double s = b / length;
        for (std::size_t below = r; below < size_; ++below) {
            const double left = at(below, r - 1);
            const double right = at(below, r);
            at(below, r - 1) = c * left + s * right;
            at(below, r) = c * right - s * left;
        }
    }
    for (std::size_t r = i + 1; r < size_; ++r) {
        for (std::size_t j = 0; j < r; ++j)
            at(r - 1, j) = at(r, j);
    }
    --size_;
}

void RowSet::solve(std::span<double> b) const {
    KILTER_CHECK(b.size() == size_, "one value per row of the set");
    Eigen::Map<Eigen::VectorXd> x(b.data(), static_cast<Eigen::Index>(size_));
    for (std::size_t i = 0; i < size_; ++i)
        b[i] = (b[i] - row(i).dot(x.head(row(i).size()))) / at(i, i);
    for (std::size_t i = size_; i-- > 0;) {
        b[i] /= at(i, i);
        x.head(row(i).size()) -= b[i] * row(i);
    }
}

}  // namespace kilter::prox
