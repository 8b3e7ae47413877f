/// Who trades: the certificates in force, and how one epoch of them becomes the next.
///
/// A certificate is the operator's word that a key belongs to a party: its role, its feeder, its net, its service point, and
/// from when to when. It is issued by a change of the roster, an entry on the log, and it is in force while the roster holds
/// it. A change renews, withdraws or revokes as well, and names the digest of the roster it leads to: so whoever holds the
/// newest change with its proof can check a whole roster that anybody hands it, of any size.
///
/// Integers only. Times are UTC milliseconds.
#pragma once

#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "common/consensus/types.hpp"
#include "common/crypto/digest.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

/// A random UUID that stands for the connection: names and addresses stay off the log.
using ServicePoint = FixedBytes<16, struct ServicePointTag>;

enum class Role : std::uint8_t { coordinator = 1, home = 2, meter = 3 };

/// "coordinator", "home", "meter".
const char* name_of(Role role);

/// One certificate. Its position in Roster::members is its party's PartyId.
struct RosterMember {
    PublicKey key;
    Role role{};
    NetId
        net;  ///< of a home and its meter; of a coordinator its feeder's first (feeder_number.hpp)
    std::uint32_t weight_milli = 0;  ///< weight x 1000, > 0
    std::string endpoint;            ///< where it can be reached; may be empty
    std::string feeder = {};         ///< the network's name
    ServicePoint service_point =
        {};  ///< of a home and its meter, no two of one role alike; zeros for a coordinator
    UnixMs valid_from_ms = 0;
    UnixMs valid_until_ms = limits::interval_start_ms_max;  ///< not valid at this time any more
    bool operator==(const RosterMember&) const = default;

    [[nodiscard]] bool valid_at(UnixMs time_ms) const {
        return valid_from_ms <= time_ms && time_ms < valid_until_ms;
    }
};

struct Roster {
    std::uint64_t epoch = 0;  ///< 0: nobody yet
    std::vector<RosterMember> members;
    bool operator==(const Roster&) const = default;

    /// H("roster", encode()).
    [[nodiscard]] Digest digest() const;
    /// Null when the key is not on it.
    [[nodiscard]] const RosterMember* find(const PublicKey& key) const;
};

/// A key that leaves the roster.
struct Removal {
    PublicKey key;
    bool revoked = false;  ///< for good: this key never trades again
    bool operator==(const Removal&) const = default;
};

/// The step to the roster of `epoch`: removals first, then each grant takes the place of the same key's older certificate,
/// or comes last.
struct RosterChange {
    std::uint64_t epoch = 0;
    std::vector<Removal> removals;
    std::vector<RosterMember> grants;
    Digest roster;  ///< digest of the roster it leads to
    bool operator==(const RosterChange&) const = default;
};

Bytes encode(const RosterMember& member);
Bytes encode(const Roster& roster);
Bytes encode(const RosterChange& change);
/// Strict and total: complete, in bounds, known roles.
Result<RosterMember> decode_member(ByteView bytes);
Result<Roster> decode_roster(ByteView bytes);
Result<RosterChange> decode_roster_change(ByteView bytes);

/// What can be said of a change alone. Error: it changes nothing, names a key twice, or holds a certificate that makes no
/// sense; says which.
Result<void> check(const RosterChange& change);

/// The roster that `change` leads to, whatever digest it names. Error: it does not fit: not the next epoch, a removal of a
/// key that is not there, two homes on one service point, too many members.
Result<Roster> apply(const Roster& before, const RosterChange& change);

/// The change from `before` to its next epoch, with the digest filled in. Error: as apply().
Result<RosterChange> make_change(const Roster& before,
                                 std::vector<Removal> removals,
                                 std::vector<RosterMember> grants);

/// The changes that fill an empty roster with these members in this order, each as large as an entry may be.
std::vector<RosterChange> first_changes(const std::vector<RosterMember>& members);

}  // namespace kilter::settlement
