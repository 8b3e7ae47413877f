#include "coordinator/core/feeder_host.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/market/clearing.hpp"
#include "coordinator/core/attendance.hpp"
#include "coordinator/core/chaired.hpp"
#include "coordinator/core/charter.hpp"
#include "coordinator/core/elimination.hpp"
#include "coordinator/core/followed.hpp"
#include "coordinator/core/naming.hpp"
#include "coordinator/core/records.hpp"
#include "coordinator/core/warm_start.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::uint32_t gather_tick_ms = 250;
constexpr std::uint32_t no_homes_ms = 1'000;  // between two looks for homes
constexpr std::uint32_t joining_iterations = 2;
constexpr std::uint32_t fruitless_max = 6;  // the pause between sessions doubles so often

settlement::TiePrices tie_prices_of(const Charter& charter, IntervalIndex interval) {
    const model::FeederHorizon horizon = model::horizon_of(
        charter.network, interval, charter.parameters.horizon, charter.parameters.interval_s);
    settlement::TiePrices out{interval, {}, charter.network.number};
    for (const double price : horizon.price_eur_per_kwh)
        out.prices_micro_eur_per_kwh.push_back(std::llround(price * 1e6));
    return out;
}

// The validators that host this feeder, as far as the roster says: other feeders have hosts of their own.
std::vector<crypto::PublicKey> hosts_under(const Charter& charter,
                                           const settlement::Roster& roster) {
    std::vector<crypto::PublicKey> out;
    for (const auto& validator : charter.members.validators) {
        const auto* known = roster.find(validator.key);
        if (known == nullptr || settlement::feeder_of(known->net) == charter.network.number)
            out.push_back(validator.key);
    }
    return out;
}

}  // namespace

struct FeederHost::State {
    Charter charter;
    Pace pace;
    std::vector<crypto::PublicKey>
        hosts;  // of this feeder, in the validators' order: the turn's circle
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

    State(Charter made, Pace local, std::optional<std::uint32_t> named)
        : charter(std::move(made)),
          pace(local),
          hosts(hosts_under(charter, {})),
          turn(local, own_host(), hosts.size(), charter.parameters),
          naming(
              charter.index().value_or(0), charter.members.size(), charter.genesis.time_ms, named),
          warm_start(charter.parameters) {}

    [[nodiscard]] bool clearing() const { return chaired && !records; }

    [[nodiscard]] bool signing() const { return records && !records->made(); }

    [[nodiscard]] bool finalising() const { return records && records->made(); }

    [[nodiscard]] bool finished() const { return !chaired && turn.all_final(); }

    [[nodiscard]] std::optional<consensus::ReplicaIndex> host(const crypto::PublicKey& key) const {
        const auto found = std::find(hosts.begin(), hosts.end(), key);
        if (found == hosts.end()) return std::nullopt;
        return static_cast<consensus::ReplicaIndex>(found - hosts.begin());
    }

    [[nodiscard]] consensus::ReplicaIndex own_host() const {
        return host(charter.identity.public_key()).value_or(0);
    }

    // Roster or validators are others: whoever acts goes on, if it still hosts this feeder.
    void follow_hosts() {
        const auto acting = hosts.empty() ? std::nullopt : std::optional(hosts[turn.acting()]);
        hosts = hosts_under(charter,
                            attendance ? attendance->directory()->roster() : settlement::Roster{});
        turn.follow(own_host(), std::max<std::size_t>(1, hosts.size()),
                    acting ? host(*acting) : std::nullopt);
    }

    // For people: "coordinator 2", by its place among the validators.
    [[nodiscard]] std::string acting_name() const {
        const auto index =
            hosts.empty() ? std::nullopt : charter.members.index_of(hosts[turn.acting()]);
        return "coordinator " + (index ? std::to_string(*index) : "(none)");
    }

    // Whether the roster and the log's epoch let this coordinator open sessions.
    [[nodiscard]] bool may_chair() const {
        return attendance && attendance->chair() && charter.index();
    }

    // And whether there is one to open.
    [[nodiscard]] bool may_open() const {
        return may_chair() && !chaired && !finished() && !stopped;
    }

