/// Proximal message passing on an instance: per iteration one message from every terminal to its net and the price
/// back, as in the paper, with weights and relaxation (settings.hpp). Blocks of rows go to the workers; every sum has a
/// fixed order, so the result does not depend on who did which block, to the bit.
///
/// Lifetime: instance and workers outlive the solver. Allocates in the constructor only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/prox/storage_chain.hpp"
#include "coordinator/ksuite/arrangement.hpp"
#include "coordinator/ksuite/exchange.hpp"
#include "coordinator/ksuite/rows.hpp"
#include "coordinator/ksuite/workers.hpp"

namespace kilter::ksuite {

/// Where an iteration has led. Residuals are RMS over power and phase of every terminal and interval, so that they
/// compare with the paper's: √(Σ residual²) / √(2 · terminals · T).
struct Iterate {
    std::uint32_t iteration = 0;
    double primal =
        0;  ///< kW: what a net's terminals miss balance (and agreement on phases) by, each
    double dual =
        0;  ///< ρ-scaled movement of the balanced powers; an upper bound within 2 where weights differ
    double cost = 0;       ///< of the devices' own schedules
    double objective = 0;  ///< the cost plus what balance misses at the nets' prices

    [[nodiscard]] bool within(double tolerance) const {
        return primal < tolerance && dual < tolerance;
    }
};

class Solver {
  public:
    Solver(const Instance& instance, const Settings& settings, Workers& workers);

    Iterate iterate();
    /// Iterates until within tolerance, or iterations_max.
    Iterate solve();

    [[nodiscard]] const Arrangement& arrangement() const { return arrangement_; }

    [[nodiscard]] double price(std::size_t net, std::size_t t) const { return price_[net][t]; }

    /// z: a terminal's power, of which those of a net sum to zero.
    [[nodiscard]] double balanced(std::size_t row, std::size_t t) const;
    /// Of all rows.
    [[nodiscard]] std::size_t bytes() const;

  private:
    enum class Work : std::uint8_t {
        generators,
        batteries,
        deferrable,
        curtailable,
        lines,
        phased_lines,
        nets,
        phases
    };

    struct Block {
        Work work{};
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };

    /// What a task contributes to an Iterate; see iterate().
    struct Sums {
        double cost = 0, moved = 0, phase_missed = 0;
        double imbalance = 0, corrected = 0, value = 0, phase_moved = 0;
        void add(const Sums& other);
    };

    /// Tasks that do not depend on each other. The blocks of a task are done one after another, in one place.
    struct Stage {
        std::vector<Block> blocks;
        std::vector<std::uint32_t> begin{0};  ///< of a task's blocks
        std::vector<Sums> sums;               ///< of a task

        /// To the task that end_task() will end.
        void add(Work work, std::size_t first, std::size_t end);
        void end_task();
        /// A task for every `size` of them.
        void cut(Work work, std::size_t first, std::size_t end, std::size_t size);
    };

    void plan();
    void plan_apart();
    void plan_block(std::size_t b);
    void run(Stage& stage);
    void do_block(const Block& block, std::size_t worker, Sums& sums);
    template <class Prox>
    void do_rows(const Block& block, std::size_t first_row, Prox prox, Sums& sums);
    void do_batteries(const Block& block, prox::StorageChain& chain, Sums& sums);
    void do_lines(const Block& block, Sums& sums);
    void do_phased_lines(const Block& block, Sums& sums);
    void do_nets(const Block& block, Sums& sums);
    void do_phases(const Block& block, Sums& sums);
    [[nodiscard]] Exchange exchange_of(std::size_t row) const;

    const Instance& instance_;
    Settings settings_;
    Workers& workers_;
    Arrangement arrangement_;
    Rows message_;                            ///< s, per terminal
    Rows price_;                              ///< y, per net
    Rows said_;                               ///< per phase terminal
    Rows agreed_;                             ///< per phase net
    Stage crossing_;                          ///< what more than one block's nets wait for
    Stage blocks_;                            ///< all else
    std::vector<prox::StorageChain> chains_;  ///< a worker's workspace
    std::uint32_t iteration_ = 0;
};

}  // namespace kilter::ksuite
