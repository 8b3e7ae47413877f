#include "agent/core/participation.hpp"

#include "agent/core/opening_rules.hpp"
#include "common/crypto/mask.hpp"
#include "common/market/clearing.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/hosts.hpp"

namespace kilter::agent {

namespace {

constexpr std::size_t sent_max = 2;

market::WarmState start_of(const market::Parameters& parameters,
                           const wire::SessionOpen& open,
                           const std::optional<Warm>& warm) {
    market::WarmState start =
        market::WarmState::cold(parameters.channels, parameters.horizon, open.rho_eur_per_kw2);
    if (warm && open.session.interval >= warm->interval)
        start = warm->state.shifted(open.session.interval - warm->interval,
                                    86'400 / parameters.interval_s);
    start.rho_eur_per_kw2 = open.rho_eur_per_kw2;
    market::terminal_values(start.y_eur_per_kw, 0, parameters) = start_dual(open);
    return start;
}

std::vector<PartyId> hosts_of(const Charter& charter,
                              const Place& place,
                              const wire::SessionOpen& open) {
    return settlement::hosts_of(*place.directory, charter.validators(),
                                settlement::feeder_of(place.net), open.session.opening);
}

std::shared_ptr<const crypto::PairwiseMasks> masks_of(const Charter& charter,
                                                      const Place& place,
                                                      const wire::SessionOpen& open) {
    std::map<PartyId, crypto::SharedSecret> shared;
    for (const market::Member& member : open.members)
        if (member.party != place.self)
            shared.emplace(member.party, place.secrets.at(place.directory->at(member.party).key));
    for (const PartyId host : hosts_of(charter, place, open))
        if (const auto secret = place.secrets.find(place.directory->at(host).key);
            secret != place.secrets.end())
            shared.emplace(host, secret->second);
    return std::make_shared<const crypto::PairwiseMasks>(
        place.self, market::session_bytes(charter.chain.view(), open.session), std::move(shared));
}

market::Terms terms_of(const Charter& charter, const Place& place, const wire::SessionOpen& open) {
    return {open.session,   charter.parameters, open.rho_eur_per_kw2,
            open.terminals, open.chair,         hosts_of(charter, place, open)};
}

std::shared_ptr<const crypto::PairwiseMasks> masks_of(const Charter& charter,
                                                      const Place& place,
                                                      const InterimTerms& terms) {
    std::map<PartyId, crypto::SharedSecret> shared;
    for (const market::Member& member : terms.members)
        if (member.party != place.self)
            shared.emplace(member.party, place.secrets.at(place.directory->at(member.party).key));
    const Bytes named = ByteWriter{}
                            .raw(interim_bytes(charter, terms.id))
                            .raw(place.directory->at(terms.chair).key.view())
                            .bytes();
    return std::make_shared<const crypto::PairwiseMasks>(place.self, named, std::move(shared));
}

market::WarmState start_of(const market::Parameters& parameters,
                           const Base& base,
                           IntervalIndex at) {
    market::WarmState start = market::WarmState::cold(parameters.channels, parameters.horizon,
                                                      parameters.rho_eur_per_kw2);
    market::terminal_values(start.y_eur_per_kw, 0, parameters) = base.dual_at(parameters, at);
    return start;
}

}  // namespace

std::optional<std::string> objection(const Charter& charter, const model::Home& forecast) {
    if (auto valid = forecast.validate(); !valid)
        return "the home's forecast is not usable: " + valid.error().message;
    if (forecast.load_kw.size() != static_cast<Eigen::Index>(charter.parameters.horizon) ||
        forecast.interval_h != charter.interval_h())
        return "the home's forecast has other intervals than the market: give it intervals of " +
               std::to_string(charter.parameters.interval_s) + " s";
    return std::nullopt;
}

Participation::Participation(const Charter& charter,
                             const Place& place,
                             const wire::SessionOpen& open,
                             const model::Home& home,
                             const std::optional<Warm>& warm,
                             UnixMs now)
    : id_(open.session),
      net_(place.net),
      directory_(place.directory),
      self_(place.self),
      heard_(now),
      device_(std::make_unique<prox::Home>(home)),
      session_(terms_of(charter, place, open),
               self_,
               std::vector<market::Seat>{{open.net, open.members}},
               *device_,
               masks_of(charter, place, open),
               start_of(charter.parameters, open, warm)) {}

Participation::Participation(const Charter& charter,
                             const Place& place,
                             const InterimTerms& terms,
                             const Base& base,
                             const model::Home& home,
                             UnixMs now)
    : id_(terms.id),
      net_(place.net),
      directory_(place.directory),
      self_(place.self),
      heard_(now),
      device_(std::make_unique<prox::Home>(home)),
      base_interval_(base.record.interval),
      base_kw_(base.schedule_at(charter.parameters, terms.id.interval)),
      change_(std::make_unique<prox::Deviation>(*device_, *base_kw_)),
      session_(session_terms(charter.parameters, terms),
               self_,
               std::vector<market::Seat>{{place.net, terms.members}},
               *change_,
               masks_of(charter, place, terms),
               start_of(charter.parameters, base, terms.id.interval)) {}

std::vector<crypto::PublicKey> Participation::awaited() const {
    std::vector<crypto::PublicKey> out;
    for (const auto& net : session_.awaited())
        for (const PartyId party : net)
            out.push_back(directory_->at(party).key);
    return out;
}

bool Participation::admits(const crypto::PublicKey& from,
                           const market::MaskedShare& share,
                           UnixMs now) {
    if (directory_->find(from) != share.from) return false;
    if (share.from == session_.chair() ||
        directory_->at(share.from).role == settlement::Role::coordinator)
        heard_ = now;
    return true;
}

market::Outputs Participation::step(const market::Input& input) {
    market::Outputs out = session_.step(input);
    for (const market::Dispatch& sent : out.send) {
        sent_.push_back(sent);
        if (sent_.size() > sent_max) sent_.pop_front();
    }
    return out;
}

std::vector<wire::Outgoing> Participation::letters(const market::Dispatch& sent) const {
    std::vector<wire::Outgoing> out;
    for (const PartyId party : sent.share.members)
        if (party != self_)
            out.push_back({directory_->at(party).key, wire::Share{id_, sent.to(party)}});
    return out;
}

wire::Outgoing Participation::regret_letter(const market::Cleared& cleared) const {
    return {chair(), wire::Share{id_, *cleared.regret}};
}

std::vector<wire::Outgoing> Participation::newest_letters() const {
    std::vector<wire::Outgoing> out;
    for (const market::Dispatch& sent : sent_) {
        const bool over = sent.is_answer() && sent.share.iteration < session_.iteration();
        for (wire::Outgoing& letter : letters(sent))
            if (!over || letter.to != directory_->at(sent.chair).key)
                out.push_back(std::move(letter));
    }
    return out;
}

}  // namespace kilter::agent
