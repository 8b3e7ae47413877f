/// The gateway's state and its moves, the drawing in gateway.hpp in detail. What a home is told from the log and what it
/// asks for is in gateway.cpp, a session from its opening to its result in gateway_session.cpp, one without a coordinator in
/// gateway_interim.cpp.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/agreements.hpp"
#include "agent/core/backlog.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/gateway.hpp"
#include "agent/core/memory.hpp"
#include "agent/core/meter_desk.hpp"
#include "agent/core/opening_rules.hpp"
#include "agent/core/outbox.hpp"
#include "agent/core/participation.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::agent {

/// How soon a coordinator is asked for what is missing, a roster or a record. Then one after the other, twice as late
/// every second time: where many homes miss something at once, coordinators have no time for those who ask often.
inline constexpr std::uint32_t greet_waiting_ms = 250;
/// How long a coordinator that was heard has to show the newest record before reads of a former process are published.
inline constexpr UnixMs reads_held_ms = 2'000;
/// How long an entry may take to get on the log before the next coordinator is told; then twice as long, and again. Where
/// the log is slow, hearing everything once more makes it slower.
inline constexpr std::uint32_t append_again_ms = 3'000;
inline constexpr unsigned append_doublings_max = 2;

/// An entry as it stands in a block that is final, whoever has certified that.
struct ProvedEntry {
    crypto::Digest leaf;
    consensus::BlockHash block;
    bool operator==(const ProvedEntry&) const = default;
};

struct Gateway::State {
    Charter charter;
    const Forecast forecast;
    Remembered known;  ///< what changes here is persisted in the same step
    Outbox outbox;
    Backlog backlog;
    std::optional<MeterDesk> desk;

    std::optional<std::uint32_t> stopped;  ///< by which case of the docket, as far as known
    std::optional<Participation> active;
    std::optional<SessionReport> last;
    /// The newest record whose proof held: each coordinator sends the same one, and one proof is enough.
    std::optional<ProvedEntry> proved;
    std::optional<wire::Outgoing> regret;   ///< of the newest agreement, for its chair
    std::optional<crypto::PublicKey> heir;  ///< who collects what that chair no longer can
    /// An opening that came before the record of the interval before it: what was dispatched then
    /// decides what the home can do now.
    std::optional<std::pair<crypto::PublicKey, wire::SessionOpen>> postponed;
    UnixMs postponed_since = 0;
    /// The agreement whose record was waited for in vain: no later session is postponed for it.
    std::optional<market::SessionId> missed;
    unsigned greetings = 0;  ///< since something new happened
    unsigned repeated = 0;   ///< how often unsettled entries were, since there was something new
    unsigned asked = 0;      ///< coordinators in turn
    bool connected = false;  ///< to all peers of this roster, as far as can be
    /// For a session that is not open here yet.
    std::map<crypto::PublicKey, std::deque<wire::Share>> early;
    std::size_t appended_to = 0;  ///< whom unsettled entries were repeated to
    std::optional<UnixMs> coordinator_heard;

    // ---- without coordinators ----------------------------------------------------------------------
    std::optional<wire::InterimOpen> opened;  ///< by this home, newest
    unsigned openings = 0;                    ///< of that interval
    unsigned submitted = 0;                   ///< how often the oldest of the backlog was handed in
    std::set<PartyId> unsigned_by;            ///< of that interval: agreed, and then did not sign
    UnixMs accord_since = 0;
    std::map<crypto::PublicKey, wire::ClearingShare>
        early_parts;  ///< of the active session's accord
    std::vector<wire::Outgoing>
        last_words;  ///< of the newest interim session that this home chaired

    std::string last_word = "has just started";
    UnixMs now = 0;
    std::optional<UnixMs> began;  ///< this process, by this home's clock as it is now

    // ---- what it remembers may be old: put back from a backup --------------------------------------
    std::uint64_t recorded_epoch = 0;   ///< of rosters, the newest that a record on the log names
    std::optional<UnixMs> first_heard;  ///< of a coordinator, by this process
    bool reads_held =
        false;  ///< what the meter counted may be on the log; not until the log had a chance to say so

