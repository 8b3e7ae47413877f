/// The price step of a feeder, from what the owners of its pieces say of their rows (piece_newton.hpp).
///
/// With m the multipliers of all rows, per interval and for piece c on end k of piece s:
///
///     ν_k = ν_c,  ν_s = Σ_rows of_start m + Σ_k ν_k            towards the substation
///     π_c = π_s + Σ_rows of_end_flow_k m + Σ_l ν_l drop_lk     away from it
///     v   = value − G (π, ν, m)                                in each piece: flow in, drops, excess of rows
///     f_k = F_c,  F_s = v_F + Σ_k f_k                          towards
///     g_c = g_s + v_k + Σ_l drop_kl f_l                        away
///     excess = v + of_end_flow · f + of_start g
///
/// so excess = b − M m with M = A S Aᵀ of the whole feeder, positive semidefinite, and m ≥ 0, excess ≤ 0, m · excess = 0
/// (SignConstrained). Owners see what m does to their other limits; rows join, the dual objective rises, and the step
/// ends where it would with one owner: exactly.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "common/prox/piece_newton.hpp"
#include "common/prox/sign_constrained.hpp"

namespace kilter::prox {

/// Where a piece hangs. The first piece is at the substation: what this says of it does not count.
struct Hanging {
    std::size_t above = 0;  ///< a piece before it
    std::size_t end = 0;    ///< of that piece's
};

class JointNewton {
  public:
    JointNewton(std::vector<Hanging> pieces, Eigen::Index intervals);

    /// What each piece is told. Nothing if limits contradict each other.
    std::optional<std::vector<PieceStep>> solve(const std::vector<PieceRows>& pieces);

    /// The whole step, everybody in one process: how often all owners spoke, the last time to say that no more of their rows
    /// take part. `restrain` (may be empty) sees the owners after each time they were told and may change their responses;
    /// whether it did. 0: there is no such step, and the owners have forgotten their rows. REQUIRES: begin() of all.
    int settle(std::vector<PieceNewton>& owners, const std::function<bool()>& restrain = {});

  private:
    void spread(const std::vector<PieceRows>& pieces,
                const Eigen::VectorXd& multipliers,
                std::vector<PieceStep>& steps) const;
    void answer(const std::vector<PieceRows>& pieces,
                bool from_values,
                std::vector<PieceStep>& steps,
                Eigen::VectorXd& excess) const;
    [[nodiscard]] Eigen::Index end_port(std::size_t piece, std::size_t end) const;

    std::vector<Hanging> pieces_;
    Eigen::Index intervals_;
    SignConstrained solver_;
};

}  // namespace kilter::prox
