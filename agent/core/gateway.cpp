#include "agent/core/gateway.hpp"

#include <algorithm>

#include "agent/core/gateway_state.hpp"
#include "agent/core/place.hpp"
#include "common/consensus/light_client.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

constexpr std::uint32_t greet_first_ms = 50;
constexpr int eager_greetings = 20;  // while something is missing; then it may be missing for long
constexpr std::uint32_t greet_seldom_ms = 5'000;
constexpr int record_patience = 6;  // greetings a new session waits for the record of the last one

}  // namespace

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

// ---- inputs ------------------------------------------------------------------------------------

void Gateway::State::on(const Started&, Outputs& out) const {
    out.peers = peers();
    out.timers.push_back({Timer::greet, greet_first_ms});
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
    }
}

void Gateway::State::on(const MessageReceived& received, Outputs& out) {
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
    else if (std::holds_alternative<wire::Hello>(received.message) && charter.is_validator(from))
        greet(from, out);
}

void Gateway::State::on(const PeersConnected&, Outputs& out) {
    connected = true;
    greet(out);
}

// ---- greeting ----------------------------------------------------------------------------------

void Gateway::State::greet(const crypto::PublicKey& coordinator, Outputs& out) const {
    if (!known.place || connected)
        out.send.push_back({coordinator, wire::Hello{charter.chain, epoch()}});
}

void Gateway::State::greet(Outputs& out) const {
    for (const auto& validator : charter.genesis.validators.validators)
        greet(validator.key, out);
}

void Gateway::State::on_greet(Outputs& out) {
    greet(out);
    if (!known.agreed.empty()) send_clearing_share(out);
    if (postponed && (known.agreed.empty() || ++greetings_postponed >= record_patience))
        return join_postponed(out);
    if (!known.place || !known.agreed.empty())
        out.timers.push_back(
            {Timer::greet, ++greetings < eager_greetings ? greet_waiting_ms : greet_seldom_ms});
}

std::vector<Peer> Gateway::State::peers() const {
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
    if (auto reason = charter.fault(*receipt)) {
        tell(out, Severity::wrong,
             short_hex(from.view()) + " sent an entry without a valid proof (" + *reason +
                 "); ignored");
        return;
    }
    if (receipt->entry.type == settlement::roster_entry) on_roster(*receipt, message.receipt, out);
    if (receipt->entry.type == settlement::cleared_net_entry) on_record(*receipt, out);
}

void Gateway::State::on_roster(const consensus::Receipt& receipt,
                               const Bytes& encoded,
                               Outputs& out) {
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

void Gateway::State::on_record(const consensus::Receipt& receipt, Outputs& out) {
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

void Gateway::State::dispatch(const settlement::ClearedNet& record, Outputs& out) {
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

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() = default;
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;

}  // namespace kilter::agent