    [[nodiscard]] std::string session_name() const {
        return "session " + market::name_of(chaired->id());
    }

    [[nodiscard]] wire::Hello hello() const {
        return {charter.chain, attendance->directory()->epoch(), 0};
    }

    // ---- awaiting the gate ---------------------------------------------------------------------------------------

    void await_gate(Outputs& out) {
        gathering_since.reset();
        out.cancel({Timer::gate, Timer::gather, Timer::takeover});
        if (!may_open()) return;
        const std::uint32_t pause_ms =
            fruitless > 0 ? charter.parameters.silence_ms << (fruitless - 1) : 0;
        out.arm(turn.mine() ? Timer::gate : Timer::takeover,
                std::max(std::min(turn.await_ms(now), Turn::look_again_ms), pause_ms));
        if (turn.mine()) out.arm(Timer::presence, 1);
    }

    // The acting host tells those who stand by that it is at work.
    void on_presence(Outputs& out) const {
        if (!may_chair() || !turn.mine() || finished() || stopped) return;
        for (const crypto::PublicKey& key : hosts)
            if (key != charter.identity.public_key()) out.send.push_back({key, hello()});
        out.arm(Timer::presence, std::max(1U, pace.takeover_ms / 4));
    }

    void on_takeover(Outputs& out) {
        if (!may_open()) return;
        if (turn.await_ms(now) > 1) return await_gate(out);
        if (followed && followed->ready() &&
            followed->id().interval == turn.next_gate(now).interval)
            return succeed(out);
        out.tell(Severity::notable,
                 "no record for too long: opening sessions in place of " + acting_name());
        turn.take_over();
        out.arm(Timer::presence, 1);
        gather_or_open(out);
    }

    // Within the session that the late host was in.
    void succeed(Outputs& out) {
        chaired.emplace(followed->take());
        auto cleared = followed->take_cleared();
        followed.reset();
        taken_over = true;
        out.tell(Severity::notable, "took over " + session_name() + " in iteration " +
                                        std::to_string(chaired->iteration()) + " from " +
                                        acting_name() + ", which is silent");
        turn.take_over();
        out.arm(Timer::presence, 1);
        out.arm(Timer::takeover, 0);
        const std::int64_t spent = std::max<std::int64_t>(0, now - chaired->report().started_ms);
        out.arm(Timer::deadline, static_cast<std::uint32_t>(std::max<std::int64_t>(
                                     1, charter.parameters.session_ms - spent)));
        drive(market::Succeed{}, out);
        if (cleared && chaired) collect(std::move(*cleared), out);
    }

    // ---- opening -------------------------------------------------------------------------------------------------

    void gather_or_open(Outputs& out) {
        if (!may_open() || !turn.mine()) return;
        const Turn::Gate gate = turn.next_gate(now);
        for (const PartyId home : attendance->to_greet(now))
            out.send.push_back({attendance->directory()->at(home).key, hello()});
        if (gate.wait_ms > 0) return await_gate(out);
        if (!gathering_since) gathering_since = now;
        const auto absent = attendance->missing(now);
        if (!absent.empty() && now - *gathering_since < pace.gather_ms)
            return out.arm(Timer::gather, gather_tick_ms);
        attendance->waive(absent);
        open(gate.interval, absent.size(), out);
    }

    void open(IntervalIndex interval, std::size_t absent, Outputs& out) {
        follow_parameters();
        auto seats = attendance->seats(now, left_out());
        if (seats.empty()) {
            if (!lonely) out.tell(Severity::notable, "no net has enough homes to trade; trying on");
            lonely = true;
            return out.arm(Timer::gather, no_homes_ms);
        }
        lonely = false;
        if (const auto expiring = attendance->expiring(now).size(); expiring > 0)
            out.tell(Severity::notable,
                     std::to_string(expiring) +
                         " homes cannot trade because their certificates have expired: renew them "
                         "with 'kilter renew'");
        if (absent > 0)
            out.tell(Severity::notable,
                     std::to_string(absent) + " homes have not greeted; opening without them");
        gathering_since.reset();
        followed.reset();
        taken_over = false;
        auto start = warm_start.start(interval, nets_of(seats));
        chaired.emplace(charter, naming.next(interval, now), *attendance, std::move(seats),
                        std::move(start), now);
        out.persist = ByteWriter{}.u32(*naming.newest()).bytes();
        chaired->announce(out);
        tell_left_out(out);
        out.tell(Severity::routine, session_name() + " opened with " +
                                        std::to_string(chaired->homes()) + " homes on " +
                                        std::to_string(chaired->nets().size()) + " nets");
        out.arm(Timer::takeover, 0);
        out.arm(Timer::deadline, charter.parameters.session_ms);
        drive(market::Begin{}, out);
    }

