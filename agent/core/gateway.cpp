#include "agent/core/gateway.hpp"

#include <algorithm>
#include <deque>

#include "agent/core/agreements.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/memory.hpp"
#include "agent/core/opening_rules.hpp"
#include "agent/core/participation.hpp"
#include "agent/core/place.hpp"
#include "common/market/clearing.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::agent {

namespace {

constexpr std::uint32_t greet_first_ms = 50;
constexpr std::uint32_t greet_waiting_ms = 250;  // while something is missing: a roster, a record
constexpr int eager_greetings = 20;              // so many; then it may be missing for long
constexpr std::uint32_t greet_seldom_ms = 5'000;
constexpr int record_patience = 6;  // greetings a new session waits for the record of the last one
constexpr std::size_t early_shares_max = 4;  // of one member

}  // namespace

struct Gateway::State {
    const Charter charter;
    const Forecast forecast;
    Remembered known;  // what changes here is persisted in the same step

    std::optional<Participation> active;
    std::optional<SessionReport> last;
    // An opening that came before the record of the interval before it: what was dispatched then
    // decides what the home can do now.
    std::optional<std::pair<crypto::PublicKey, wire::SessionOpen>> postponed;
    int greetings_postponed = 0;
    int greetings = 0;  // since something new happened
    std::map<crypto::PublicKey, std::deque<wire::Share>>
        early;               // for a session that is not open here yet
    bool connected = false;  // to all peers of this roster, as far as can be
    std::string last_word = "has just started";
    UnixMs now = 0;

    State(Charter fixed, Forecast source, Remembered before)
        : charter(std::move(fixed)), forecast(std::move(source)), known(std::move(before)) {}

    // Nine chances for a message before silence is concluded.
    [[nodiscard]] std::uint32_t resend_ms() const {
        return std::max(1U, charter.parameters.silence_ms / 10);
    }

    void tell(Outputs& out, Severity severity, std::string text) {
        last_word = text;
        out.events.push_back({severity, std::move(text)});
    }

    // ---- greeting ----------------------------------------------------------------------------------------------

    // Of the roster this home has; 0: none yet.
    [[nodiscard]] std::uint64_t epoch() const {
        return known.place ? known.place->directory->epoch() : 0;
    }

    // To say hello with the present roster is to say "ready to trade".
    void greet(const crypto::PublicKey& coordinator, Outputs& out) const {
        if (!known.place || connected)
            out.send.push_back({coordinator, wire::Hello{charter.chain, epoch()}});
    }

    void greet(Outputs& out) const {
        for (const auto& validator : charter.genesis.validators.validators)
            greet(validator.key, out);
    }

    void on_greet(Outputs& out) {
        greet(out);
        if (!known.agreed.empty()) send_clearing_share(out);
        if (postponed && (known.agreed.empty() || ++greetings_postponed >= record_patience))
            return join_postponed(out);
        if (!known.place || !known.agreed.empty())
            out.timers.push_back(
                {Timer::greet, ++greetings < eager_greetings ? greet_waiting_ms : greet_seldom_ms});
    }

    [[nodiscard]] std::vector<Peer> peers() const {
        std::vector<Peer> out;
        for (const auto& validator : charter.genesis.validators.validators)
            out.push_back({validator.key, validator.endpoint});
        if (!known.place) return out;
        const settlement::Directory& directory = *known.place->directory;
        for (const PartyId home : directory.homes(known.place->net))
            if (home != known.place->self)
                out.push_back({directory.at(home).key, directory.at(home).endpoint});
        return out;
    }

    // ---- certified entries ---------------------------------------------------------------------------------------

    void on_certified(const crypto::PublicKey& from,
                      const wire::CertifiedEntry& message,
                      Outputs& out) {
        auto receipt = consensus::decode_receipt(message.receipt);
        if (!receipt) {
            tell(out, Severity::wrong,
                 short_hex(from.view()) +
                     " sent a proof that cannot be read: " + receipt.error().message);
            return;
        }
        if (auto reason = charter.fault(*receipt)) {
            tell(out, Severity::wrong,
                 short_hex(from.view()) + " sent an entry without a valid proof (" + *reason +
                     "); ignored");
            return;
        }
        if (receipt->entry.type == settlement::roster_entry)
            on_roster(*receipt, message.receipt, out);
        if (receipt->entry.type == settlement::cleared_net_entry) on_record(*receipt, out);
    }

