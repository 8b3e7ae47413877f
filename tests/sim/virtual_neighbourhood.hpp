/// A whole neighbourhood in one thread and virtual time: the real gateways, the real feeder host, a real replica of the
/// log (one validator, so a quorum of one), every message through the real codec. Only sockets, disks and clocks are
/// missing. Deterministic; tests choose what gets lost, who stops, and who lies.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "agent/core/gateway.hpp"
#include "agent/drivers/simulated.hpp"
#include "common/consensus/light_client.hpp"
#include "common/settlement/ledger.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::sim {

struct Letter {
    crypto::PublicKey from;
    crypto::PublicKey to;
    wire::Message message;
};

struct Home {
    crypto::Identity identity;
    std::unique_ptr<drivers::SimulatedHome> devices;
    std::optional<agent::Gateway> gateway;  // none: switched off
    agent::Memory memory;
    std::map<agent::Timer, UnixMs> timers;
    std::vector<agent::SessionReport> reports;
    std::vector<agent::Setpoint> setpoints;
    std::vector<Event> events;
};

class VirtualNeighbourhood {
  public:
    VirtualNeighbourhood(planner::Neighbourhood neighbourhood,
                         market::Parameters parameters,
                         coordinator::Pace pace);

    /// Until `done`, or `limit_ms` of virtual time have passed; says whether done.
    bool run(const std::function<bool()>& done, UnixMs limit_ms);

    void switch_off(std::size_t home);
    /// From its memory, as after a crash.
    void switch_on(std::size_t home);

    /// From the log, as after a crash: whatever was under way is forgotten.
    void restart_coordinator();

    /// A record onto the log, as the coordinator's.
    void submit(const settlement::ClearedNet& record);

    /// The operator's next change of the roster, onto the log.
    void change_roster(std::vector<settlement::Removal> removals,
                       std::vector<settlement::RosterMember> grants);

    /// As a coordinator shows it. REQUIRES: there is one on the log.
    [[nodiscard]] wire::RosterUpdate newest_roster() const;

    /// Puts a message on its way as if `from` had sent it.
    void send(Letter letter) { post_.push_back(std::move(letter)); }

    [[nodiscard]] bool finished() const { return host_->finished(); }

    /// Every home that is on has a certified report of the interval.
    [[nodiscard]] bool all_certified(IntervalIndex interval) const;

    std::vector<Home> homes;
    std::vector<coordinator::SessionReport> reports;
    std::vector<settlement::ClearedNet> records;
    std::vector<Event> events;
    std::vector<Letter> traffic;  ///< everything that was delivered or lost
    std::function<bool(const Letter&)> loses = [](const Letter&) { return false; };
    /// Asked when what a home's step wants durable is durable and nothing has left yet: whether it crashes there.
    std::function<bool(std::size_t, const agent::Outputs&)> crashes =
        [](std::size_t, const agent::Outputs&) { return false; };
    /// Whether a record that the coordinator submits never reaches the log.
    std::function<bool(const settlement::ClearedNet&)> loses_record =
        [](const settlement::ClearedNet&) { return false; };
    std::size_t records_lost = 0;
    settlement::Roster roster;  ///< newest on the log
    settlement::Genesis genesis;
    crypto::Identity coordinator;
    crypto::Identity grid_operator;
    UnixMs now = 1'700'000'000'000;

    void step_home(std::size_t home, const agent::Input& input);
    void step_host(const coordinator::Input& input);

  private:
    void step_log(consensus::Input input);
    void on_final(const consensus::Finalised& final);
    void deliver(const Letter& letter);
    void start_coordinator();
    void certify(const crypto::PublicKey& to, const Bytes& key);
    void submit_change(const settlement::RosterChange& change);

    model::Network network_;
    coordinator::Pace pace_;
    std::vector<coordinator::Input> final_;  // what the log has told the coordinator so far
    std::optional<settlement::Ledger> ledger_;
    std::optional<consensus::Replica> replica_;
    std::optional<coordinator::FeederHost> host_;
    std::map<coordinator::Timer, UnixMs> host_timers_;
    std::map<consensus::TimerKind, std::pair<UnixMs, consensus::Timer>> log_timers_;
    std::map<Bytes, Bytes> receipts_;  // by semantic key
    std::map<crypto::PublicKey, std::size_t> by_key_;
    std::deque<Letter> post_;
    Bytes memory_;  // the coordinator's
};

}  // namespace kilter::sim
