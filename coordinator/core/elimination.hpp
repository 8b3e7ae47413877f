/// Whom a net's next session is without, where its sessions come to nothing and nobody can be named for it.
///
/// A member that sends wrong values keeps its net from agreeing, and nothing that it sent proves it
/// (docs/decisions/0038). What shows is that the net clears without it. So the session after one that failed is without one
/// home of the net, the one after that without another, until one clears. Whoever was left out of that one stays out for
/// rest_min sessions, twice as many the next time, rest_max at most, and is tried again then. Of n homes one lies: n sessions
/// fail at most before one clears, and one each time it is tried again.
///
/// Where the net clears without either of two homes, either may be the one (a home can lie to one other alone), and
/// neither is kept out more than the other: homes not tried yet come first, then those without which it cleared, in turn.
/// Where no single absence helps, two may lie: nets of homes_for_pairs_max homes at most are tried without each pair as well.
/// Where that does not help either, all are in it for a while, twice as long each time, before they are tried anew.
///
/// Whom this coordinator itself has caught saying what no home says, it needs no session to try without: who was caught stays
/// out as one without whom the net clears, whoever else is out, and what came of the session is nobody else's fault.
///
/// A value. It knows keys, not parties, which change with the roster; and only what this coordinator has seen: another one
/// that takes over finds out for itself.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::coordinator {

/// What a session says of a net in it.
enum class Ending : std::uint8_t {
    cleared,
    unclear,  ///< nothing came of it, which may be the network's fault
    failed,   ///< nothing came of it although its homes were there: somebody sends wrong values
};

class Elimination {
  public:
    static constexpr std::uint32_t rest_min = 2;
    static constexpr std::uint32_t rest_max = 64;
    static constexpr std::size_t homes_for_pairs_max = 8;
    static constexpr std::uint32_t unclear_max = 3;  ///< intervals in a row that count as a failure

    struct Absence {
        crypto::PublicKey home;
        std::uint32_t sessions =
            0;  ///< this many more; 0: whether the net clears without it is just being tried
        bool caught = false;
    };

    /// Who has no seat in the net's next session, the most certain one first.
    [[nodiscard]] std::vector<Absence> absent(NetId net) const;

    /// This home of the net has contradicted itself, or said what no home says, in the session under way.
    void on_caught(NetId net, const crypto::PublicKey& home);

    /// How a session of the net has ended in which these homes had a seat. `homes_min`: with how many it can still trade.
    void on_session(NetId net,
                    IntervalIndex interval,
                    std::vector<crypto::PublicKey> seated,
                    std::size_t homes_min,
                    Ending ending);

  private:
    struct Trial {
        std::optional<bool> clears;  // the net without it, when last tried
        std::uint32_t rest = 0;      // sessions it was kept out last time
        std::uint64_t since = 0;     // when that began, in sessions of the net
    };

    /// One home, or two.
    using Group = std::vector<crypto::PublicKey>;

    struct Caught {
        std::uint32_t rest = 0;       // sessions it was kept out last time
        std::uint32_t remaining = 0;  // still to come
        std::uint32_t good = 0;       // in a row, with it
    };

    struct Net {
        std::map<crypto::PublicKey, Caught> caught;
        std::map<Group, Trial> trials;
        Group out;                    // nobody, or whom it is to do without
        std::uint32_t remaining = 0;  // sessions that `out` stays out; 0: on trial
        std::uint32_t pause = 0;      // sessions in which nobody is left out, last and
        std::uint32_t paused = 0;     // still to come
        std::uint32_t unclear = 0;    // intervals in a row, up to this one
        IntervalIndex unclear_until = 0;
        std::uint32_t good = 0;  // in a row, with all homes
        std::uint64_t sessions = 0;
    };

    /// Whether somebody that was caught had a seat in it.
    static bool count_caught(Net& net, const std::vector<crypto::PublicKey>& seated);
    static void on_failed(Net& net,
                          const std::vector<crypto::PublicKey>& homes,
                          std::size_t homes_min);
    /// Of these the next one to leave out, to find out or because the net clears without it; nobody: none of them helps.
    static Group next_of(Net& net, const std::vector<Group>& groups);
    /// Whether nothing is left to remember.
    static bool on_cleared(Net& net);

    std::map<NetId, Net> nets_;
};

}  // namespace kilter::coordinator
