/// Multipliers of rows whose effects on each other are known:
///     μ_i ≥ 0,   b_i − (G μ)_i ≤ 0,   μ_i (b_i − G μ)_i = 0   for signed rows,     b_i = (G μ)_i   for free rows,
/// G symmetric, positive semidefinite, positive definite on the free rows: the optimality conditions of
/// min ½ μᵀGμ − bᵀμ. Dual active set method of Goldfarb and Idnani (1983) on the rows' Gram matrix (active_rows.hpp). Private
/// to the feeder.
#pragma once

#include <vector>

#include <Eigen/Core>

#include "common/prox/active_rows.hpp"

namespace kilter::prox {

class SignConstrained {
  public:
    /// `multipliers` of the last call are where the search starts: those above zero and the free rows are active.
    /// False: no multipliers meet all rows (or rounding gave out); `multipliers` are then as far as it came.
    /// REQUIRES: no row is active yet.
    static bool solve(ActiveRows& rows,
                      const Eigen::VectorXd& offset,
                      const std::vector<bool>& free,
                      Eigen::VectorXd& multipliers);

    bool solve(const Eigen::MatrixXd& gram,
               const Eigen::VectorXd& offset,
               const std::vector<bool>& free,
               Eigen::VectorXd& multipliers) {
        DenseRows rows(gram, workspace_);
        return solve(rows, offset, free, multipliers);
    }

  private:
    RowSet workspace_;
};

}  // namespace kilter::prox
