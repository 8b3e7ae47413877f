#include "agent/core/gateway.hpp"

#include <algorithm>

#include "agent/core/gateway_state.hpp"
#include "agent/core/interim.hpp"
#include "agent/core/place.hpp"
#include "common/consensus/light_client.hpp"
#include "common/consensus/message.hpp"
#include "common/market/clearing.hpp"
#include "common/settlement/certified_roster.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::agent {

namespace {

constexpr std::uint32_t greet_first_ms = 50;
constexpr std::uint32_t greet_seldom_ms = 5'000;
constexpr unsigned greetings_counted = 20;  // by then it is seldom

std::uint32_t greet_again_ms(unsigned greetings) {
    return std::min(greet_waiting_ms << std::min(greetings / 2, greetings_counted),
                    greet_seldom_ms);
}

}  // namespace

Result<Gateway> Gateway::create(const crypto::Identity& identity,
                                settlement::Genesis genesis,
                                Forecast forecast,
                                const Memory& memory,
                                const crypto::Identity* meter) {
    auto charter = Charter::create(identity, std::move(genesis));
    if (!charter) return charter.error();
    auto known = recall(*charter, memory);
    if (!known) return known.error();
    auto outbox = Outbox::recall(memory);
    if (!outbox) return outbox.error();
    auto backlog = Backlog::recall(memory);
    if (!backlog) return backlog.error();
    std::optional<MeterDesk> desk;
    if (meter != nullptr) {
        auto made = MeterDesk::recall(*meter, charter->genesis.chain_id(), memory);
        if (!made) return made.error();
        desk.emplace(std::move(*made));
    }
    return Gateway(std::make_unique<State>(std::move(*charter), std::move(forecast),
                                           std::move(*known), std::move(*outbox),
                                           std::move(*backlog), std::move(desk)));
}

Outputs Gateway::step(const Input& input, UnixMs now) {
    Outputs out;
    state_->now = now;
    // A clock that is set back was wrong before: what began by it then began no later than now.
    state_->began = std::min(state_->began.value_or(now), now);
    std::visit([&](const auto& concrete) { state_->on(concrete, out); }, input);
    return out;
}

std::uint64_t Gateway::roster_epoch() const {
    return state_->known.epoch;
}

consensus::Epoch Gateway::log_epoch() const {
    return state_->charter.epochs.newest();
}

bool Gateway::is_coordinator(const crypto::PublicKey& key) const {
    return state_->charter.is_validator(key);
}

RulesReport Gateway::rules() const {
    const State& state = *state_;
    return {state.known.rules.edition(),
            governance::market_digest(state.known.rules.now().market_parameters),
            state.charter.parameters_digest, state.stopped};
}

InterimReport Gateway::interim() const {
    return {state_->backlog.size(), state_->backlog.newest(), state_->coordinator_heard};
}

std::optional<std::string> Gateway::reached_at() const {
    const auto& place = state_->known.place;
    if (!place) return std::nullopt;
    return place->directory->at(place->self).endpoint;
}

std::string Gateway::explain() const {
    const State& state = *state_;
    const std::string epoch = "roster epoch " + std::to_string(state.known.epoch);
    if (state.known.revoked)
        return "this home's key was revoked in " + epoch +
               " and trades no more; for a new key see 'kilter-agent enroll --help'";
    if (!state.known.place)
        return state.known.epoch == 0
                   ? "waiting for a coordinator to show the roster: the operator has to grant this "
                     "home a certificate first"
                   : epoch +
                         " does not name this home: waiting until the operator grants it a "
                         "certificate";
    if (!state.known.place->directory->at(state.known.place->self).valid_at(state.now))
        return "this home's certificate has expired: waiting until the operator renews it";
    if (state.stopped)
        return "the market is stopped by case " + std::to_string(*state.stopped) +
               " of the docket: waiting for it to resume";
    if (state.active)
        return (state.active->interim()
                    ? "no coordinator has opened the next interval: agreeing with the net's homes "
                      "alone: session "
                    : "agreeing with the net on prices: session ") +
               market::name_of(state.active->id()) + ", iteration " +
               std::to_string(state.active->session().iteration()) + ", waiting for " +
               std::to_string(awaited().size()) + " members";
    if (state.known.accord)
        return "agreed with the net's homes alone on session " +
               market::name_of(state.known.accord->session()) + ": waiting for the signatures of " +
               std::to_string(state.known.accord->missing().size()) + " homes";
    if (!state.backlog.empty())
        return "trading with the net's homes alone, within what the last session with the feeder "
               "left them: " +
               std::to_string(state.backlog.size()) +
               " cleared intervals wait for a coordinator to put them on the log; last: " +
               state.last_word;
    if (!state.known.agreed.empty())
        return "waiting for the record of session " +
               market::name_of(state.known.agreed.newest().session) + " on the log";
    return "waiting for the next session; last: " + state.last_word;
}

