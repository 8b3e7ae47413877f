/// No copy of an entry comes a second time: the ids on the log, each until its entry's expiry has passed in the log's time.
/// Kept in the state's map, so that every replica agrees on it:
///
///     "id" id              -> nothing; there until the entry's second has passed
///     "due" second         -> number of chunks of ids that expire in that second
///     "due" second chunk   -> up to 64 ids
///     "time"               -> the last block's second
///
/// Memory: about 250 bytes for every entry that has not expired.
#pragma once

#include <unordered_set>
#include <vector>

#include "common/consensus/application.hpp"

namespace kilter::consensus {

/// Whether this id is there.
[[nodiscard]] bool seen(const crypto::MerkleMap& map, const EntryId& id);

/// The map of a log that begins at this time.
[[nodiscard]] crypto::MerkleMap nothing_seen(UnixMs time_ms);

/// The ids of one block on top of one state.
class SeenIds {
  public:
    explicit SeenIds(UnixMs block_time_ms) : time_ms_(block_time_ms) {}

    /// Refused: expired at the block's time, expires more than a day later, or is on the log already.
    [[nodiscard]] Verdict judge(const crypto::MerkleMap& parent, const SealedEntry& entry) const;
    /// REQUIRES: judge() said ready.
    void add(const SealedEntry& entry);
    /// Writes what was added into the map and forgets what has expired.
    void finish(crypto::MerkleMap& map) const;

  private:
    struct Seen {
        EntryId id;
        UnixMs expires_ms = 0;
    };

    UnixMs time_ms_;
    std::vector<Seen> added_;
    std::unordered_set<EntryId> ids_;  // of added_
};

}  // namespace kilter::consensus
