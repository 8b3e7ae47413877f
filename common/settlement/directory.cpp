#include "common/settlement/directory.hpp"

namespace kilter::settlement {

Directory::Directory(Roster roster) : roster_(std::move(roster)) {
    for (std::uint32_t i = 0; i < roster_.members.size(); ++i) {
        const RosterMember& member = roster_.members[i];
        parties_.emplace(member.key, PartyId{i});
        if (member.role == Role::home) homes_[member.net].push_back(PartyId{i});
    }
}

std::optional<PartyId> Directory::find(const PublicKey& key) const {
    const auto found = parties_.find(key);
    return found == parties_.end() ? std::nullopt : std::optional(found->second);
}

const RosterMember& Directory::at(PartyId party) const {
    KILTER_CHECK(holds(party), "a party that is not on the roster");
    return roster_.members[party.value];
}

const std::vector<PartyId>& Directory::homes(NetId net) const {
    static const std::vector<PartyId> nobody;
    const auto found = homes_.find(net);
    return found == homes_.end() ? nobody : found->second;
}

std::vector<NetId> Directory::nets() const {
    std::vector<NetId> out;
    for (const auto& [net, homes] : homes_)
        out.push_back(net);
    return out;
}

}  // namespace kilter::settlement