std::vector<crypto::PublicKey> Gateway::awaited() const {
    const State& state = *state_;
    std::vector<crypto::PublicKey> out;
    if (!state.known.place)
        for (const auto& validator : state.charter.validators().validators)
            out.push_back(validator.key);
    else if (state.active)
        out = state.active->awaited();
    else if (state.known.accord)
        out = state.known.accord->missing();
    else if (!state.known.agreed.empty())
        out.push_back(state.heir.value_or(state.known.agreed.newest().chair));
    return out;
}

// ---- inputs ------------------------------------------------------------------------------------

void Gateway::State::on(const Started&, Outputs& out) const {
    out.persist[chain_key] = to_bytes(charter.chain.view());
    out.peers = peers();
    out.timers.push_back({Timer::greet, greet_first_ms});
    if (!outbox.empty() || !backlog.empty()) out.timers.push_back({Timer::append, append_again_ms});
    if (known.accord) out.timers.push_back({Timer::resend, charter.parameters.resend_ms()});
    out.timers.push_back({Timer::interim, next_look_ms()});
}

void Gateway::State::on(const TimerElapsed& elapsed, Outputs& out) {
    switch (elapsed.timer) {
        case Timer::greet:
            return on_greet(out);
        case Timer::resend:
            return on_resend(out);
        case Timer::deadline:
            if (active) drive(market::DeadlineElapsed{}, out);
            return;
        case Timer::append:
            return on_append(out);
        case Timer::interim:
            return on_interim(out);
        case Timer::silence:
            if (active && active->chairs()) drive(market::SilenceElapsed{}, out);
            return;
    }
}

void Gateway::State::on(const MessageReceived& received, Outputs& out) {
    const auto& from = received.from;
    if (charter.is_validator(from)) {
        coordinator_heard = now;
        if (!first_heard) first_heard = now;
    }
    if (const auto* certified_entry = std::get_if<wire::CertifiedEntry>(&received.message))
        on_certified(from, *certified_entry, out);
    else if (const auto* update = std::get_if<wire::RosterUpdate>(&received.message))
        on_roster(from, *update, out);
    else if (const auto* rules = std::get_if<wire::RulesUpdate>(&received.message))
        on_rules(from, *rules, out);
    else if (const auto* log = std::get_if<wire::ConsensusMessage>(&received.message))
        on_log(*log, out);
    else if (const auto* open = std::get_if<wire::SessionOpen>(&received.message))
        on_open(from, *open, out);
    else if (const auto* share = std::get_if<wire::Share>(&received.message))
        on_share(from, *share, out);
    else if (const auto* excluded = std::get_if<wire::SessionExcluded>(&received.message))
        on_excluded(from, *excluded, out);
    else if (const auto* interim = std::get_if<wire::InterimOpen>(&received.message))
        on_interim_open(from, *interim, out);
    else if (const auto* part = std::get_if<wire::ClearingShare>(&received.message))
        on_part(from, *part, out);
    else if (const auto* record = std::get_if<wire::InterimRecord>(&received.message))
        on_interim_record(*record, out);
    else if (const auto* refusal = std::get_if<wire::Refusal>(&received.message))
        tell(out, Severity::notable, short_hex(from.view()) + " refused: " + refusal->reason);
    else if (const auto* hello = std::get_if<wire::Hello>(&received.message);
             hello != nullptr && charter.is_validator(from))
        on_hello(from, *hello, out);
}

// A coordinator asks whether this home is ready. For a roster that is news, homes turn to each its own coordinator.
void Gateway::State::on_hello(const crypto::PublicKey& from,
                              const wire::Hello& hello,
                              Outputs& out) const {
    greet(from, out);
    if (hello.roster_epoch > known.epoch && first_asked() != from) greet(first_asked(), out);
}

const crypto::PublicKey& Gateway::State::first_asked(std::size_t later) const {
    const auto& coordinators = charter.validators().validators;
    return coordinators[(charter.identity.public_key().bytes[0] + later) % coordinators.size()].key;
}

void Gateway::State::on(const PeersConnected&, Outputs& out) {
    connected = true;
    greet(out);
}

// ---- greeting ----------------------------------------------------------------------------------

