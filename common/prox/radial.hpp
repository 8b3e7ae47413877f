/// The rows of a radial feeder's limits as two sweeps over the tree: A and Aᵀ in O(buses). Private
/// to the feeder.
///
/// Buses are renumbered so that a parent comes before its children: position 0 is the root,
/// position p ≥ 1 the far end of branch p − 1. With B buses there are 2B rows over the nets'
/// deliveries d (kW):
///     row p          the drop of squared voltage at p that d causes,   Σ_j R_pj d_j   (pu²)
///     row B + p      the flow into p that d causes, p = 0: from the tie,  Σ_{j behind p} d_j (kW)
/// where R_pj = Σ c_b over the branches b common to the paths of p and j, c_b = 2 r_b / (1000
/// base_kv²).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::prox {

class Radial {
  public:
    /// REQUIRES: network normalised and valid.
    explicit Radial(const model::Network& network);

    [[nodiscard]] std::size_t buses() const { return parent_.size(); }

    [[nodiscard]] std::size_t nets() const { return position_of_net_.size(); }

    [[nodiscard]] std::size_t rows() const { return 2 * parent_.size(); }

    /// Index into Network::buses.
    [[nodiscard]] std::size_t bus_at(std::size_t position) const { return bus_at_[position]; }

    /// rows ← A d
    void apply(std::span<const double> d, std::span<double> rows) const;
    /// d ← Aᵀ rows
    void transpose(std::span<const double> rows, std::span<double> d);
    /// The Euclidean norm of every row of A.
    [[nodiscard]] std::vector<double> norms() const;

    /// v at every position (pu²) and P, Q into every position (kW, kvar) of the fixed loads alone.
    struct Base {
        std::vector<double> v, p, q;
    };

    /// `p` and `q` in the order of Network::buses.
    [[nodiscard]] Base base(const Eigen::VectorXd& p, const Eigen::VectorXd& q) const;

  private:
    double v_root_ = 1;
    std::vector<std::size_t> parent_;  ///< by position; the root's is itself
    std::vector<std::size_t> bus_at_;
    std::vector<std::size_t> position_of_net_;
    std::vector<double> drop_;    ///< c of the branch into the position, pu² per kW
    std::vector<double> drop_q_;  ///< likewise with x, pu² per kvar
    std::vector<double> work_;
};

}  // namespace kilter::prox
