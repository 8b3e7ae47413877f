/// A log of four coordinators in one process, each with its store on disk; messages are handed over in memory, time is a
/// number. Seeded: two logs of the same seed have the same keys and genesis.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/settlement/ledger.hpp"
#include "common/storage/log_store.hpp"

namespace kilter::tests {

class SmallLog {
  public:
    static constexpr std::size_t replicas = 4;
    static constexpr std::size_t homes = 3;

    /// Whether its time begins at a fixed moment, or now: so that entries that programs sign now are in time.
    enum class Clock : std::uint8_t { fixed, now };

    /// Stores are folder/coordinator-<i>/log.db, and folder/genesis.bin is the genesis document.
    SmallLog(const std::filesystem::path& folder, std::uint8_t seed, Clock clock = Clock::fixed);

    /// Submits to every replica and runs until it is final at all of them.
    void append(const consensus::EntryPtr& entry);

    [[nodiscard]] consensus::EntryPtr roster() const;
    /// Net 0 of `interval` at this price over the whole horizon, signed by all homes.
    [[nodiscard]] consensus::EntryPtr cleared(IntervalIndex interval,
                                              std::int64_t price_micro) const;

    [[nodiscard]] const crypto::Identity& grid_operator() const { return operator_; }

    [[nodiscard]] const settlement::Genesis& genesis() const { return genesis_; }

    [[nodiscard]] std::filesystem::path state_dir(std::size_t replica) const;

    /// Everything in the stores' main files, none of it in their write-ahead logs.
    void checkpoint();

  private:
    struct Letter {
        std::size_t from;
        std::size_t to;
        consensus::Message message;
    };

    struct Replica {
        storage::LogStore store;
        consensus::Replica core;
        std::vector<consensus::Arm> timers;
    };

    void step(std::size_t replica, const consensus::Input& input);
    void fire_timers();

    std::filesystem::path folder_;
    UnixMs start_ms_;
    UnixMs now_;
    std::vector<crypto::Identity> coordinators_, homes_;
    crypto::Identity operator_;
    settlement::Genesis genesis_;
    std::unique_ptr<settlement::Ledger> ledger_;
    std::vector<Replica> replicas_;
    std::deque<Letter> post_;
};

}  // namespace kilter::tests
