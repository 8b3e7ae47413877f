#include "agent/core/opening_rules.hpp"

#include <algorithm>
#include <limits>

#include "common/base/limits.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

using Objection = std::optional<std::string>;

Objection about_origin(const Charter& charter,
                       const Place& place,
                       const crypto::PublicKey& from,
                       const wire::SessionOpen& open) {
    if (!charter.is_validator(from)) return "its sender is no coordinator";
    if (!crypto::verify(from, wire::signing_bytes(open, charter.chain), open.signature))
        return "its signature is wrong";
    if (auto why = objection_to_terms(charter, place, open.roster_epoch, open.parameters, open.net))
        return why;
    if (open.start_dual_eur_per_kw.size() != charter.parameters.quantities())
        return "its horizon is not the market's";
    if (place.directory->find(from) != open.chair) return "its chair is not its sender";
    if (!place.secrets.contains(from)) return "its sender is no coordinator of this feeder";
    return std::nullopt;
}

Objection about_order(const Charter& charter,
                      const Position& position,
                      const crypto::PublicKey& from,
                      const wire::SessionOpen& open) {
    const consensus::ValidatorSet& coordinators = charter.validators();
    if (position.certified && open.session.interval <= *position.certified)
        return "that interval is already on the log";
    if (open.session.opening % coordinators.size() != coordinators.index_of(from))
        return "its number is another coordinator's";
    return objection_to_order(open.session, position.joined, position.under_way);
}

std::string in_words(UnixMs span_ms) {
    const UnixMs seconds = (std::abs(span_ms) + 500) / 1'000;
    return seconds < 120 ? std::to_string(seconds) + " s"
                         : std::to_string((seconds + 30) / 60) + " min";
}

// A quarter of an interval is the most that an opening may be late, or two clocks apart.
Objection about_time(const Charter& charter, UnixMs now, const wire::SessionOpen& open) {
    const UnixMs apart = now - open.opened_ms;
    if (std::abs(apart) * 4 <= UnixMs{1'000} * charter.parameters.interval_s) return std::nullopt;
    return "this home's clock is " + in_words(apart) + (apart > 0 ? " ahead of" : " behind") +
           " its coordinator's" + (apart > 0 ? ", or the opening was as long on its way" : "") +
           ": set it by the network's time (NTP); if it is right, tell the coordinator's operator";
}

// Numbers count seconds since the log began, for every coordinator of the set once.
Objection about_age(const Charter& charter,
                    const Position& position,
                    const wire::SessionOpen& open) {
    const auto coordinators = static_cast<std::uint32_t>(charter.validators().size());
    const std::uint32_t seconds_max = std::numeric_limits<std::uint32_t>::max() / coordinators;
    const UnixMs since_s = std::max<UnixMs>(0, open.opened_ms - charter.genesis.time_ms) / 1'000;
    return objection_to_age(open.opened_ms, position.began, open.session.opening / coordinators,
                            since_s % seconds_max);
}

Objection about_numbers(const Charter& charter, const Place& place, const wire::SessionOpen& open) {
    const settlement::Directory& directory = *place.directory;
    if (open.session.interval >
        limits::interval_start_ms_max / 1000 / charter.parameters.interval_s)
        return "its interval is no market's";
    if (open.rho_eur_per_kw2 < limits::rho_eur_per_kw2_min ||
        open.rho_eur_per_kw2 > limits::rho_eur_per_kw2_max)
        return "its penalty is no market's";
    if (!market::plausible_prices(start_dual(open), charter.interval_h()))
        return "its start prices are no market's";
    if (open.terminals < open.members.size() ||
        open.terminals > directory.roster().members.size() + directory.nets().size())
        return "its number of terminals is no market's";
    return std::nullopt;
}

Objection about_home(const Place& place, UnixMs now, const market::Member& member) {
    if (!place.directory->holds(member.party)) return "it names a party that is not on the roster";
    const auto& known = place.directory->at(member.party);
    if (known.role != settlement::Role::home || known.net != place.net ||
        known.feeder != place.directory->at(place.self).feeder)
        return "it names a party of another net";
    if (!known.valid_at(now))
        return member.party == place.self
                   ? "this home's certificate has expired: ask the operator to renew it"
                   : "it names a party whose certificate has expired";
    if (member.weight != known.weight_milli / 1000.0) return "a weight differs from the roster's";
    if (member.party != place.self && !place.secrets.contains(known.key))
        return "it names a party whose key is not usable";
    return std::nullopt;
}

Objection about_members(const Charter& charter,
                        const Place& place,
                        UnixMs now,
                        const wire::SessionOpen& open) {
    std::uint32_t homes = 0;
    bool includes_self = false;
    for (const market::Member& member : open.members) {
        if (member.party == open.chair) continue;
        if (auto why = about_home(place, now, member)) return why;
        includes_self = includes_self || member.party == place.self;
        ++homes;
    }
    if (homes + 1 != open.members.size()) return "its chair is not among the members";
    if (!includes_self) return "this home is not among the members";
    for (const market::Member& member : open.members)
        if (member.party == open.chair && member.weight != charter.parameters.feeder_weight(homes))
            return "a weight differs from the market's rule";
    if (homes < charter.parameters.privacy_members_min)
        return "it has " + std::to_string(homes) + " homes, fewer than privacy allows (" +
               std::to_string(charter.parameters.privacy_members_min) + ")";
    return std::nullopt;
}

}  // namespace

model::Series start_dual(const wire::SessionOpen& open) {
    return Eigen::Map<const model::Series>(
        open.start_dual_eur_per_kw.data(),
        static_cast<Eigen::Index>(open.start_dual_eur_per_kw.size()));
}

std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Position& position,
                                     const crypto::PublicKey& from,
                                     const wire::SessionOpen& open) {
    if (auto why = about_origin(charter, place, from, open)) return why;
    if (auto why = about_time(charter, position.now, open)) return why;
    if (auto why = about_age(charter, position, open)) return why;
    if (auto why = about_order(charter, position, from, open)) return why;
    if (auto why = about_numbers(charter, place, open)) return why;
    return about_members(charter, place, position.now, open);
}

std::optional<std::string> objection_to_terms(const Charter& charter,
                                              const Place& place,
                                              std::uint64_t roster_epoch,
                                              const crypto::Digest& parameters,
                                              NetId net) {
    if (roster_epoch != place.directory->epoch())
        return "it is for roster epoch " + std::to_string(roster_epoch) + ", this home has " +
               std::to_string(place.directory->epoch());
    if (parameters != charter.parameters_digest)
        return "it uses other market parameters than those in force, or that method of another "
               "version";
    if (net != place.net) return "it is for another net";
    return std::nullopt;
}

std::optional<std::string> objection_to_order(const market::SessionId& session,
                                              const std::optional<market::SessionId>& joined,
                                              const std::optional<market::SessionId>& under_way) {
    if (joined && session.opening <= joined->opening)
        return session == *joined ? "this home was in it already"
                                  : "this home was in a later one already";
    if (under_way) return "session " + market::name_of(*under_way) + " is under way";
    return std::nullopt;
}

std::optional<std::string> objection_to_age(UnixMs opened_ms,
                                            UnixMs began,
                                            std::int64_t number_s,
                                            std::int64_t opened_s) {
    if (opened_ms < began)
        return "it was opened before this home's program began, which may have been in it before";
    if (number_s < opened_s) return "its number is older than the opening";
    return std::nullopt;
}

}  // namespace kilter::agent
