/// What must hold in a neighbourhood whatever fails, seen from outside: what leaves the processes, what homes keep, what is
/// on the log. Names of invariants as in docs/testing-the-log.md.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/core/accord.hpp"
#include "agent/core/agreements.hpp"
#include "agent/core/base.hpp"
#include "agent/core/gateway.hpp"
#include "common/model/network.hpp"
#include "coordinator/core/outputs.hpp"
#include "tests/simulator/neighbourhood/options.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::simulation {

using consensus::simulation::Report;

/// A home as the checker knows it.
struct Resident {
    crypto::PublicKey key;
    NetId net;
    bool honest = true;
};

class Checker {
  public:
    /// `feeders` by their numbers, `residents` in the order of their parties, which follow those of the coordinators.
    Checker(Report& report,
            Options options,
            market::Parameters parameters,
            std::vector<model::Network> feeders,
            std::vector<Resident> residents);

    /// An honest process has sent this.
    void on_letter(const crypto::PublicKey& from, const wire::Outgoing& letter);
    void on_sent(const crypto::PublicKey& from, const wire::Message& message);
    /// An honest home has this on its disk.
    void on_agreed(std::size_t home, const agent::Agreement& agreement);
    /// So does it these.
    void on_plans(std::size_t home, agent::Plans plans);
    void on_base(std::size_t home, const settlement::ClearedNet& record);
    void on_accord(std::size_t home, const agent::Accord& accord);
    void on_interim(std::size_t home, const settlement::ClearedNet& record);
    /// The newest interval that its devices are set for. What they were told for later ones that have not begun is replaced: the
    /// home's clock was ahead.
    void on_driven(std::size_t home, IntervalIndex newest, UnixMs now);
    /// An honest home's devices follow this.
    void on_setpoint(std::size_t home, const agent::Setpoint& setpoint);
    /// An honest coordinator's, of a session that it chaired.
    void on_report(const coordinator::SessionReport& report);
    /// An honest coordinator has handed this in.
    void on_submitted(const consensus::Entry& entry);

    /// This home goes on from what it remembered some time before: it may set its devices twice, and from an older plan.
    void on_put_back(std::size_t home) { put_back_.insert(home); }

    /// A block is final at a coordinator.
    void on_block(consensus::Height height, const consensus::Block& block, consensus::BlockHash);
    /// An honest process complains.
    void on_event(const std::string& who, const Event& event);

    /// Nets with a record of this interval.
    [[nodiscard]] std::set<NetId> recorded(IntervalIndex interval) const;
    /// Whether the record of this interval and net has this home in it.
    [[nodiscard]] bool recorded(IntervalIndex interval, const Resident& home) const;

    /// All records, by interval and net.
    [[nodiscard]] std::vector<settlement::ClearedNet> cleared() const;

    /// The same in the order of the log.
    [[nodiscard]] const std::vector<settlement::ClearedNet>& logged() const { return logged_; }

    [[nodiscard]] std::size_t records() const { return records_.size(); }

    /// Homes that some coordinator has caught lying.
    [[nodiscard]] std::size_t caught() const { return caught_.size(); }

  private:
    using Session = std::pair<market::SessionId, NetId>;
    /// Whom a mask is between, and what for.
    using Mask = std::tuple<market::SessionId,
                            NetId,
                            PartyId,
                            std::uint32_t,
                            std::uint16_t,
                            std::vector<PartyId>>;

    void on_share(const crypto::PublicKey& from, const wire::Share& share);
    void on_opening(const wire::SessionOpen& open);
    void on_record(const settlement::ClearedNet& record);
    void on_interim_record(const settlement::ClearedNet& record);
    /// What a home is to draw in an interval by its net's last record with the feeder; nothing: that does not say.
    [[nodiscard]] std::optional<double> planned_kw(std::size_t home,
                                                   const settlement::ClearedNet& base,
                                                   IntervalIndex interval) const;
    /// Once all homes of an interim session follow it: whether their sum is what it was to be.
    void check_sum(const settlement::ClearedNet& record);
    [[nodiscard]] std::size_t homes_in(const std::vector<PartyId>& set) const;
    [[nodiscard]] const Resident* resident(const crypto::PublicKey& key) const;
    /// Whether somebody's values there may be anything.
    [[nodiscard]] bool is_lied_to(NetId net) const;
    [[nodiscard]] bool honest_values() const;

    Report& report_;
    Options options_;
    market::Parameters parameters_;
    std::vector<model::Network> feeders_;  // by number
    std::vector<Resident> residents_;
    std::map<crypto::PublicKey, std::size_t> by_key_;

    std::map<Mask, std::vector<std::uint64_t>> masked_;
    std::map<Session, wire::SessionOpen> openings_;
    std::map<Session, std::vector<PartyId>> stopped_;  // the set of the chair's last word
    std::map<Session, std::map<std::size_t, agent::Agreement>> agreed_;  // by home
    std::map<std::pair<IntervalIndex, NetId>, settlement::ClearedNet> records_;

    struct Link {
        consensus::BlockHash hash;
        consensus::View view = 0;
        consensus::EntryIndex next_index = 0;
    };

    std::map<consensus::Height, Link> chain_;
    std::map<std::tuple<crypto::PublicKey, std::uint64_t, Bytes>, Bytes> numbers_;  // bodies
    std::vector<settlement::ClearedNet> logged_;
    std::set<crypto::PublicKey> caught_;
    std::set<std::size_t> put_back_;
    std::map<std::pair<std::size_t, IntervalIndex>, double> dispatched_;  // kW
    // by home
    std::map<std::size_t, std::map<market::SessionId, std::vector<double>>> plans_;
    std::map<std::size_t, settlement::ClearedNet> base_;
    std::map<std::pair<std::size_t, market::SessionId>, settlement::ClearedNet> accords_;
    std::map<std::pair<std::size_t, IntervalIndex>, settlement::ClearedNet> interims_;
};

}  // namespace kilter::simulation
