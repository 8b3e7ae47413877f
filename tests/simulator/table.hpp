/// Replicas on a table: every message lies there until it is delivered or taken away by hand, timers run out when one says
/// so, and a turn is written and sent at once. For scripts, for enumerations, for tests of one situation.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulator/disk.hpp"
#include "tests/simulator/host.hpp"
#include "tests/simulator/ledger.hpp"

namespace kilter::consensus::simulation {

struct Packet {
    Address from = 0, to = 0;
    Message message;
    std::int64_t at_ms = 0;  ///< when it arrives at the earliest; only run() looks at it
};

/// What replicas do, for whoever wants to know.
class Onlooker {
  public:
    Onlooker() = default;
    Onlooker(const Onlooker&) = delete;
    Onlooker& operator=(const Onlooker&) = delete;
    virtual ~Onlooker() = default;
    virtual void turned(Address address, const Outputs& outputs) = 0;
};

class Table {
  public:
    /// `keys`: the key of each process; equal ones are twins. `replicas`: members of the validator set.
    Table(std::size_t replicas, std::vector<ReplicaIndex> keys, Parameters parameters = {});
    explicit Table(std::size_t replicas, Parameters parameters = {});

    void watch(Onlooker* onlooker) { onlooker_ = onlooker; }

    void start(Address address);
    void crash(Address address);
    void submit(Address address, const EntryPtr& entry);
    void step(Address address, const Input& input);
    /// Runs a timer out, if it runs.
    bool expire(Address address, TimerKind kind);

    /// Delivers until nothing deliverable lies there; those that `lost` names are taken away.
    void deliver(const std::function<bool(const Packet&)>& lost = {});

    [[nodiscard]] std::deque<Packet>& packets() { return packets_; }

    /// A message out of thin air (a Byzantine key's), to be delivered like others.
    void forge(Address from, Address to, Message message);

    /// Time passes: messages arrive `latency_ms` after they were sent, timers run out when due.
    void run(std::int64_t for_ms, std::int64_t latency_ms);

    [[nodiscard]] std::size_t size() const { return seats_.size(); }

    [[nodiscard]] bool up(Address address) const { return seats_[address].replica.has_value(); }

    [[nodiscard]] ReplicaIndex key(Address address) const { return seats_[address].key; }

    [[nodiscard]] ReplicaStatus status(Address address) const {
        return seats_[address].replica->status();
    }

    [[nodiscard]] const Disk& disk(Address address) const { return seats_[address].disk; }

    [[nodiscard]] Disk& disk(Address address) { return seats_[address].disk; }

    [[nodiscard]] const Config& config() const { return config_; }

    [[nodiscard]] UnixMs wall() const { return genesis_ms + 1 + now_ms_; }

  private:
    struct Seat {
        ReplicaIndex key = 0;
        Disk disk;
        std::optional<Replica> replica;

        struct Due {
            Timer timer;
            std::int64_t at_ms = 0;
        };

        std::map<TimerKind, Due> timers;
    };

    void carry_out(Address address, const Outputs& outputs);
    void put(Address from, std::optional<ReplicaIndex> to, const Message& message);

    Config config_;
    SmallLedger ledger_;
    std::vector<Seat> seats_;
    std::deque<Packet> packets_;
    std::int64_t now_ms_ = 0;
    std::int64_t latency_ms_ = 1;
    Onlooker* onlooker_ = nullptr;
};

}  // namespace kilter::consensus::simulation
