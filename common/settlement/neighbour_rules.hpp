/// The ledger's rules for what concerns a neighbouring feeder's log: who it is, its anchored heads, trades over a tie.
///
/// - Neighbour log: by who may change the roster; another log than this one.
/// - Anchor: by a coordinator or who may change the roster; of a known log, above its newest anchor, certified.
///   From version 3 of the rule "ledger" on not of a closing block, nor above the end of its epoch where that is proved here
///   or follows from an anchor of a later one; and certified by the members of an epoch that follows from genesis or from any
///   that was proved here before.
/// - Tie trade: by who may change the roster; with a known log.
/// - Neighbour receipt: of a known log, and valid. Of a tie trade with this log: by who may change the roster, not after the
///   offer's time. Of such a receipt on the other log, of a tie trade on this one: by any party of this log. From version 3
///   on it may be a short one, of an epoch that is proved here, and its block not above the end of its epoch.
#pragma once

#include <functional>
#include <optional>

#include "common/consensus/application.hpp"
#include "common/crypto/merkle_map.hpp"
#include "common/settlement/neighbour_log.hpp"

namespace kilter::settlement {

/// What the author of an entry may do here.
struct Standing {
    bool operates = false;   ///< may change the roster
    bool validates = false;  ///< is a coordinator of this epoch
    bool belongs = false;  ///< is on the newest roster with a valid certificate, or holds an office
};

/// The validators that the other log began with; nothing: not known here.
std::optional<consensus::ValidatorSet> neighbour_validators(const crypto::MerkleMap& map,
                                                            const ChainId& chain);
std::optional<AnchoredHead> newest_anchor(const crypto::MerkleMap& map, const ChainId& chain);

/// What can be said of the entry alone; nothing: its type is not one of these.
std::optional<Result<void>> check_neighbour(const consensus::Entry& entry);

/// Whether entries of this type are these rules'.
bool concerns_neighbour(consensus::EntryType type);

/// Changes the map iff the entry is ready. REQUIRES: concerns_neighbour(), and check_neighbour() has passed it.
/// `here`: this log. `held`: the id of the entry that holds a semantic key on this log. `version`: of the rule "ledger".
using EntryOfKey = std::function<std::optional<consensus::EntryId>(const Bytes& key)>;
consensus::Verdict apply_neighbour(const consensus::Entry& entry,
                                   const ChainId& here,
                                   const Standing& author,
                                   const EntryOfKey& held,
                                   UnixMs time_ms,
                                   std::uint32_t version,
                                   crypto::MerkleMap& map);

}  // namespace kilter::settlement
