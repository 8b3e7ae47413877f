#include "coordinator/core/chaired.hpp"

#include <algorithm>

#include "common/market/clearing.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/hosts.hpp"
#include "coordinator/core/journal.hpp"

namespace kilter::coordinator {

namespace {

std::uint32_t terminals_of(const std::vector<market::Seat>& seats) {
    std::size_t out = 0;
    for (const market::Seat& seat : seats)
        out += seat.members.size();
    return static_cast<std::uint32_t>(out);
}

// The feeder with those of its nets only that trade in this session.
std::unique_ptr<prox::Feeder> device_for(const Charter& charter,
                                         const std::vector<NetId>& nets,
                                         IntervalIndex interval) {
    model::Network trading = charter.network;
    trading.nets.clear();
    for (const NetId net : nets)
        trading.nets.push_back(charter.network.nets[settlement::position_of(net)]);
    model::FeederHorizon series = model::horizon_of(trading, interval, charter.parameters.horizon,
                                                    charter.parameters.interval_s);
    return std::make_unique<prox::Feeder>(std::move(trading), std::move(series));
}

std::vector<wire::SessionOpen> openings_of(const Charter& charter,
                                           const market::Terms& terms,
                                           std::uint64_t roster_epoch,
                                           const std::vector<market::Seat>& seats,
                                           const market::WarmState& start,
                                           UnixMs now) {
    std::vector<wire::SessionOpen> out;
    for (std::size_t i = 0; i < seats.size(); ++i) {
        wire::SessionOpen message;
        message.session = terms.id;
        message.chair = terms.chair;
        message.net = seats[i].net;
        message.members = seats[i].members;
        message.roster_epoch = roster_epoch;
        message.parameters = charter.parameters_digest;
        message.rho_eur_per_kw2 = terms.rho_eur_per_kw2;
        message.terminals = terms.terminals;
        const auto y = market::terminal_values(start.y_eur_per_kw, i, charter.parameters);
        message.start_dual_eur_per_kw.assign(y.begin(), y.end());
        message.opened_ms = std::max<UnixMs>(0, now);
        message.signature = charter.identity.sign(wire::signing_bytes(message, charter.chain));
        out.push_back(std::move(message));
    }
    return out;
}

std::shared_ptr<const crypto::PairwiseMasks> masks_for(const Charter& charter,
                                                       const market::SessionId& id,
                                                       const Attendance& attendance,
                                                       const std::vector<market::Seat>& seats) {
    const PartyId chair = *attendance.chair();
    std::map<PartyId, crypto::SharedSecret> secrets;
    for (const market::Seat& seat : seats)
        for (const market::Member& member : seat.members)
            if (member.party != chair)
                secrets.emplace(member.party, attendance.secret_with(member.party));
    return std::make_shared<const crypto::PairwiseMasks>(
        chair, market::session_bytes(charter.chain.view(), id), std::move(secrets));
}

// Where the chair sets prices, nets without a known price start at the tie's.
market::WarmState priced(market::WarmState start,
                         const prox::FeederNewton& device,
                         const Charter& charter) {
    if (charter.parameters.method != market::Method::proximal)
        start.start_unpriced_at(device.marginal_price());
    return start;
}

}  // namespace

Chaired::Chaired(const Charter& charter,
                 market::SessionId id,
                 const Attendance& attendance,
                 const std::vector<market::Seat>& seats,
                 const market::WarmState& start,
                 UnixMs now,
                 Place place)
    : charter_(charter),
      terms_{id,
             charter.parameters,
             start.rho_eur_per_kw2,
             terminals_of(seats),
             *attendance.chair(),
             settlement::hosts_of(
                 *attendance.directory(), charter.members, charter.network.number, id.opening)},
      directory_(attendance.directory()),
      nets_(nets_of(seats)),
      device_(device_for(charter, nets_, id.interval)),
      pricing_(std::make_unique<prox::FeederNewton>(*device_)),
      seats_(seats),
      session_(terms_,
               terms_.chair,
               seats,
               *pricing_,
               masks_for(charter, id, attendance, seats),
               priced(start, *pricing_, charter)) {
    report_.session = id;
    report_.started_ms = now;
    if (place == Place::beside) return;
    SessionStart first{directory_->epoch(), charter.parameters_digest, terms_.chair, seats,
                       priced(start, *pricing_, charter)};
    openings_ = openings_of(charter, terms_, directory_->epoch(), seats, first.start, now);
    start_ = encode(first, charter.parameters);
}

std::size_t Chaired::awaited() const {
    std::size_t out = 0;
    for (const auto& net : session_.awaited())
        out += net.size();
    return out;
}

bool Chaired::all_spoke(const market::Seat& seat) const {
    return std::ranges::all_of(seat.members, [&](const market::Member& member) {
        return member.party == terms_.chair || spoke_.contains(member.party);
    });
}

void Chaired::announce(Outputs& out) {
    tell_followers(0, std::exchange(start_, {}), out);
    for (const wire::SessionOpen& opening : openings_)
        for (const market::Member& member : opening.members)
            if (member.party != terms_.chair)
                out.send.push_back({directory_->at(member.party).key, opening});
}

Chaired::Step Chaired::step(const market::Input& input, UnixMs now, Outputs& out) {
    Step step;
    market::Outputs result = session_.step(input);
    if (const auto* received = std::get_if<market::ShareReceived>(&input)) {
        spoke_.insert(received->share.from);
        if (result.verdict == market::Verdict::duplicate) repeating_.insert(received->share.from);
        if (catches(received->share, result.verdict, out))
            step.caught = {received->share.net, directory_->at(received->share.from).key};
    }
    for (const market::Expulsion& expulsion : result.expel)
        if (expel(expulsion, out)) step.silent.push_back(directory_->at(expulsion.party).key);
    for (const market::Journal& journal : result.journals)
        tell_followers(journal.iteration, encode(journal), out);
    for (auto& [share, _, chair] : result.send) {
        for (const PartyId party : share.members)
            send(share, party, out);
        auto& newest_two = sent_[share.net];
        newest_two.push_back(std::move(share));
        if (newest_two.size() > 2) newest_two.pop_front();
    }
    if (result.progressed) {
        repeating_.clear();
        patience_.on_progress(now, std::holds_alternative<market::ShareReceived>(input));
        out.arm(Timer::silence, patience_.wait_ms(charter_.parameters.silence_ms));
        out.arm(Timer::resend, charter_.parameters.resend_ms());
    }
    if (result.cleared) conclude(*result.cleared, now);
    step.cleared = std::move(result.cleared);
    return step;
}

bool Chaired::catches(const market::MaskedShare& share, market::Verdict verdict, Outputs& out) {
    const bool contradicts = verdict == market::Verdict::contradiction;
    if (!contradicts && verdict != market::Verdict::malformed) return false;
    const crypto::PublicKey& home = directory_->at(share.from).key;
    if (!caught_.insert(share.from).second) return false;
    report_.caught.push_back(home);
    out.tell(Severity::wrong,
             "home " + short_hex(home.view()) + " on net " + settlement::name_of(share.net) +
                 (contradicts ? " contradicted its own message" : " sent a malformed message") +
                 " of iteration " + std::to_string(share.iteration) + "; ignored");
    return true;
}

bool Chaired::on_regret(const market::MaskedShare& share) {
    if (!certifier_ || !certifier_->concerns(share)) return false;
    certifier_->receive(share);
    return true;
}

void Chaired::certify() {
    if (!certifier_) return;
    auto certificate = certifier_->certify(*device_);
    if (certificate)
        report_.certificate = *certificate;
    else
        report_.uncertified = certificate.error().message;
}

void Chaired::repeat(Outputs& out) const {
    const auto awaited = session_.awaited();
    for (std::size_t row = 0; row < nets_.size(); ++row) {
        if (awaited[row].empty()) continue;
        for (const market::Member& member : seats_[row].members)
            if (member.party != terms_.chair) repeat_to(member.party, nets_[row], out);
    }
    out.arm(Timer::resend, charter_.parameters.resend_ms());
}

void Chaired::repeat_to(PartyId party, NetId net, Outputs& out) const {
    const auto row = std::find(nets_.begin(), nets_.end(), net);
    if (row == nets_.end()) return;
    if (session_.iteration() <= 1 && !openings_.empty())
        out.send.push_back(
            {directory_->at(party).key, openings_[static_cast<std::size_t>(row - nets_.begin())]});
    const auto found = sent_.find(net);
    if (found == sent_.end()) return;
    for (const market::MaskedShare& share : found->second)
        if (std::binary_search(share.members.begin(), share.members.end(), party))
            send(share, party, out);
}

bool Chaired::expel(const market::Expulsion& expulsion, Outputs& out) {
    const crypto::PublicKey& key = directory_->at(expulsion.party).key;
    out.send.push_back({key, wire::SessionExcluded{terms_.id, expulsion.net}});
    if (!expelled_.insert(expulsion.party).second) return false;
    ++report_.excluded;
    if (repeating_.contains(expulsion.party)) parted_.insert(expulsion.net);
    out.tell(Severity::notable, "home " + short_hex(key.view()) + " on net " +
                                    settlement::name_of(expulsion.net) +
                                    " was silent; its net goes on without it");
    return true;
}

void Chaired::send(const market::MaskedShare& share, PartyId to, Outputs& out) const {
    if (to != share.from)
        out.send.push_back({directory_->at(to).key, wire::Share{terms_.id, share}});
}

void Chaired::tell_followers(std::uint32_t iteration, ByteView whole, Outputs& out) const {
    if (terms_.hosts.size() < 2) return;
    const auto pieces = pieces_of(terms_.id, generation(), iteration, whole);
    for (const PartyId host : terms_.hosts)
        if (host != terms_.chair)
            for (const wire::Message& piece : pieces)
                out.send.push_back({directory_->at(host).key, piece});
}

void Chaired::conclude(const market::Cleared& cleared, UnixMs now) {
    report_.outcome = cleared.outcome;
    report_.iterations = cleared.iteration;
    report_.rounds = cleared.rounds;
    report_.primal_residual_kw = cleared.primal_residual_kw;
    report_.dual_residual_eur_per_kw = cleared.dual_residual_eur_per_kw;
    report_.cleared_ms = now;
    report_.nets = nets_;
    report_.price_eur_per_kwh = cleared.y_eur_per_kw / interval_h(charter_.parameters);
    report_.voltage_pu = device_->voltages_pu(cleared.x_kw);
    report_.import_kw = device_->import_kw(cleared.x_kw);
    report_.explanation = cleared.explanation;
    if (cleared.outcome != market::Outcome::abandoned)
        certifier_.emplace(cleared, nets_, terms_.chair);
}

}  // namespace kilter::coordinator
