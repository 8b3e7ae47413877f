/// No copy of an entry comes a second time: the ids on the log, each until its entry's expiry has passed in the log's time.
/// Kept in the state's map, so that every replica agrees on it:
///
///     "due" second         -> number of chunks of ids that expire in that second
///     "due" second chunk   -> up to 64 ids, in the order in which they came
///     "time"               -> the last block's second
///     "id" form            -> there, empty: the lists are all there is (version 2 of the rule "ledger")
///     "id" id              -> nothing, in version 1: there until the entry's second has passed
///
/// Version 2 touches two or three pairs per block instead of one per entry; what it would be slow to ask of the lists is
/// asked of a set beside the state (seen_set.hpp). Memory: about 120 bytes for every entry that has not expired.
#pragma once

#include <unordered_set>
#include <vector>

#include "common/consensus/application.hpp"

namespace kilter::consensus {

enum class SeenForm : std::uint8_t {
    pairs,  ///< version 1
    lists,  ///< version 2
};

[[nodiscard]] SeenForm seen_form(const crypto::MerkleMap& map);

/// Whether this id is there. For one id at a time: of every layer of the set.
[[nodiscard]] bool seen(const LedgerState& state, const EntryId& id);

/// The map of a log that begins at this time.
[[nodiscard]] crypto::MerkleMap nothing_seen(UnixMs time_ms, SeenForm form);
[[nodiscard]] StatePtr state_without_ids(UnixMs time_ms, SeenForm form);

/// What a map in form of lists holds. Empty: it is not in that form. Milliseconds, and more with every million ids.
[[nodiscard]] SeenSetPtr read_seen(const crypto::MerkleMap& map);

/// The ids of one block on top of one state.
class SeenIds {
  public:
    SeenIds(const LedgerState& parent, UnixMs block_time_ms)
        : time_ms_(block_time_ms), before_(parent.seen()) {}

    /// Refused: expired at the block's time, expires more than a day later, or is on the log already. `parent`: the
    /// parent's map, or what became of it in this block so far.
    [[nodiscard]] Verdict judge(const crypto::MerkleMap& parent, const SealedEntry& entry) const;
    /// REQUIRES: judge() said ready.
    void add(const SealedEntry& entry);
    /// Writes what was added into the map, forgets what has expired, and returns the set beside it. `form`: from this block
    /// on; never back from lists to pairs.
    [[nodiscard]] SeenSetPtr finish(crypto::MerkleMap& map, SeenForm form) const;

  private:
    UnixMs time_ms_;
    SeenSetPtr before_;  // none in the form of pairs
    std::vector<SeenSet::One> added_;
    std::unordered_set<EntryId> ids_;  // of added_
};

}  // namespace kilter::consensus