void Gateway::State::greet(const crypto::PublicKey& coordinator, Outputs& out) const {
    if (!known.place || connected)
        out.send.push_back(
            {coordinator, wire::Hello{charter.chain, known.epoch, known.rules.edition()}});
}

void Gateway::State::greet(Outputs& out) const {
    for (const auto& validator : charter.validators().validators)
        greet(validator.key, out);
}

void Gateway::State::on_greet(Outputs& out) {
    greet(first_asked(asked++), out);
    if (!known.agreed.empty()) send_clearing_share(out);
    if (postponed && (known.agreed.empty() || now - postponed_since >= record_patience_ms()))
        return join_postponed(out);
    if (known.place && known.agreed.empty()) return;
    greetings = std::min(greetings + 1, greetings_counted);
    std::uint32_t again_ms = greet_again_ms(greetings);
    if (postponed) again_ms = std::max(1U, record_patience_ms() / 4);
    out.timers.push_back({Timer::greet, again_ms});
}

std::vector<Peer> Gateway::State::peers() const {
    std::vector<Peer> out;
    for (const auto& validator : charter.validators().validators)
        out.push_back({validator.key, validator.endpoint});
    if (!known.place) return out;
    const settlement::Directory& directory = *known.place->directory;
    for (const PartyId home : directory.homes(known.place->net))
        if (home != known.place->self)
            out.push_back({directory.at(home).key, directory.at(home).endpoint});
    return out;
}

// ---- certified entries -------------------------------------------------------------------------

void Gateway::State::on_certified(const crypto::PublicKey& from,
                                  const wire::CertifiedEntry& message,
                                  Outputs& out) {
    auto receipt = consensus::decode_receipt(message.receipt);
    if (!receipt) {
        tell(out, Severity::wrong,
             short_hex(from.view()) +
                 " sent a proof that cannot be read: " + receipt.error().message);
        return;
    }
    const consensus::EntryPtr entry = consensus::seal(receipt->entry);
    const bool is_record = entry->entry.type == settlement::cleared_net_entry;
    if (!is_record && !outbox.awaits(entry->id)) return;
    const ProvedEntry claim{entry->leaf, consensus::hash(receipt->header)};
    if (auto reason = claim == proved ? charter.fault(receipt->header) : charter.fault(*receipt)) {
        tell(out, Severity::wrong,
             short_hex(from.view()) + " sent an entry without a valid proof (" + *reason +
                 "); ignored");
        return;
    }
    learn_epochs(receipt->epochs, out);
    known.rules.reached(receipt->header.height);
    heed_rules(out);
    if (!is_record) return outbox.settle(entry->id, out);
    proved = claim;
    const std::size_t waiting = backlog.size();
    on_record(*receipt, message.receipt, out);
    const bool ours = entry->entry.author == charter.identity.public_key();
    if (ours && backlog.size() < waiting) submit_backlog(from, out);
}

void Gateway::State::on_rules(const crypto::PublicKey& from,
                              const wire::RulesUpdate& update,
                              Outputs& out) {
    auto certified = settlement::certified_docket(charter.genesis, update.proof);
    if (!certified)
        return tell(out, Severity::wrong,
                    short_hex(from.view()) + " sent rules that are not the log's (" +
                        certified.error().message + "); ignored");
    if (auto reason = charter.fault(certified->header))
        return tell(
            out, Severity::wrong,
            short_hex(from.view()) + " sent rules that count no more (" + *reason + "); ignored");
    learn_epochs(certified->epochs, out);
    const std::uint64_t before = known.rules.edition();
    if (!known.rules.take(*std::move(certified))) return;
    out.persist[rules_key] = update.proof;
    if (known.rules.edition() != before)
        tell(out, Severity::routine,
             "edition " + std::to_string(known.rules.edition()) + " of the rules, proof checked");
    heed_rules(out);
}

void Gateway::State::on_log(const wire::ConsensusMessage& message, Outputs& out) {
    const auto decoded = consensus::decode(message.payload);
    const auto* proof = decoded ? std::get_if<consensus::EpochProof>(&*decoded) : nullptr;
    if (proof == nullptr || proof->end.header.epoch != charter.epochs.newest()) return;
    std::vector<consensus::EpochProof> proofs = charter.epochs.proofs_after(0);
    proofs.push_back(*proof);
    learn_epochs(proofs, out);
}

