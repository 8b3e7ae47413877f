/// The rows of a feeder whose nets answer prices by level responses (model/response.hpp): rows of an interval act on each other,
/// and on those of other intervals only through what the nets' prices have in common. Private to the feeder.
///
/// With Y the sensitivities of the feeder's distinct rows to its nets, a and b ≤ 0 the nets' own and shared answers, row i the
/// distinct row d_i in interval t_i, with sign s_i and, for the tie's price, c_i for what the price itself gives,
///
///     G_ik = s_i s_k ( [t_i = t_k] α(d_i, d_k) + β(d_i, d_k) ) + [i = k] c_i,     α = Y diag(a) Yᵀ,   β = Y diag(b) Yᵀ ⪯ 0
///
/// so G of the active rows is E − V Vᵀ: E one block per interval, V = P L the rows of L, L Lᵀ = −β, of which there are no more
/// than distinct rows, however many intervals they bind in. By Woodbury's identity, with E = F Fᵀ and U = F⁻¹ V,
///
///     G⁻¹ = E⁻¹ + E⁻¹ V S⁻¹ Vᵀ E⁻¹,     S = I − Uᵀ U,
///
/// and a row that comes or goes changes its interval's F and U, and S by their squares. S is positive definite as the responses
/// are: where a net's level answers λ times as much as differences of its prices, at least min λ.
#pragma once

#include "common/prox/active_rows.hpp"

namespace kilter::prox {

/// What is known of all rows. Index: distinct rows; then rows.
struct LevelGram {
    Eigen::MatrixXd own;     ///< α
    Eigen::MatrixXd shared;  ///< β

    struct Row {
        Eigen::Index distinct = 0;  ///< d
        Eigen::Index interval = 0;  ///< t
        double sign = 1;            ///< s
        double more = 0;            ///< c
    };

    std::vector<Row> rows;
};

class LevelRows final : public ActiveRows {
  public:
    /// `gram` must outlive it.
    LevelRows(const LevelGram& gram, Eigen::Index intervals);

    [[nodiscard]] Eigen::Index size() const override;
    [[nodiscard]] double diagonal(Eigen::Index row) const override;
    [[nodiscard]] Eigen::VectorXd times(const Eigen::VectorXd& multipliers) const override;
    [[nodiscard]] std::vector<double> products(Eigen::Index row) const override;
    /// Not numbers where rounding has given out.
    void solve(std::span<double> b) override;

  private:
    /// The active rows of an interval, in their order.
    struct Block {
        /// v ← F⁻¹ v
        void solve_factor(Eigen::VectorXd& v) const;
        /// v ← F⁻ᵀ v
        void solve_transposed(Eigen::VectorXd& v) const;

        std::vector<Eigen::Index> rows;
        std::vector<std::size_t> places;  ///< among all active ones
        Eigen::MatrixXd factor;           ///< F: the lower triangle of its first rows
        Eigen::MatrixXd lifted;           ///< Uᵀ: its first columns
    };

    bool append(Eigen::Index row) override;
    void remove(std::size_t place) override;
    bool extend(Block& block, Eigen::Index row, bool certain);
    [[nodiscard]] const LevelGram::Row& at(Eigen::Index row) const;
    bool factorise();

    const LevelGram& gram_;
    Eigen::MatrixXd root_;  ///< Lᵀ
    std::vector<Block> blocks_;
    Eigen::MatrixXd rest_;  ///< S
    RowSet rest_factor_;
    bool factorised_ = false;
};

}  // namespace kilter::prox
