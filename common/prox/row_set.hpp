/// The active rows of a dual active set method: the Cholesky factor of their Gram matrix G = A_S
/// H⁻¹ A_Sᵀ (signed rows), kept while rows come and go. Private to the feeder.
///
/// Adding a row appends one row to L (O(m²)); dropping one restores the triangle by Givens
/// rotations (O(m²)).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <Eigen/Core>

namespace kilter::prox {

class RowSet {
  public:
    [[nodiscard]] std::size_t size() const { return size_; }

    void clear() { size_ = 0; }

    /// `column` holds the products with the rows of the set in order, `diagonal` the one with
    /// itself. False, and nothing changes, when the row depends linearly on the set (to one part in
    /// 10¹⁰).
    bool add(std::span<const double> column, double diagonal);
    /// REQUIRES: i < size(). The rows after it move up.
    void drop(std::size_t i);
    /// b ← G⁻¹ b; b holds size() values.
    void solve(std::span<double> b) const;

  private:
    double& at(std::size_t i, std::size_t j) { return factor_[i * (i + 1) / 2 + j]; }

    [[nodiscard]] double at(std::size_t i, std::size_t j) const {
        return factor_[i * (i + 1) / 2 + j];
    }

    /// Of the factor, without its diagonal.
    [[nodiscard]] Eigen::Map<const Eigen::VectorXd> row(std::size_t i) const {
        return {factor_.data() + i * (i + 1) / 2, static_cast<Eigen::Index>(i)};
    }

    std::vector<double> factor_;  ///< lower triangle by rows
    std::size_t size_ = 0;
};

}  // namespace kilter::prox