    State(Charter fixed,
          Forecast source,
          Remembered before,
          Outbox unsettled,
          Backlog unrecorded,
          std::optional<MeterDesk> metering)
        : charter(std::move(fixed)),
          forecast(std::move(source)),
          known(std::move(before)),
          outbox(std::move(unsettled)),
          backlog(std::move(unrecorded)),
          desk(std::move(metering)),
          stopped(known.rules.now().stopped),
          reads_held(desk && desk->remembers()) {}

    /// How long a new session waits for the record of the last one: well within what its net waits for this home.
    [[nodiscard]] std::uint32_t record_patience_ms() const {
        return charter.parameters.silence_ms / 2;
    }

    void tell(Outputs& out, Severity severity, std::string text) {
        last_word = text;
        out.events.push_back({severity, std::move(text)});
    }

    // ---- inputs ---------------------------------------------------------------------------------
    void on(const Started&, Outputs& out) const;
    void on(const TimerElapsed& elapsed, Outputs& out);
    void on(const MessageReceived& received, Outputs& out);
    void on(const PeersConnected&, Outputs& out);
    void on(const RegistersRead& input, Outputs& out);

    // ---- greeting -------------------------------------------------------------------------------
    /// To say hello with the present roster is to say "ready to trade".
    void greet(const crypto::PublicKey& coordinator, Outputs& out) const;
    /// Every coordinator.
    void greet(Outputs& out) const;
    void on_greet(Outputs& out);
    void on_hello(const crypto::PublicKey& from, const wire::Hello& hello, Outputs& out) const;
    /// The coordinator this home turns to first, or so many after that: homes are spread over all of them.
    [[nodiscard]] const crypto::PublicKey& first_asked(std::size_t later = 0) const;
    /// Whom this home may speak with: the coordinators, and the homes of its net.
    [[nodiscard]] std::vector<Peer> peers() const;

    // ---- certified entries ----------------------------------------------------------------------
    void on_certified(const crypto::PublicKey& from,
                      const wire::CertifiedEntry& message,
                      Outputs& out);
    void on_roster(const crypto::PublicKey& from, const wire::RosterUpdate& update, Outputs& out);
    void on_rules(const crypto::PublicKey& from, const wire::RulesUpdate& update, Outputs& out);
    /// Of what coordinators tell each other a home heeds the proofs of epochs.
    void on_log(const wire::ConsensusMessage& message, Outputs& out);
    /// Proofs from epoch 1 on: other coordinators order the log from the newest on.
    void learn_epochs(const std::vector<consensus::EpochProof>& proofs, Outputs& out);
    /// What is in force may have changed: stops and resumes with the market.
    void heed_rules(Outputs& out);
    /// The newest roster does not name this home. `traded`: the one before did.
    void leave(bool traded, const settlement::RosterChange& change, Outputs& out);
    /// `bytes`: the receipt, encoded.
    void on_record(const consensus::Receipt& receipt, const Bytes& bytes, Outputs& out);
    /// A record with this home's signature under a session that it does not know to have joined proves that its memory is
    /// older than what it did: what the meter had counted may be on the log already, and is not said again in other numbers.
    /// Whether this record does.
    bool heed_own_signature(const settlement::ClearedNet& record, Outputs& out);
    /// Not in a session any more, nor about to be.
    void drop_session(Outputs& out);
    /// The devices follow a record of what this home agreed to, and no other.
    void dispatch(const settlement::ClearedNet& record, Outputs& out);
    /// Sets the devices, once for every interval; later ones change nothing. Whether it did.
    bool follow(const Setpoint& setpoint, Outputs& out);

    // ---- what follows clearing (gateway_money.cpp) ----------------------------------------------
    /// The day-ahead position that this record holds of this home. REQUIRES: agreement.positions_wh not empty.
    void publish(const Agreement& agreement, const settlement::ClearedNet& record, Outputs& out);
    /// What the meter has counted, once the roster names the meter; after a restart not before a coordinator had the time to
    /// show what is on the log.
    void publish_reads(Outputs& out);
    /// To the log, and again until its receipt is here.
    void append(const consensus::EntryPtr& entry, Outputs& out);
    void on_append(Outputs& out);

