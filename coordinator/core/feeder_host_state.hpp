/// The host's state and its moves, the drawing in feeder_host.hpp in detail. What it hears and which turn it is are in
/// feeder_host.cpp, a session from its opening to its records in feeder_host_session.cpp.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/attendance.hpp"
#include "coordinator/core/chaired.hpp"
#include "coordinator/core/charter.hpp"
#include "coordinator/core/elimination.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "coordinator/core/followed.hpp"
#include "coordinator/core/naming.hpp"
#include "coordinator/core/records.hpp"
#include "coordinator/core/warm_start.hpp"

namespace kilter::coordinator {

struct FeederHost::State {
    Charter charter;
    Pace pace;
    /// Of this feeder, in the validators' order: the turn's circle.
    std::vector<crypto::PublicKey> hosts;
    Turn turn;
    Naming naming;
    WarmStart warm_start;
    std::optional<Attendance> attendance;  // under the newest roster
    std::optional<UnixMs> gathering_since;
    std::uint32_t fruitless = 0;       // sessions in a row that left nothing on the log
    bool lonely = false;               // no net had enough homes when last looked
    std::optional<Chaired> chaired;    // gone when its last record is final
    std::optional<Records> records;    // of the chaired session, once it has cleared
    std::optional<Followed> followed;  // what the acting host is in
    bool taken_over = false;           // the chaired session, from another coordinator
    std::optional<market::Parameters> parameters_due;  // for the next session
    std::optional<std::uint32_t> stopped;              // by which case of the docket
    Elimination elimination;
    UnixMs now = 0;

    State(Charter made, Pace local, std::optional<std::uint32_t> named);

    [[nodiscard]] bool clearing() const { return chaired && !records; }

    [[nodiscard]] bool signing() const { return records && !records->made(); }

    [[nodiscard]] bool finalising() const { return records && records->made(); }

    [[nodiscard]] bool finished() const { return !chaired && turn.all_final(); }

    [[nodiscard]] std::optional<consensus::ReplicaIndex> host(const crypto::PublicKey& key) const;
    [[nodiscard]] consensus::ReplicaIndex own_host() const;
    /// Roster or validators are others: whoever acts goes on, if it still hosts this feeder.
    void follow_hosts();
    /// For people: "coordinator 2", by its place among the validators.
    [[nodiscard]] std::string acting_name() const;
    /// Whether the roster and the log's epoch let this coordinator open sessions.
    [[nodiscard]] bool may_chair() const;
    /// And whether there is one to open.
    [[nodiscard]] bool may_open() const;
    [[nodiscard]] std::string session_name() const;
    [[nodiscard]] wire::Hello hello() const;

    // ---- awaiting the gate ---------------------------------------------------------------------------------------

    void await_gate(Outputs& out);
    /// The acting host tells those who stand by that it is at work.
    void on_presence(Outputs& out) const;
    void on_takeover(Outputs& out);
    /// Within the session that the late host was in.
    void succeed(Outputs& out);

    // ---- opening -------------------------------------------------------------------------------------------------

    void gather_or_open(Outputs& out);
    void open(IntervalIndex interval, std::size_t absent, Outputs& out);
    [[nodiscard]] std::vector<PartyId> left_out() const;
    void tell_left_out(Outputs& out) const;
    static std::string why_without(const Elimination::Absence& absence);
    /// Of the session under way.
    [[nodiscard]] std::vector<crypto::PublicKey> homes_of(const market::Seat& seat) const;
    void follow_parameters();

    // ---- clearing ------------------------------------------------------------------------------------------------

    void drive(const market::Input& input, Outputs& out);

    // ---- collecting signatures -----------------------------------------------------------------------------------

    void collect(market::Cleared cleared, Outputs& out);
    void on_clearing_share(const crypto::PublicKey& from,
                           const wire::ClearingShare& share,
                           Outputs& out);

    // ---- awaiting finality ---------------------------------------------------------------------------------------

    void append(Outputs& out);
    /// Of a session that was abandoned there are no endings: every net of it is in doubt.
    void learn_who_is_in_the_way(const std::map<NetId, Ending>& endings);
    /// The next one waits longer: what was in the way may be there still, a home that sends wrong values for instance.
    void come_to_nothing(Outputs& out);
    void end(Outputs& out);
    void give_up(const std::string& why, Outputs& out);
    void leave(Outputs& out);

    // ---- inputs --------------------------------------------------------------------------------------------------

    void on(const Started&, Outputs& out) { await_gate(out); }

    void on(const RosterFinal& final, Outputs& out);
    void on(const RulesFinal& final, Outputs& out);
    void on(const MembersFinal& final, Outputs& out);
    void on(const ClearedNetFinal& final, Outputs& out);
    /// The next session starts where this one ended, whoever opens it.
    void learn_from_followed(const settlement::ClearedNet& record);
    void on(const TimerElapsed& elapsed, Outputs& out);
    void on(const MessageReceived& received, Outputs& out);
    /// From the host that acts, of its session; or from one that has taken this one's over.
    void on_journal(const crypto::PublicKey& from,
                    const wire::SessionJournal& message,
                    Outputs& out);
    void on_hello(const crypto::PublicKey& from, const wire::Hello& greeting, Outputs& out);
    void on_share(const crypto::PublicKey& from, const wire::Share& share, Outputs& out);
};

}  // namespace kilter::coordinator
