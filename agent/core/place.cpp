#include "agent/core/place.hpp"

#include "common/settlement/feeder_number.hpp"

namespace kilter::agent {

Result<Place> Place::on(settlement::Roster roster, const crypto::Identity& identity) {
    Place out;
    out.directory = std::make_shared<const settlement::Directory>(std::move(roster));
    const settlement::Directory& directory = *out.directory;
    const auto party = directory.find(identity.public_key());
    if (!party || directory.at(*party).role != settlement::Role::home)
        return Error{"roster epoch " + std::to_string(directory.epoch()) +
                     " does not name this home (key " + short_hex(identity.public_key().view()) +
                     "): until the operator grants it a certificate it cannot trade"};
    out.self = *party;
    out.net = directory.at(out.self).net;
    for (const auto& member : directory.roster().members) {
        const bool meets =
            member.role == settlement::Role::coordinator
                ? settlement::feeder_of(member.net) == settlement::feeder_of(out.net)
                : member.net == out.net && member.feeder == directory.at(out.self).feeder;
        if (member.key == identity.public_key() || !meets) continue;
        if (auto secret = identity.shared_secret(member.key))
            out.secrets.emplace(member.key, *secret);
    }
    return out;
}

}  // namespace kilter::agent
