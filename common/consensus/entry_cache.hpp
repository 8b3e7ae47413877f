/// Entries seen lately. Most come twice, once on their way to whoever leads and once in a block: the second time the same
/// bytes need no second decoding, and no second digest.
#pragma once

#include <unordered_map>

#include "common/consensus/entry.hpp"

namespace kilter::consensus {

class EntryCache {
  public:
    /// Remembers at least the newest `capacity` entries, and at most twice as many.
    explicit EntryCache(std::size_t capacity) : capacity_(capacity) {}

    /// decode_sealed(encoded), or the entry that these very bytes gave before.
    Result<EntryPtr> decode(ByteView encoded);
    void insert(const EntryPtr& entry);

  private:
    using Generation = std::unordered_map<std::uint64_t, EntryPtr>;

    std::size_t capacity_;
    Generation young_,
        old_;  // by the signature's first bytes; whether it is the entry, the bytes say
};

}  // namespace kilter::consensus
