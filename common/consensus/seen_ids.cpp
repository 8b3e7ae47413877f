#include "common/consensus/seen_ids.hpp"

#include <algorithm>
#include <map>

#include "common/base/limits.hpp"

namespace kilter::consensus {

namespace {
using crypto::MerkleMap;

constexpr std::size_t chunk_bytes = 64 * EntryId::size;
constexpr std::int64_t second_ms = 1'000;

Bytes id_key(const EntryId& id) {
    return ByteWriter{}.text("id").raw(id.view()).bytes();
}

Bytes due_key(std::int64_t second) {
    return ByteWriter{}.text("due").i64(second).bytes();
}

Bytes due_key(std::int64_t second, std::uint64_t chunk) {
    return ByteWriter{}.text("due").i64(second).u64(chunk).bytes();
}

Bytes time_key() {
    return ByteWriter{}.text("time").bytes();
}

std::uint64_t number(const MerkleMap& map, const Bytes& key) {
    const Bytes* value = map.find(key);
    return value == nullptr ? 0 : ByteReader(*value).u64();
}

void set_number(MerkleMap& map, const Bytes& key, std::uint64_t value) {
    map.set(key, ByteWriter{}.u64(value).bytes());
}

void forget_expired(MerkleMap& map, UnixMs time_ms) {
    const std::int64_t now = time_ms / second_ms;
    const auto before = static_cast<std::int64_t>(number(map, time_key()));
    if (now <= before) return;
    const std::int64_t last_due = before + limits::entry_life_ms_max / second_ms + 1;
    for (std::int64_t second = before; second < std::min(now, last_due + 1); ++second) {
        const std::uint64_t chunks = number(map, due_key(second));
        if (chunks == 0) continue;
        for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
            const Bytes ids = *map.find(due_key(second, chunk));
            ByteReader in(ids);
            while (in.left() > 0)
                map.erase(id_key(in.fixed<EntryId>()));
            map.erase(due_key(second, chunk));
        }
        map.erase(due_key(second));
    }
    set_number(map, time_key(), static_cast<std::uint64_t>(now));
}

/// Appends ids that expire in one second to its last chunk, and to new ones.
void append(MerkleMap& map, std::int64_t second, const std::vector<EntryId>& ids) {
    std::uint64_t chunks = number(map, due_key(second));
    Bytes last;
    if (chunks > 0) last = *map.find(due_key(second, chunks - 1));
    if (chunks == 0 || last.size() == chunk_bytes) {
        last.clear();
        ++chunks;
    }
    for (const EntryId& id : ids) {
        if (last.size() == chunk_bytes) {
            map.set(due_key(second, chunks - 1), std::move(last));
            last = {};
            ++chunks;
        }
        last.insert(last.end(), id.bytes.begin(), id.bytes.end());
    }
    map.set(due_key(second, chunks - 1), std::move(last));
    set_number(map, due_key(second), chunks);
}
}  // namespace

bool seen(const MerkleMap& map, const EntryId& id) {
    return map.find(id_key(id)) != nullptr;
}

MerkleMap nothing_seen(UnixMs time_ms) {
    MerkleMap map;
    set_number(map, time_key(), static_cast<std::uint64_t>(time_ms / second_ms));
    return map;
}

Verdict SeenIds::judge(const MerkleMap& parent, const SealedEntry& entry) const {
    if (entry.entry.expires_ms < time_ms_) return {Admission::refused, "the entry has expired"};
    if (entry.entry.expires_ms > time_ms_ + limits::entry_life_ms_max)
        return {Admission::refused,
                "the entry expires more than a day ahead; sign it with an earlier expiry"};
    if (ids_.contains(entry.id) || seen(parent, entry.id))
        return {Admission::refused, "the entry is on the log already"};
    return {};
}

void SeenIds::add(const SealedEntry& entry) {
    added_.push_back({entry.id, entry.entry.expires_ms});
    ids_.insert(entry.id);
}

void SeenIds::finish(MerkleMap& map) const {
    std::map<std::int64_t, std::vector<EntryId>> due;
    for (const Seen& one : added_) {
        map.set(id_key(one.id), {});
        due[one.expires_ms / second_ms].push_back(one.id);
    }
    for (const auto& [second, ids] : due)
        append(map, second, ids);
    // What this block added expires no earlier than the block: nothing of it is forgotten here.
    forget_expired(map, time_ms_);
}

}  // namespace kilter::consensus