void Gateway::State::learn_epochs(const std::vector<consensus::EpochProof>& proofs, Outputs& out) {
    if (!charter.epochs.learn(proofs)) return;
    out.persist[epochs_key] = encode(charter.epochs.proofs_after(0));
    out.peers = peers();
    connected = false;
    greetings = 0;
    tell(out, Severity::notable,
         "epoch " + std::to_string(charter.epochs.newest()) + " of the log: " +
             std::to_string(charter.validators().size()) + " coordinators, proof checked");
}

void Gateway::State::heed_rules(Outputs& out) {
    const auto now_stopped = known.rules.now().stopped;
    if (now_stopped == stopped) return;
    stopped = now_stopped;
    if (!stopped) {
        tell(out, Severity::notable, "the market resumes");
        return greet(out);
    }
    drop_session(out);
    tell(out, Severity::notable,
         "the market is stopped by case " + std::to_string(*stopped) +
             " of the docket: no session is joined and no set-point given until it resumes");
}

void Gateway::State::drop_session(Outputs& out) {
    active.reset();
    postponed.reset();
    early.clear();
    if (known.accord) drop_accord(out);
    for (const Timer timer : {Timer::deadline, Timer::resend, Timer::silence})
        out.timers.push_back({timer, 0});
}

void Gateway::State::on_roster(const crypto::PublicKey& from,
                               const wire::RosterUpdate& update,
                               Outputs& out) {
    auto certified = settlement::certified_roster(charter.epochs, update.receipt, update.roster);
    if (!certified)
        return tell(out, Severity::wrong,
                    short_hex(from.view()) + " sent a roster that is not the log's (" +
                        certified.error().message + "); ignored");
    if (auto reason = charter.fault(certified->header))
        return tell(out, Severity::wrong,
                    short_hex(from.view()) + " sent a roster that counts no more (" + *reason +
                        "); ignored");
    learn_epochs(certified->epochs, out);
    const std::uint64_t epoch = certified->roster.epoch;
    if (epoch < known.epoch)
        return tell(out, Severity::notable,
                    short_hex(from.view()) + " sent roster epoch " + std::to_string(epoch) +
                        ", this home has " + std::to_string(known.epoch) + "; ignored");
    if (epoch == known.epoch) return;
    const bool traded = known.place.has_value();
    known.epoch = epoch;
    known.revoked = false;
    known.place.reset();
    // Together: a roster from the bundle has brought the epochs along, and a short receipt in its place needs them.
    out.persist[roster_key] = encode(update);
    out.persist[epochs_key] = encode(charter.epochs.proofs_after(0));
    auto place = Place::on(std::move(certified->roster), charter.identity);
    if (!place) {
        leave(traded, certified->change, out);
        return;
    }
    known.place = std::move(*place);
    out.peers = peers();
    connected = false;
    greetings = 0;
    const NetId net = known.place->net;
    const std::size_t homes = known.place->directory->homes(net).size();
    tell(out, Severity::routine,
         "roster epoch " + std::to_string(epoch) + ": net " + settlement::name_of(net) + " with " +
             std::to_string(homes) + " homes");
    if (homes < 3)
        tell(out, Severity::notable,
             "fewer than three homes on this net: the operator can tell their sum from little "
             "else");
    publish_reads(out);
}

void Gateway::State::leave(bool traded, const settlement::RosterChange& change, Outputs& out) {
    drop_session(out);
    out.timers.push_back({Timer::greet, greet_waiting_ms});
    out.peers = peers();
    known.revoked = revokes(change, charter.identity.public_key());
    const std::string epoch = "roster epoch " + std::to_string(known.epoch);
    if (known.revoked)
        tell(out, Severity::wrong,
             epoch +
                 " revokes this home's key: it trades no more. To come back it needs a new key: "
                 "move the key file away, run 'kilter-agent enroll' and ask the operator");
    else if (traded)
        tell(out, Severity::wrong,
             epoch +
                 " does not name this home any more: it cannot trade until the operator grants "
                 "it a certificate again");
    else
        tell(out, Severity::notable,
             epoch + " does not name this home (key " +
                 short_hex(charter.identity.public_key().view()) +
                 ") yet: it waits until the operator grants it a certificate");
}