    void on_roster(const consensus::Receipt& receipt, const Bytes& encoded, Outputs& out) {
        auto roster = settlement::decode_roster(receipt.entry.body);
        if (!roster) return tell(out, Severity::wrong, roster.error().message);
        if (known.place && roster->epoch <= epoch()) return;
        auto place = Place::on(std::move(*roster), charter.identity);
        if (!place) return tell(out, Severity::wrong, place.error().message);
        known.place = std::move(*place);
        out.persist[roster_key] = encoded;
        out.peers = peers();
        connected = false;
        greetings = 0;
        const NetId net = known.place->net;
        const std::size_t homes = known.place->directory->homes(net).size();
        tell(out, Severity::routine,
             "roster epoch " + std::to_string(epoch()) + ": net " + std::to_string(net.value) +
                 " with " + std::to_string(homes) + " homes");
        if (homes < 3)
            tell(out, Severity::notable,
                 "fewer than three homes on this net: the operator can tell their sum from little "
                 "else");
    }

    void on_record(const consensus::Receipt& receipt, Outputs& out) {
        const auto record = settlement::decode_cleared_net(receipt.entry.body);
        if (!record || !known.place || record->net != known.place->net) return;
        if (known.certified && record->interval <= *known.certified) return;
        known.certified = record->interval;
        out.persist[certified_key] = encode_certified(record->interval);
        dispatch(*record, out);
        if (known.agreed.settle(record->interval)) out.persist[pending_key] = known.agreed.encode();
        if (known.agreed.empty()) out.timers.push_back({Timer::greet, 0});
        if (last) out.report = last;
        // In a step of its own: first the devices move to the set-point of this one.
        if (postponed) out.timers.push_back({Timer::greet, 1});
    }

    // The devices follow a record of what this home agreed to, and no other.
    void dispatch(const settlement::ClearedNet& record, Outputs& out) {
        const auto mine = std::find_if(
            record.members.begin(), record.members.end(),
            [&](const auto& member) { return member.key == charter.identity.public_key(); });
        if (mine == record.members.end())
            return tell(
                out, Severity::notable,
                "interval " + std::to_string(record.interval) + " was cleared without this home");
        const Agreement* agreement = known.agreed.matching(record, mine->commitment);
        if (agreement == nullptr)
            return tell(out, Severity::wrong,
                        "the record of interval " + std::to_string(record.interval) +
                            " is not what this home agreed to; nothing is dispatched from it");
        out.setpoint = Setpoint{agreement->session.interval, agreement->consumption_kw};
        if (last && last->session == agreement->session) last->certified = true;
        tell(out, Severity::routine,
             "session " + market::name_of(agreement->session) + " is on the log, proof checked");
    }

    // ---- a session -----------------------------------------------------------------------------------------------

    [[nodiscard]] Position position(const crypto::PublicKey& from) const {
        Position out;
        out.certified = known.certified;
        if (const auto newest = known.joined.find(from); newest != known.joined.end())
            out.joined = newest->second;
        if (active && active->chair() != from &&
            now - active->heard() < charter.parameters.silence_ms)
            out.under_way = active->id();
        return out;
    }

    [[nodiscard]] std::optional<std::string> objection_to(const crypto::PublicKey& from,
                                                          const wire::SessionOpen& open) const {
        return objection(charter, *known.place, position(from), from, open);
    }

    void on_open(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out) {
        if (!known.place || (active && active->id() == open.session)) return;
        if (postponed && postponed->second.session == open.session) return;
        if (auto reason = objection_to(from, open)) {
            const std::string text =
                "did not join session " + market::name_of(open.session) + ": " + *reason;
            if (text != last_word) tell(out, Severity::notable, text);
            if (charter.is_validator(from) && open.roster_epoch > epoch()) greet(out);
            return;
        }
        if (known.agreed.empty() || known.agreed.newest().session.interval >= open.session.interval)
            return join(from, open, out);
        postponed.emplace(from, open);
        greetings_postponed = 0;
        greetings = 0;
        on_greet(out);
    }

