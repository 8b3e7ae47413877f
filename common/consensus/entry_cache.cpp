#include "common/consensus/entry_cache.hpp"

#include <cstring>

namespace kilter::consensus {

namespace {
/// REQUIRES: at least a signature.
std::uint64_t key_of(ByteView encoded) {
    return ByteReader(encoded.last(Signature::size)).u64();
}

bool same(ByteView a, ByteView b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}
}  // namespace

Result<EntryPtr> EntryCache::decode(ByteView encoded) {
    if (encoded.size() < Signature::size) return decode_sealed(encoded);
    const std::uint64_t key = key_of(encoded);
    for (const Generation* generation : {&young_, &old_}) {
        const auto found = generation->find(key);
        if (found != generation->end() && same(found->second->encoded, encoded))
            return found->second;
    }
    Result<EntryPtr> entry = decode_sealed(encoded);
    if (entry) insert(*entry);
    return entry;
}

void EntryCache::insert(const EntryPtr& entry) {
    if (young_.size() >= capacity_) {
        old_ = std::move(young_);
        young_ = {};
    }
    young_[key_of(entry->encoded)] = entry;
}

}  // namespace kilter::consensus