void Gateway::State::on_record(const consensus::Receipt& receipt,
                               const Bytes& bytes,
                               Outputs& out) {
    const auto record = settlement::decode_cleared_net(receipt.entry.body);
    if (!record || !known.place || record->net != known.place->net) return;
    const bool forgotten = heed_own_signature(*record, out);
    if (record->roster_epoch > std::max(recorded_epoch, known.epoch)) {
        recorded_epoch = record->roster_epoch;
        greet(out);
    }
    const bool with_feeder = record->outcome != settlement::Outcome::interim;
    const auto settled = backlog.settle(*record, out);
    const bool told_again = known.certified && record->interval <= *known.certified;
    if (!with_feeder && (!told_again || settled != Backlog::Settled::unknown))
        on_recorded(*record, settled, out);
    if (told_again) return;
    known.certified = record->interval;
    out.persist[certified_key] = encode_interval(record->interval);
    if (with_feeder) {
        const auto* schedule = known.plans.find({record->interval, record->opening});
        known.base = Base{*record, bytes, schedule ? *schedule : std::vector<double>{}};
        out.persist[base_key] = bytes;
        if (!forgotten) dispatch(*record, out);
    }
    if (active && active->interim() && active->id().interval <= record->interval) drop_session(out);
    if (known.accord && known.accord->interval() <= record->interval) drop_accord(out);
    if (known.agreed.settle(record->interval)) out.persist[pending_key] = known.agreed.encode();
    if (known.agreed.empty()) out.timers.push_back({Timer::greet, 0});
    if (last) out.report = last;
    // In a step of its own: first the devices move to the set-point of this one.
    if (postponed) out.timers.push_back({Timer::greet, 1});
}

bool Gateway::State::heed_own_signature(const settlement::ClearedNet& record, Outputs& out) {
    const auto is_own = [&](const auto& member) {
        return member.key == charter.identity.public_key();
    };
    const auto kind = [](std::uint32_t opening) { return opening & interim_opening; };
    const auto is_as_new = [&](const auto& joined) {
        return kind(joined.second.opening) == kind(record.opening) &&
               joined.second.opening >= record.opening;
    };
    if (std::ranges::none_of(record.members, is_own) ||
        std::ranges::any_of(known.joined, is_as_new))
        return false;
    const market::SessionId session{record.interval, record.opening};
    // Under whom it was does not matter: nothing that was opened before this process is joined. Nobody has the empty key.
    const bool alone = record.outcome == settlement::Outcome::interim;
    known.joined[alone ? charter.identity.public_key() : crypto::PublicKey{}] = session;
    out.persist[joined_key] = encode(known.joined);
    if (desk) desk->begin_anew(out);
    tell(out, Severity::notable,
         "session " + market::name_of(session) +
             " on the log has this home's signature, and this home does not remember it: what it "
             "remembers was put back from an older copy, or lost. It goes on from what the log "
             "says; reads of the time between are not known here");
    return true;
}

void Gateway::State::dispatch(const settlement::ClearedNet& record, Outputs& out) {
    const auto mine = std::find_if(
        record.members.begin(), record.members.end(),
        [&](const auto& member) { return member.key == charter.identity.public_key(); });
    if (mine == record.members.end())
        return tell(
            out, Severity::notable,
            "interval " + std::to_string(record.interval) + " was cleared without this home");
    if (stopped)
        return tell(out, Severity::notable,
                    "the record of interval " + std::to_string(record.interval) +
                        " came after the market was stopped: nothing is dispatched from it");
    const Agreement* agreement = known.agreed.matching(record, mine->commitment);
    if (agreement == nullptr) {
        const Bytes statement = settlement::clearing_statement(
            charter.genesis.chain_id(), record.interval, record.opening, record.net,
            record.iteration, record.prices_micro_eur_per_kwh, mine->commitment);
        const bool signed_it = crypto::verify(mine->key, statement, mine->signature);
        if (signed_it && desk) desk->begin_anew(out);
        return tell(out, signed_it ? Severity::notable : Severity::wrong,
                    "the record of interval " + std::to_string(record.interval) +
                        (signed_it ? " has this home's signature, and this home does not remember "
                                     "to have agreed to it"
                                   : " is not what this home agreed to") +
                        "; nothing is dispatched from it");
    }
    const bool in_time = follow({agreement->session.interval, agreement->consumption_kw}, out);
    if (!agreement->positions_wh.empty()) publish(*agreement, record, out);
    if (last && last->session == agreement->session) last->certified = true;
    tell(out, in_time ? Severity::routine : Severity::notable,
         "session " + market::name_of(agreement->session) + " is on the log, proof checked" +
             (in_time ? "" : "; too late for the devices, which had to do without it"));
}

bool Gateway::State::follow(const Setpoint& setpoint, Outputs& out) {
    if (known.driven && setpoint.interval <= *known.driven) return false;
    known.driven = setpoint.interval;
    out.persist[driven_key] = encode_interval(setpoint.interval);
    out.setpoint = setpoint;
    return true;
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() = default;
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;

}  // namespace kilter::agent