    void join_postponed(Outputs& out) {
        if (!postponed) return;
        const auto [from, open] = std::move(*postponed);
        postponed.reset();
        if (!objection_to(from, open)) join(from, open, out);
    }

    void join(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out) {
        const model::Home home = forecast(open.session.interval, charter.parameters.horizon);
        if (auto reason = objection(charter, home))
            return tell(out, Severity::wrong, "cannot trade: " + *reason);
        if (active)
            tell(out, Severity::notable,
                 "session " + market::name_of(active->id()) + " given up for a later one");
        active.emplace(charter, *known.place, from, open, home, known.warm, now);
        known.joined[from] = open.session;
        out.persist[joined_key] = encode(known.joined);
        last_word = "clearing session " + market::name_of(open.session);
        const market::Parameters& parameters = charter.parameters;
        out.timers.push_back({Timer::deadline, parameters.session_ms + parameters.silence_ms});
        if (known.agreed.empty()) out.timers.push_back({Timer::greet, 0});
        drive(market::Begin{}, out);

        auto waiting = std::move(early);
        early.clear();
        for (auto& [sender, shares] : waiting)
            for (wire::Share& share : shares)
                on_share(sender, std::move(share), out);
    }

    void on_share(const crypto::PublicKey& from, wire::Share share, Outputs& out) {
        if (active && share.session == active->id()) {
            if (active->admits(from, share.share, now))
                drive(market::ShareReceived{std::move(share.share)}, out);
            return;
        }
        if (!known.place || !known.place->secrets.contains(from)) return;
        const bool past = (active && share.session < active->id()) ||
                          (known.certified && share.session.interval <= *known.certified);
        if (past) return;
        auto& kept = early[from];
        kept.push_back(std::move(share));
        if (kept.size() > early_shares_max) kept.pop_front();
    }

    void drive(const market::Input& input, Outputs& out) {
        market::Outputs result = active->step(input);
        if (result.verdict == market::Verdict::contradiction ||
            result.verdict == market::Verdict::malformed)
            tell(out, Severity::wrong,
                 "a member of the net sent a share that " +
                     std::string(result.verdict == market::Verdict::contradiction
                                     ? "contradicts its earlier one"
                                     : "is malformed"));
        for (const market::MaskedShare& share : result.send)
            send(active->letters(share), out);
        if (result.progressed || !result.send.empty())
            out.timers.push_back({Timer::resend, resend_ms()});
        if (result.cleared) finish(std::move(*result.cleared), out);
    }

    static void send(std::vector<wire::Outgoing> letters, Outputs& out) {
        std::move(letters.begin(), letters.end(), std::back_inserter(out.send));
    }

    void on_resend(Outputs& out) const {
        if (!active) return;
        send(active->newest_letters(), out);
        out.timers.push_back({Timer::resend, resend_ms()});
    }

    void finish(market::Cleared cleared, Outputs& out) {
        const Participation over = std::move(*active);
        active.reset();
        out.timers.push_back({Timer::deadline, 0});
        out.timers.push_back({Timer::resend, 0});

        SessionReport report;
        report.session = over.id();
        report.outcome = cleared.outcome;
        report.iterations = cleared.iteration;
        report.rounds = cleared.rounds;
        if (cleared.outcome == market::Outcome::excluded ||
            cleared.outcome == market::Outcome::abandoned) {
            tell(out, Severity::notable,
                 "session " + market::name_of(over.id()) + ": " + cleared.explanation);
            greet(out);
        } else if (!market::plausible_prices(cleared.y_eur_per_kw.row(0), charter.interval_h())) {
            report.outcome = market::Outcome::abandoned;
            tell(out, Severity::wrong,
                 "session " + market::name_of(over.id()) +
                     " ended at prices no market has; nothing is agreed: somebody on this net "
                     "sends wrong values");
            greet(out);
        } else {
            agree(over, cleared, report, out);
        }
        last = report;
        out.report = report;
    }

