/// Anderson acceleration (type II) of a fixed-point iteration v ← g(v), safeguarded.
///
/// With f = g(v) − v and the last m differences ΔF, ΔG: v ← g(v) − ΔG γ, γ = argmin ‖f − ΔF γ‖, slightly regularised. All
/// it needs of the vectors are inner products: sums over everybody, computable as masked sums are. A step after which ‖f‖
/// more than doubled is taken back to the plain g(v) it replaced, and the memory is dropped: where g is averaged (as
/// proximal message passing is), plain steps converge from anywhere.
///
/// Sources: Walker and Ni, SIAM J. Numer. Anal. 49 (2011); Fu, Zhang, Boyd, SIAM J. Sci. Comput. 42 (2020).
#pragma once

#include <cstddef>
#include <deque>

#include <Eigen/Core>

namespace kilter::mesh {

class Anderson {
  public:
    /// `memory` 0: plain steps.
    explicit Anderson(std::size_t memory) : memory_(memory) {}

    /// The next v, given the last one and g of it. All three in coordinates whose Euclidean norm is the one that counts.
    Eigen::VectorXd next(const Eigen::VectorXd& v, const Eigen::VectorXd& g);

    [[nodiscard]] std::size_t rejected() const { return rejected_; }

  private:
    std::size_t memory_;
    std::deque<Eigen::VectorXd> g_steps_, f_steps_;
    Eigen::VectorXd g_last_, f_last_;
    Eigen::MatrixXd products_;  ///< of f_steps_ with each other
    double least_ = 0;          ///< least ‖f‖ since the memory was last dropped; 0: none yet
    bool accelerated_ = false;
    std::size_t rejected_ = 0;
};

}  // namespace kilter::mesh
