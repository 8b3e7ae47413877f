#include "agent/core/interim.hpp"

#include <algorithm>
#include <cmath>

#include "agent/core/opening_rules.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

constexpr UnixMs lead_ms_max = 60'000;

using Objection = std::optional<std::string>;

Objection about_time(const market::Parameters& parameters,
                     UnixMs now,
                     const wire::InterimOpen& open) {
    const UnixMs quarter_ms = UnixMs{250} * parameters.interval_s;
    if (std::abs(now - open.opened_ms) > quarter_ms)
        return "this home's clock and its sender's are more than a quarter of an interval apart: "
               "set both by the network's time (NTP)";
    const UnixMs starts = interval_start(open.session.interval, parameters.interval_s);
    if (now >= starts) return "its interval has begun";
    if (starts - now > interim_lead_ms(parameters) + quarter_ms)
        return "there is time left for a coordinator to open its interval";
    return std::nullopt;
}

bool is_number_of(PartyId opener, std::uint32_t opening) {
    return opening % interim_openers == opener.value % interim_openers;
}

}  // namespace

std::uint32_t interim_number(PartyId opener,
                             UnixMs now,
                             const std::optional<market::SessionId>& last) {
    std::uint32_t out = static_cast<std::uint32_t>(now / 1'000) | interim_opening;
    if (last) out = std::max(out, last->opening + 1);
    while (!is_number_of(opener, out))
        ++out;
    return out;
}

UnixMs interim_lead_ms(const market::Parameters& parameters) {
    return std::min(lead_ms_max, UnixMs{500} * parameters.interval_s);
}

UnixMs interim_gate(const market::Parameters& parameters,
                    IntervalIndex interval,
                    std::size_t rank) {
    return interval_start(interval, parameters.interval_s) - interim_lead_ms(parameters) +
           static_cast<UnixMs>(rank) * 2 * parameters.silence_ms;
}

IntervalIndex interim_newest(const market::Parameters& parameters, UnixMs now) {
    return interval_at(now + interim_lead_ms(parameters), parameters.interval_s);
}

std::vector<market::Member> interim_members(const Charter& charter,
                                            const Place& place,
                                            const Base& base,
                                            IntervalIndex interval) {
    const settlement::Directory& directory = *place.directory;
    const UnixMs starts = interval_start(interval, charter.parameters.interval_s);
    std::vector<market::Member> out;
    for (const settlement::ClearedMember& member : base.record.members) {
        const auto party = directory.find(member.key);
        if (!party) continue;
        const auto& home = directory.at(*party);
        if (home.role != settlement::Role::home || home.net != place.net ||
            home.feeder != directory.at(place.self).feeder || !home.valid_at(starts))
            continue;
        out.push_back({*party, home.weight_milli / 1000.0});
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::optional<std::size_t> rank_in(const std::vector<market::Member>& members, PartyId party) {
    const auto found =
        std::find_if(members.begin(), members.end(),
                     [party](const market::Member& member) { return member.party == party; });
    if (found == members.end()) return std::nullopt;
    return static_cast<std::size_t>(found - members.begin());
}

std::optional<std::vector<market::Member>> named_in(const wire::InterimOpen& open,
                                                    const std::vector<market::Member>& candidates) {
    std::vector<market::Member> out;
    for (const PartyId party : open.members) {
        const auto rank = rank_in(candidates, party);
        if (!rank) return std::nullopt;
        out.push_back(candidates[*rank]);
    }
    return out;
}

std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Base& base,
                                     const std::vector<market::Member>& members,
                                     IntervalIndex interval) {
    if (!base.reaches(interval))
        return "the net's last record with the feeder does not reach that interval";
    if (base.schedule_kw.size() != charter.parameters.horizon ||
        base.record.prices_micro_eur_per_kwh.size() != charter.parameters.horizon)
        return "this home has no schedule from the net's last record with the feeder";
    if (!rank_in(members, place.self)) return "this home is not among its members";
    if (2 * members.size() <= place.directory->homes(place.net).size())
        return "it has no more than half of the net's homes";
    if (members.size() < std::max(2U, charter.parameters.privacy_members_min))
        return "it has " + std::to_string(members.size()) + " homes, fewer than privacy allows";
    for (const market::Member& member : members)
        if (member.party != place.self &&
            !place.secrets.contains(place.directory->at(member.party).key))
            return "it has a home whose key is not usable";
    return std::nullopt;
}

std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Base& base,
                                     const InterimPosition& position,
                                     const crypto::PublicKey& from,
                                     const wire::InterimOpen& open) {
    if (auto why = objection_to_terms(charter, place, open.roster_epoch, open.parameters, open.net))
        return why;
    if ((open.session.opening & interim_opening) == 0) return "its number is a coordinator's";
    if (open.base != base.session()) return "it follows another record than the newest known here";
    if (position.traded && open.session.interval <= *position.traded)
        return "that interval is cleared already";
    if (auto why = about_time(charter.parameters, position.now, open)) return why;
    if (auto why =
            objection_to_age(open.opened_ms, position.began,
                             open.session.opening & ~interim_opening, open.opened_ms / 1'000))
        return why;
    const auto members =
        named_in(open, interim_members(charter, place, base, open.session.interval));
    if (!members) return "it names homes that were not in that record";
    const auto chair = place.directory->find(from);
    if (!chair || !rank_in(*members, *chair)) return "its sender is not among its members";
    if (!is_number_of(*chair, open.session.opening)) return "its number is another home's";
    if (auto why = objection(charter, place, base, *members, open.session.interval)) return why;
    return objection_to_order(open.session, position.joined, position.under_way);
}

market::Terms session_terms(const market::Parameters& agreed, const InterimTerms& terms) {
    market::Parameters parameters = agreed;
    parameters.method = market::Method::proximal;
    const auto majority = static_cast<std::uint32_t>(terms.homes / 2 + 1);
    parameters.privacy_members_min = std::max({2U, agreed.privacy_members_min, majority}) - 1;
    return {terms.id,
            parameters,
            agreed.rho_eur_per_kw2,
            static_cast<std::uint32_t>(terms.members.size()),
            terms.chair,
            {}};
}

Bytes interim_bytes(const Charter& charter, const market::SessionId& session) {
    return ByteWriter{}
        .text("kilter interim session")
        .raw(charter.chain.view())
        .i64(session.interval)
        .u32(session.opening)
        .bytes();
}

}  // namespace kilter::agent
