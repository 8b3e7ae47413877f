// A whole cluster in one thread: real replicas, real codec, real signatures; simulated network, clocks and disks. Every
// fault is drawn from one seed, so a seed replays a run exactly. Two phases: chaos (loss, duplication, reordering,
// partitions, crashes that lose what was not written, Byzantine replicas), then a healed network in which everything
// submitted must become final everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/consensus/replica.hpp"

namespace kilter::consensus::simulation {

struct Options {
    std::uint64_t seed = 1;
    std::size_t replicas = 4;
    std::size_t byzantine =
        1;  ///< keys run as twins that also forge votes and build on stale parents
    std::int64_t chaos_ms = 15'000;
    std::int64_t healed_ms = 60'000;
    double loss = 0.15;
    double duplication = 0.05;
    double crash = 0.3;  ///< per churn event, which come every 0.2 to 3 s
    double crash_all = 0;
    double crash_in_turn = 0.002;  ///< between a turn's writes and its sends, or before its writes
};

struct Outcome {
    std::vector<std::string> violations;  ///< empty: every invariant held
    std::uint64_t trace = 0;              ///< digest of everything that happened, in order
    Height height = 0;                    ///< lowest final height of an honest replica at the end
    std::size_t entries = 0;              ///< final entries there
    std::size_t restarts = 0;
    std::size_t accusations = 0;    ///< evidence against Byzantine keys
    std::size_t idle_messages = 0;  ///< sent in the last five seconds, when nothing was left to do
};

Outcome simulate(const Options& options);

/// A disk in memory with the store's semantics.
class Disk {
  public:
    explicit Disk(const Application& application) : application_(&application) {}

    void apply(const Write& write);
    [[nodiscard]] DurableImage image() const;
    [[nodiscard]] bool holds(const Vote& vote) const;
    [[nodiscard]] std::optional<Range> range(const GetRange& range) const;

    [[nodiscard]] Height height() const { return chain_.size(); }

  private:
    const Application* application_;
    std::vector<Vote> journal_;
    std::vector<BlockPtr> blocks_;
    std::vector<Cert> certificates_;
    std::vector<BlockPtr> chain_;
    std::vector<Cert> finals_;
    StatePtr state_;
    crypto::MerkleFrontier log_;
};

}  // namespace kilter::consensus::simulation