    [[nodiscard]] std::vector<PartyId> left_out() const {
        std::vector<PartyId> out;
        for (const NetId net : attendance->directory()->nets())
            for (const Elimination::Absence& absence : elimination.absent(net))
                if (const auto party = attendance->directory()->find(absence.home))
                    out.push_back(*party);
        return out;
    }

    void tell_left_out(Outputs& out) const {
        for (const market::Seat& seat : chaired->seats()) {
            const auto homes = homes_of(seat);
            for (const Elimination::Absence& absence : elimination.absent(seat.net)) {
                if (std::ranges::find(homes, absence.home) != homes.end()) continue;
                const std::string why =
                    "net " + settlement::name_of(seat.net) + why_without(absence);
                out.send.push_back(
                    {absence.home, wire::refusal("no seat in " + session_name() + ": " + why)});
                out.tell(Severity::notable, session_name() + " is without home " +
                                                short_hex(absence.home.view()) + ": " + why);
            }
        }
    }

    static std::string why_without(const Elimination::Absence& absence) {
        if (absence.sessions == 0)
            return " came to nothing; this session is to show whether it clears without this home";
        return (absence.caught ? " goes on without this home, which contradicted itself or sent "
                                 "what no home sends; it is tried again after "
                               : " came to nothing; it clears without this home, which is tried "
                                 "again after ") +
               std::to_string(absence.sessions) + " sessions";
    }

    /// Of the session under way.
    [[nodiscard]] std::vector<crypto::PublicKey> homes_of(const market::Seat& seat) const {
        std::vector<crypto::PublicKey> out;
        for (const market::Member& member : seat.members)
            if (const auto& party = chaired->directory()->at(member.party);
                party.role == settlement::Role::home)
                out.push_back(party.key);
        return out;
    }

    void follow_parameters() {
        if (!parameters_due) return;
        charter.parameters = *parameters_due;
        charter.parameters_digest = parameters_due->digest();
        turn.follow(charter.parameters);
        warm_start.follow(charter.parameters);
        attendance->follow(charter.parameters);
        parameters_due.reset();
    }

    // ---- clearing ------------------------------------------------------------------------------------------------

    void drive(const market::Input& input, Outputs& out) {
        Chaired::Step step = chaired->step(input, now, out);
        for (const crypto::PublicKey& home : step.silent)
            attendance->on_silence(home);
        if (step.caught) elimination.on_caught(step.caught->first, step.caught->second);
        if (step.cleared) collect(std::move(*step.cleared), out);
    }

    // ---- collecting signatures -----------------------------------------------------------------------------------