    // ---- a session (gateway_session.cpp) --------------------------------------------------------
    /// What decides about an opening from this coordinator.
    [[nodiscard]] Position position(const crypto::PublicKey& from) const;
    /// Why no session at all can be joined, or nothing.
    [[nodiscard]] std::optional<std::string> objection_to_any() const;
    /// REQUIRES: known.place.
    [[nodiscard]] std::optional<std::string> objection_to(const crypto::PublicKey& from,
                                                          const wire::SessionOpen& open) const;
    void on_open(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out);
    void join_postponed(Outputs& out);
    /// REQUIRES: no objection_to it.
    /// The home for a session that it can join, in place of one it may be in: from then on it has been in it. Nothing, and
    /// told: its devices cannot be traded for.
    std::optional<model::Home> home_to_join(const crypto::PublicKey& chair,
                                            const market::SessionId& session,
                                            Outputs& out);
    void join(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out);
    void on_share(const crypto::PublicKey& from, wire::Share share, Outputs& out);
    /// What came before the session was open here.
    void hear_early(Outputs& out);
    /// Of a session that this home has agreed to: another coordinator has taken it over, and lacks its signature.
    void hand_over(const crypto::PublicKey& from, Outputs& out);
    /// One step of the active session, and of this home when that was its last. REQUIRES: active.
    void drive(const market::Input& input, Outputs& out);
    /// Once per member and session. REQUIRES: active.
    void tell_if_caught(const market::MaskedShare& share, market::Verdict verdict, Outputs& out);
    void on_resend(Outputs& out) const;
    /// The active session is over: back to idle, or on to awaiting the record.
    void finish(market::Cleared cleared, Outputs& out);
    /// Completes the report.
    void agree(const Participation& over,
               const market::Cleared& cleared,
               SessionReport& report,
               Outputs& out);
    /// The newest, and with it this home's part in its certificate. REQUIRES: !known.agreed.empty().
    void send_clearing_share(Outputs& out) const;
    void on_excluded(const crypto::PublicKey& from,
                     const wire::SessionExcluded& message,
                     Outputs& out);

    // ---- without coordinators (gateway_interim.cpp) ---------------------------------------------
    /// The newest interval that was cleared, with a record on the log or one that waits for it. What homes alone agreed to
    /// before it was time for that, because clocks were ahead, keeps no coordinator out.
    [[nodiscard]] std::optional<IntervalIndex> traded() const;
    /// A coordinator opens this interval now, by a clock that goes with this home's: what homes alone agreed to before it was
    /// time for that is dropped. Nothing of it has been drawn yet.
    void forget_ahead_of(IntervalIndex opened_now, Outputs& out);
    void on_interim(Outputs& out);
    [[nodiscard]] std::uint32_t next_look_ms() const;
    /// An interval has begun that nobody has cleared: the devices go on as the last record with the feeder has it.
    void keep_to_base(Outputs& out);
    /// If it is this home's turn to.
    void open_interim(Outputs& out);
    /// Nothing else stands in the way of a session for this interval.
    /// From version 2 of the rule `ledger` on.
    [[nodiscard]] bool log_takes_interim() const;
    [[nodiscard]] bool can_open(IntervalIndex interval) const;
    void on_interim_open(const crypto::PublicKey& from,
                         const wire::InterimOpen& open,
                         Outputs& out);
    /// REQUIRES: no objection to it.
    void join_interim(const crypto::PublicKey& from, const wire::InterimOpen& open, Outputs& out);
    /// The opening, and the proof of what it follows, to these homes.
    void tell_opening(const std::vector<PartyId>& to, Outputs& out) const;
    [[nodiscard]] wire::CertifiedEntry proof_of_base() const;
    void finish_interim(const Participation& over,
                        const market::Cleared& cleared,
                        SessionReport& report,
                        Outputs& out);
    void send_parts(const std::vector<crypto::PublicKey>& to, Outputs& out) const;
    void on_part(const crypto::PublicKey& from, const wire::ClearingShare& part, Outputs& out);
    void on_interim_record(const wire::InterimRecord& message, Outputs& out);
    /// The accord, if it is complete, becomes a record.
    void conclude_accord(Outputs& out);
    void drop_accord(Outputs& out);
    /// The log holds an interim record of this net.
    void on_recorded(const settlement::ClearedNet& record, Backlog::Settled settled, Outputs& out);
    /// What waits for the log, oldest first, to this coordinator.
    void submit_backlog(const crypto::PublicKey& to, Outputs& out);
};

}  // namespace kilter::agent
