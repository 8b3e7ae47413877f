/// One coordinator's process as the market sees it: the real feeder host beside a replica of the log, fed with what is
/// final there. The replica itself, its disk and its loop are consensus::simulation::Host.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "common/settlement/directory.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "tests/simulator/host.hpp"
#include "tests/simulator/neighbourhood/home_process.hpp"

namespace kilter::simulation {

/// Receipts of all entries that are final somewhere: as good from any store that holds the block.
struct Receipts {
    struct One {
        Bytes receipt;
        consensus::Height height = 0;
    };

    std::map<Bytes, One> by_key;  ///< semantic key
};

class CoordinatorProcess {
  public:
    /// Everything given must outlive the process.
    CoordinatorProcess(Street& street,
                       consensus::simulation::Host& log,
                       const crypto::Identity& identity,
                       const settlement::Genesis& genesis,
                       const model::Network& network,
                       coordinator::Pace pace,
                       Receipts& receipts);

    /// The replica has started on what its disk holds.
    void boot();
    /// The process is gone.
    void end();

    void pause() { paused_ = true; }

    void resume();
    void hear(const crypto::PublicKey& from, const wire::Message& message);
    void on_final(const consensus::Finalised& final);

    [[nodiscard]] bool up() const { return feeder_.has_value(); }

    /// In a session, from its opening to its records.
    [[nodiscard]] bool chairs() const;

    /// REQUIRES: up().
    [[nodiscard]] const coordinator::FeederHost& feeder() const { return *feeder_; }

    [[nodiscard]] const std::deque<Event>& events() const { return events_; }

    [[nodiscard]] const std::vector<coordinator::SessionReport>& reports() const {
        return reports_;
    }

  private:
    void learn(const consensus::SealedEntry& entry);
    void step(coordinator::Input input);
    void turn(const coordinator::Input& input);
    void on_hello(const crypto::PublicKey& from, const wire::Hello& hello);
    void on_submit(const crypto::PublicKey& from, const wire::Submit& submit);
    void certify(const crypto::PublicKey& to, const Bytes& key);
    void send(const wire::Outgoing& letter);
    void arm(const coordinator::ArmTimer& arm);

    [[nodiscard]] UnixMs wall() const { return log_.wall(); }

    Street& street_;
    consensus::simulation::Host& log_;
    const crypto::Identity& identity_;
    const settlement::Genesis& genesis_;
    const model::Network& network_;
    coordinator::Pace pace_;
    Receipts& receipts_;

    std::optional<coordinator::FeederHost> feeder_;
    std::optional<settlement::Directory> directory_;
    settlement::Roster roster_;
    std::map<NetId, std::pair<IntervalIndex, Bytes>> newest_record_;  // semantic keys
    Bytes disk_;                              // what the feeder's host remembers
    std::deque<coordinator::Input> waiting_;  // while it is paused
    std::vector<wire::Outgoing> late_;        // of the turn it was struck in
    std::set<consensus::EntryId> handed_in_;  // by homes
    std::map<coordinator::Timer, std::uint64_t> timers_;
    std::uint64_t armed_ = 0;
    std::uint64_t incarnation_ = 0;
    bool paused_ = false;
    std::deque<Event> events_;  // the newest
    std::vector<coordinator::SessionReport> reports_;
};

}  // namespace kilter::simulation