    void collect(market::Cleared cleared, Outputs& out) {
        out.cancel({Timer::silence, Timer::deadline, Timer::resend});
        if (cleared.outcome == market::Outcome::abandoned) {
            out.tell(Severity::notable,
                     session_name() + " came to nothing: " + cleared.explanation);
            learn_who_is_in_the_way({});
            return taken_over ? leave(out) : come_to_nothing(out);
        }
        records.emplace(charter, chaired->id(), chaired->directory(), chaired->nets(), cleared);
        for (const NetId net : records->implausible())
            out.tell(Severity::wrong, session_name() + " ended at prices no market has on net " +
                                          settlement::name_of(net) +
                                          "; it is not recorded: a home there sends wrong values");
        out.tell(
            cleared.outcome == market::Outcome::converged ? Severity::routine : Severity::notable,
            session_name() + " cleared after " + std::to_string(cleared.iteration) + " iterations" +
                (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
        records->leave_out_who_left(*attendance->directory());
        warm_start.on_cleared(chaired->id().interval, chaired->nets(), std::move(cleared.warm));
        out.arm(Timer::signatures, charter.parameters.silence_ms);
        if (records->complete()) append(out);
    }

    void on_clearing_share(const crypto::PublicKey& from,
                           const wire::ClearingShare& share,
                           Outputs& out) {
        if (!signing()) return;
        switch (records->on_signature(from, share)) {
            case Records::Verdict::accepted:
                if (records->complete()) append(out);
                return;
            case Records::Verdict::not_asked:
                return;
            case Records::Verdict::forged:
                return out.tell(Severity::wrong, "home " + short_hex(from.view()) +
                                                     " signed something else than this net's "
                                                     "prices; its signature is not used");
        }
    }

    // ---- awaiting finality ---------------------------------------------------------------------------------------

    void append(Outputs& out) {
        out.cancel({Timer::signatures});
        learn_who_is_in_the_way(records->endings());
        out.submit = records->make();
        if (out.submit.empty()) {
            out.tell(Severity::notable,
                     session_name() + " has no signature of any home; nothing to record");
            return come_to_nothing(out);
        }
        out.tie = tie_prices_of(charter, chaired->id().interval);
        out.arm(Timer::finality, finality_ms);
    }

    // Of a session that was abandoned there are no endings: every net of it is in doubt.
    void learn_who_is_in_the_way(const std::map<NetId, Ending>& endings) {
        for (const market::Seat& seat : chaired->seats()) {
            const auto found = endings.find(seat.net);
            Ending ending = found == endings.end() ? Ending::unclear : found->second;
            if (ending == Ending::cleared && chaired->parted().contains(seat.net))
                ending = Ending::unclear;
            // Homes that never spoke have not joined: a clock is wrong, or nobody could be reached.
            if (ending == Ending::unclear && chaired->iteration() <= joining_iterations &&
                !chaired->all_spoke(seat))
                continue;
            elimination.on_session(seat.net, chaired->id().interval, homes_of(seat),
                                   std::max(1U, charter.parameters.privacy_members_min), ending);
        }
    }

    // The next one waits longer: what was in the way may be there still, a home that sends wrong values for instance.
    void come_to_nothing(Outputs& out) {
        fruitless = std::min(fruitless + 1, fruitless_max);
        end(out);
    }

    void end(Outputs& out) {
        chaired->certify();
        out.report = chaired->report();
        out.report->final_ms = now;
        out.report->homes = records ? records->homes() : 0;
        leave(out);
    }

    void give_up(const std::string& why, Outputs& out) {
        out.tell(Severity::notable, session_name() + " given up: " + why);
        leave(out);
    }

    void leave(Outputs& out) {
        out.cancel(
            {Timer::silence, Timer::deadline, Timer::resend, Timer::signatures, Timer::finality});
        records.reset();
        chaired.reset();
        await_gate(out);
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    void on(const Started&, Outputs& out) { await_gate(out); }

    void on(const RosterFinal& final, Outputs& out) {
        attendance.emplace(charter.identity,
                           std::make_shared<const settlement::Directory>(final.roster),
                           charter.network, charter.parameters);
        follow_hosts();
        const std::string epoch = "roster epoch " + std::to_string(final.roster.epoch);
        for (Event& event : attendance->unserved())
            out.events.push_back(std::move(event));
        out.tell(Severity::routine,
                 epoch + " with " + std::to_string(attendance->homes()) + " homes is final");
        if (records) records->leave_out_who_left(*attendance->directory());
        if (!attendance->chair())
            out.tell(Severity::wrong,
                     epoch + " does not name this coordinator for feeder " +
                         std::to_string(charter.network.number) + " (" + charter.network.name +
                         "), so it opens no sessions: ask the operator to grant that to its key " +
                         short_hex(charter.identity.public_key().view()) +
                         ", or correct the number in the feeder's file");
        await_gate(out);
    }

    void on(const RulesFinal& final, Outputs& out) {
        const auto parameters = market::Parameters::decode(final.market_parameters);
        KILTER_CHECK(parameters.ok(), "the log holds market parameters that do not decode");
        if (*parameters != charter.parameters || parameters_due) {
            parameters_due = *parameters;
            out.tell(Severity::notable,
                     "market parameters " +
                         short_hex(crypto::digest("market", final.market_parameters).view()) +
                         " hold from the next session on");
        }
        if (stopped == final.stopped) return;
        stopped = final.stopped;
        followed.reset();
        if (!stopped) {
            out.tell(Severity::notable, "the market resumes: sessions open again");
            turn.resume();
            return await_gate(out);
        }
        const std::string why =
            "the market is stopped by case " + std::to_string(*stopped) + " of the docket";
        if (chaired) return give_up(why, out);
        out.tell(Severity::notable, why + ": no session opens");
        await_gate(out);
    }

    void on(const MembersFinal& final, Outputs& out) {
        charter.members = final.members;
        const auto own = charter.index();
        follow_hosts();
        naming.follow(own.value_or(0), charter.members.size());
        if (!own && chaired)
            return give_up("this coordinator does not order the log any more", out);
        if (!chaired) await_gate(out);
    }

    void on(const ClearedNetFinal& final, Outputs& out) {
        const settlement::ClearedNet& record = final.record;
        if (settlement::feeder_of(record.net) != charter.network.number) return;
        if (!turn.can_be_cleared(record.interval, now))
            return out.tell(Severity::wrong,
                            "coordinator " + short_hex(final.author.view()) +
                                " recorded interval " + std::to_string(record.interval) +
                                ", whose gate is not open: not followed; compare both clocks");
        fruitless = 0;
        if (followed && record.interval >= followed->id().interval) learn_from_followed(record);
        turn.on_record(record.interval, host(final.author));
        warm_start.on_record(record.interval, record.net, record.prices_micro_eur_per_kwh);
        if (!chaired) return await_gate(out);
        const market::SessionId session{record.interval, record.opening};
        if (final.author == charter.identity.public_key() && session == chaired->id()) {
            if (finalising() && records->on_final(record.net)) end(out);
        } else if (record.interval >= chaired->id().interval) {
            give_up("coordinator " + short_hex(final.author.view()) + " has cleared its interval",
                    out);
        }
    }

    // The next session starts where this one ended, whoever opens it.
    void learn_from_followed(const settlement::ClearedNet& record) {
        const market::SessionId session{record.interval, record.opening};
        auto cleared = followed->take_cleared();
        if (cleared && followed->ready() && session == followed->id())
            warm_start.on_cleared(record.interval, followed->nets(), std::move(cleared->warm));
        followed.reset();
    }

    void on(const TimerElapsed& elapsed, Outputs& out) {
        switch (elapsed.timer) {
            case Timer::gate:
            case Timer::gather:
                return gather_or_open(out);
            case Timer::takeover:
                return on_takeover(out);
            case Timer::presence:
                return on_presence(out);
            case Timer::resend:
                if (clearing()) chaired->repeat(out);
                return;
            case Timer::silence:
                if (clearing()) drive(market::SilenceElapsed{}, out);
                return;
            case Timer::deadline:
                if (clearing()) drive(market::DeadlineElapsed{}, out);
                return;
            case Timer::signatures:
                if (signing()) append(out);
                return;
            case Timer::finality:
                if (finalising())
                    give_up(std::to_string(records->open()) + " records did not become final", out);
                return;
        }
    }

    void on(const MessageReceived& received, Outputs& out) {
        if (const auto* greeting = std::get_if<wire::Hello>(&received.message))
            on_hello(received.from, *greeting, out);
        else if (const auto* share = std::get_if<wire::Share>(&received.message))
            on_share(received.from, *share, out);
        else if (const auto* clearing = std::get_if<wire::ClearingShare>(&received.message))
            on_clearing_share(received.from, *clearing, out);
        else if (const auto* journal = std::get_if<wire::SessionJournal>(&received.message))
            on_journal(received.from, *journal, out);
    }

    // From the host that acts, of its session; or from one that has taken this one's over.
    void on_journal(const crypto::PublicKey& from,
                    const wire::SessionJournal& message,
                    Outputs& out) {
        const auto peer = host(from);
        const auto piece = decode_piece(message);
        if (!may_chair() || stopped || !peer || *peer == own_host() || !piece) return;
        if (chaired) {
            if (piece->session == chaired->id() && piece->generation > chaired->generation())
                give_up("coordinator " + short_hex(from.view()) + " has taken it over", out);
            return;
        }
        if (turn.on_presence_of(*peer, now)) await_gate(out);
        if (*peer != turn.acting() || turn.is_recorded(piece->session.interval)) return;
        if (!followed || followed->id() != piece->session) {
            if (piece->iteration != 0 || piece->index != 0) return;
            follow_parameters();
            followed.emplace(piece->session);
        }
        followed->on_piece(*piece, charter, *attendance, now);
    }

    void on_hello(const crypto::PublicKey& from, const wire::Hello& greeting, Outputs& out) {
        if (!attendance || greeting.chain != charter.chain ||
            greeting.roster_epoch != attendance->directory()->epoch() ||
            !attendance->directory()->find(from))
            return;
        if (charter.members.index_of(from)) {
            const auto peer = host(from);
            if (peer && !chaired && turn.on_presence_of(*peer, now)) await_gate(out);
        } else if (attendance->on_greeting(from) && gathering_since && !chaired &&
                   attendance->missing(now).empty()) {
            gather_or_open(out);
        }
    }

    void on_share(const crypto::PublicKey& from, const wire::Share& share, Outputs& out) {
        if (!chaired || share.session != chaired->id() ||
            chaired->directory()->find(from) != share.share.from)
            return;
        if (clearing()) return drive(market::ShareReceived{share.share}, out);
        if (chaired->on_regret(share.share)) return;
        // It has not heard that the session is over.
        chaired->repeat_to(share.share.from, share.share.net, out);
    }
};

Result<FeederHost> FeederHost::create(const crypto::Identity& identity,
                                      settlement::Genesis genesis,
                                      model::Network network,
                                      Pace pace,
                                      ByteView memory) {
    auto charter = Charter::create(identity, std::move(genesis), std::move(network));
    if (!charter) return charter.error();
    std::optional<std::uint32_t> named;
    if (!memory.empty()) {
        ByteReader in(memory);
        named = in.u32();
        if (!in.complete())
            return Error{
                "what this coordinator remembers of its sessions does not decode: its state "
                "directory is damaged or another version's; restore it"};
    }
    return FeederHost(std::make_unique<State>(std::move(*charter), pace, named));
}

Outputs FeederHost::step(const Input& input, UnixMs now) {
    Outputs out;
    state_->now = now;
    std::visit([&](const auto& concrete) { state_->on(concrete, out); }, input);
    return out;
}

std::string FeederHost::explain() const {
    const State& state = *state_;
    if (!state.charter.index())
        return "following the log: its coordinators have not made this one a member, or not any "
               "more "
               "('kilter members')";
    if (!state.attendance) return "waiting for the operator's roster on the log";
    if (!state.attendance->chair())
        return "following the log: the roster does not name this coordinator for feeder " +
               std::to_string(state.charter.network.number) + " (" + state.charter.network.name +
               ")";
    if (state.stopped)
        return "the market is stopped by case " + std::to_string(*state.stopped) +
               " of the docket: waiting for it to resume";
    if (state.clearing())
        return "clearing " + state.session_name() + ", iteration " +
               std::to_string(state.chaired->iteration()) + ", waiting for " +
               std::to_string(state.chaired->awaited()) + " homes";
    if (state.signing()) return "collecting signatures of " + state.session_name();
    if (state.finalising())
        return "waiting for " + std::to_string(state.records->open()) + " records of " +
               state.session_name() + " to become final";
    if (state.finished()) return "all intervals asked for are final";
    if (state.turn.mine()) return "waiting for the next gate";
    return "standing by for " + state.acting_name();
}

bool FeederHost::finished() const {
    return state_->finished();
}

FeederHost::FeederHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

FeederHost::~FeederHost() = default;
FeederHost::FeederHost(FeederHost&&) noexcept = default;
FeederHost& FeederHost::operator=(FeederHost&&) noexcept = default;

}  // namespace kilter::coordinator
