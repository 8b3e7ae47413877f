#include <algorithm>

#include "coordinator/core/feeder_host_state.hpp"

namespace kilter::coordinator {

namespace {

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

FeederHost::State::State(Charter made, Pace local, std::optional<std::uint32_t> named)
    : charter(std::move(made)),
      pace(local),
      hosts(hosts_under(charter, {})),
      turn(local, own_host(), hosts.size(), charter.parameters),
      naming(charter.index().value_or(0), charter.members.size(), charter.genesis.time_ms, named),
      warm_start(charter.parameters) {}

std::optional<consensus::ReplicaIndex> FeederHost::State::host(const crypto::PublicKey& key) const {
    const auto found = std::find(hosts.begin(), hosts.end(), key);
    if (found == hosts.end()) return std::nullopt;
    return static_cast<consensus::ReplicaIndex>(found - hosts.begin());
}

consensus::ReplicaIndex FeederHost::State::own_host() const {
    return host(charter.identity.public_key()).value_or(0);
}

void FeederHost::State::follow_hosts() {
    const auto acting = hosts.empty() ? std::nullopt : std::optional(hosts[turn.acting()]);
    hosts =
        hosts_under(charter, attendance ? attendance->directory()->roster() : settlement::Roster{});
    turn.follow(own_host(), std::max<std::size_t>(1, hosts.size()),
                acting ? host(*acting) : std::nullopt);
}

std::string FeederHost::State::acting_name() const {
    const auto index =
        hosts.empty() ? std::nullopt : charter.members.index_of(hosts[turn.acting()]);
    return "coordinator " + (index ? std::to_string(*index) : "(none)");
}

bool FeederHost::State::may_chair() const {
    return attendance && attendance->chair() && charter.index();
}

bool FeederHost::State::may_open() const {
    return may_chair() && !chaired && !finished() && !stopped;
}

std::string FeederHost::State::session_name() const {
    return "session " + market::name_of(chaired->id());
}

wire::Hello FeederHost::State::hello() const {
    return {charter.chain, attendance->directory()->epoch(), 0};
}

void FeederHost::State::await_gate(Outputs& out) {
    gathering_since.reset();
    out.cancel({Timer::gate, Timer::gather, Timer::takeover});
    if (!may_open()) return;
    const std::uint32_t pause_ms =
        fruitless > 0 ? charter.parameters.silence_ms << (fruitless - 1) : 0;
    out.arm(turn.mine() ? Timer::gate : Timer::takeover,
            std::max(std::min(turn.await_ms(now), Turn::look_again_ms), pause_ms));
    if (turn.mine()) out.arm(Timer::presence, 1);
}

void FeederHost::State::on_presence(Outputs& out) const {
    if (!may_chair() || !turn.mine() || finished() || stopped) return;
    for (const crypto::PublicKey& key : hosts)
        if (key != charter.identity.public_key()) out.send.push_back({key, hello()});
    out.arm(Timer::presence, std::max(1U, pace.takeover_ms / 4));
}

void FeederHost::State::on_takeover(Outputs& out) {
    if (!may_open()) return;
    if (turn.await_ms(now) > 1) return await_gate(out);
    if (followed && followed->ready() && followed->id().interval == turn.next_gate(now).interval)
        return succeed(out);
    out.tell(Severity::notable,
             "no record for too long: opening sessions in place of " + acting_name());
    turn.take_over();
    out.arm(Timer::presence, 1);
    gather_or_open(out);
}

void FeederHost::State::on(const RosterFinal& final, Outputs& out) {
    attendance.emplace(charter.identity,
                       std::make_shared<const settlement::Directory>(final.roster), charter.network,
                       charter.parameters);
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

void FeederHost::State::on(const RulesFinal& final, Outputs& out) {
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

void FeederHost::State::on(const MembersFinal& final, Outputs& out) {
    charter.members = final.members;
    const auto own = charter.index();
    follow_hosts();
    naming.follow(own.value_or(0), charter.members.size());
    if (!own && chaired) return give_up("this coordinator does not order the log any more", out);
    if (!chaired) await_gate(out);
}

void FeederHost::State::on(const ClearedNetFinal& final, Outputs& out) {
    const settlement::ClearedNet& record = final.record;
    if (settlement::feeder_of(record.net) != charter.network.number) return;
    if (!turn.can_be_cleared(record.interval, now))
        return out.tell(Severity::wrong,
                        "coordinator " + short_hex(final.author.view()) + " recorded interval " +
                            std::to_string(record.interval) +
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
        give_up("coordinator " + short_hex(final.author.view()) + " has cleared its interval", out);
    }
}

void FeederHost::State::learn_from_followed(const settlement::ClearedNet& record) {
    const market::SessionId session{record.interval, record.opening};
    auto cleared = followed->take_cleared();
    if (cleared && followed->ready() && session == followed->id())
        warm_start.on_cleared(record.interval, followed->nets(), std::move(cleared->warm));
    followed.reset();
}

void FeederHost::State::on(const TimerElapsed& elapsed, Outputs& out) {
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

void FeederHost::State::on(const MessageReceived& received, Outputs& out) {
    if (const auto* greeting = std::get_if<wire::Hello>(&received.message))
        on_hello(received.from, *greeting, out);
    else if (const auto* share = std::get_if<wire::Share>(&received.message))
        on_share(received.from, *share, out);
    else if (const auto* clearing = std::get_if<wire::ClearingShare>(&received.message))
        on_clearing_share(received.from, *clearing, out);
    else if (const auto* journal = std::get_if<wire::SessionJournal>(&received.message))
        on_journal(received.from, *journal, out);
}

void FeederHost::State::on_journal(const crypto::PublicKey& from,
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

void FeederHost::State::on_hello(const crypto::PublicKey& from,
                                 const wire::Hello& greeting,
                                 Outputs& out) {
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

void FeederHost::State::on_share(const crypto::PublicKey& from,
                                 const wire::Share& share,
                                 Outputs& out) {
    if (!chaired || share.session != chaired->id() ||
        chaired->directory()->find(from) != share.share.from)
        return;
    if (clearing()) return drive(market::ShareReceived{share.share}, out);
    if (chaired->on_regret(share.share)) return;
    // It has not heard that the session is over.
    chaired->repeat_to(share.share.from, share.share.net, out);
}

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
