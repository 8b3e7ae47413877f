/// One roster, looked up both ways: who has this key, who lives on this net. Immutable; cheap to share.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/settlement/entries.hpp"

namespace kilter::settlement {

class Directory {
  public:
    explicit Directory(Roster roster);

    [[nodiscard]] const Roster& roster() const { return roster_; }

    [[nodiscard]] std::uint64_t epoch() const { return roster_.epoch; }

    /// Nothing when the key is not on the roster.
    [[nodiscard]] std::optional<PartyId> find(const PublicKey& key) const;

    [[nodiscard]] bool holds(PartyId party) const { return party.value < roster_.members.size(); }

    /// REQUIRES: holds(party).
    [[nodiscard]] const RosterMember& at(PartyId party) const;
    /// Homes of a net, ascending; empty for a net nobody lives on.
    [[nodiscard]] const std::vector<PartyId>& homes(NetId net) const;
    /// The nets that have homes, ascending.
    [[nodiscard]] std::vector<NetId> nets() const;

  private:
    Roster roster_;
    std::map<PublicKey, PartyId> parties_;
    std::map<NetId, std::vector<PartyId>> homes_;
};

using DirectoryPtr = std::shared_ptr<const Directory>;

}  // namespace kilter::settlement
