/// The ids of the state's lists (seen_ids.hpp) as a set, to be asked quickly: beside the state, not part of it, and read out
/// of it again where a state came from elsewhere.
///
/// Immutable: a block's set is its parent's and one layer more, so that every branch of blocks has its own and shares what is
/// below. A new layer takes up those before it that are not more than twice its size: few layers to ask, and an id moves
/// O(log n) times. A layer knows the seconds its ids expire in, so most are passed over; one whose last second has passed
/// is dropped.
#pragma once

#include <memory>
#include <vector>

#include "common/consensus/types.hpp"
#include "common/crypto/merkle_map.hpp"

namespace kilter::consensus {

class SeenSet;
using SeenSetPtr = std::shared_ptr<const SeenSet>;

class SeenSet {
  public:
    struct One {
        EntryId id;
        std::int64_t second = 0;  ///< in which it expires
    };

    /// Ids of any number of seconds, each once, none of them there yet. `now`: ids of earlier seconds may be forgotten.
    [[nodiscard]] SeenSet with(std::vector<One> added, std::int64_t now) const;

    [[nodiscard]] bool contains(const EntryId& id, std::int64_t second) const;
    /// Whatever its second, if that is not before `now`.
    [[nodiscard]] bool contains_since(const EntryId& id, std::int64_t now) const;

    [[nodiscard]] std::size_t layers() const { return layers_.size(); }

  private:
    class Layer;
    std::vector<std::shared_ptr<const Layer>> layers_;  // the oldest first
};

}  // namespace kilter::consensus