    void agree(const Participation& over,
               const market::Cleared& cleared,
               SessionReport& report,
               Outputs& out) {
        const model::Series y = cleared.y_eur_per_kw.row(0);
        for (const double dual : y)
            report.price_eur_per_kwh.push_back(dual / charter.interval_h());
        known.warm = Warm{over.id().interval, cleared.warm};
        known.agreed.add(agreement_on(charter, over.id(), over.net(), over.chair(), cleared));
        out.persist[warm_key] = encode(*known.warm);
        out.persist[pending_key] = known.agreed.encode();
        greetings = 0;
        tell(out,
             cleared.outcome == market::Outcome::partial ? Severity::notable : Severity::routine,
             "session " + market::name_of(over.id()) + " cleared after " +
                 std::to_string(cleared.iteration) + " iterations" +
                 (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
        send_clearing_share(out);
        out.timers.push_back({Timer::greet, greet_waiting_ms});
    }

    void send_clearing_share(Outputs& out) const {
        const Agreement& mine = known.agreed.newest();
        out.send.push_back({mine.chair, clearing_share(charter, mine)});
    }

    void on_excluded(const crypto::PublicKey& from,
                     const wire::SessionExcluded& message,
                     Outputs& out) {
        if (active && active->id() == message.session && active->net() == message.net &&
            active->chair() == from)
            drive(market::Expelled{}, out);
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    void on(const Started&, Outputs& out) {
        out.peers = peers();
        out.timers.push_back({Timer::greet, greet_first_ms});
    }

    void on(const TimerElapsed& elapsed, Outputs& out) {
        switch (elapsed.timer) {
            case Timer::greet:
                return on_greet(out);
            case Timer::resend:
                return on_resend(out);
            case Timer::deadline:
                if (active) drive(market::DeadlineElapsed{}, out);
                return;
        }
    }

    void on(const MessageReceived& received, Outputs& out) {
        const auto& from = received.from;
        if (const auto* certified_entry = std::get_if<wire::CertifiedEntry>(&received.message))
            on_certified(from, *certified_entry, out);
        else if (const auto* open = std::get_if<wire::SessionOpen>(&received.message))
            on_open(from, *open, out);
        else if (const auto* share = std::get_if<wire::Share>(&received.message))
            on_share(from, *share, out);
        else if (const auto* excluded = std::get_if<wire::SessionExcluded>(&received.message))
            on_excluded(from, *excluded, out);
        else if (const auto* refusal = std::get_if<wire::Refusal>(&received.message))
            tell(out, Severity::notable, short_hex(from.view()) + " refused: " + refusal->reason);
        else if (std::holds_alternative<wire::Hello>(received.message) &&
                 charter.is_validator(from))
            greet(from, out);
    }

    void on(const PeersConnected&, Outputs& out) {
        connected = true;
        greet(out);
    }
};

Result<Gateway> Gateway::create(const crypto::Identity& identity,
                                settlement::Genesis genesis,
                                Forecast forecast,
                                const Memory& memory) {
    auto charter = Charter::create(identity, std::move(genesis));
    if (!charter) return charter.error();
    auto known = recall(*charter, memory);
    if (!known) return known.error();
    return Gateway(
        std::make_unique<State>(std::move(*charter), std::move(forecast), std::move(*known)));
}

Outputs Gateway::step(const Input& input, UnixMs now) {
    Outputs out;
    state_->now = now;
    std::visit([&](const auto& concrete) { state_->on(concrete, out); }, input);
    return out;
}

std::string Gateway::explain() const {
    const State& state = *state_;
    if (!state.known.place)
        return "waiting for a coordinator to show a roster that names this home";
    if (state.active) {
        const auto awaited = state.active->session().awaited();
        return "clearing session " + market::name_of(state.active->id()) + ", iteration " +
               std::to_string(state.active->session().iteration()) + ", waiting for " +
               std::to_string(awaited.front().size()) + " members of the net";
    }
    if (!state.known.agreed.empty())
        return "waiting for the record of session " +
               market::name_of(state.known.agreed.newest().session) + " on the log";
    return "waiting for the next session; last: " + state.last_word;
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() = default;
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;

}  // namespace kilter::agent
