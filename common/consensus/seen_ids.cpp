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

Bytes form_key() {
    return ByteWriter{}.text("id").text("form").bytes();
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

/// Calls `visit` with every id that expires in this second, chunk by chunk.
template <class Visit>
std::uint64_t for_each_due(const MerkleMap& map, std::int64_t second, Visit visit) {
    const std::uint64_t chunks = number(map, due_key(second));
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
        const Bytes ids = *map.find(due_key(second, chunk));
        for (ByteReader in(ids); in.left() > 0;)
            visit(in.fixed<EntryId>());
    }
    return chunks;
}

std::int64_t time_in(const MerkleMap& map) {
    return static_cast<std::int64_t>(number(map, time_key()));
}

/// After a block of this second nothing expires later.
std::int64_t last_due(std::int64_t second) {
    return second + limits::entry_life_ms_max / second_ms + 1;
}

void forget_expired(MerkleMap& map, UnixMs time_ms, SeenForm form) {
    const std::int64_t now = time_ms / second_ms;
    const std::int64_t before = time_in(map);
    if (now <= before) return;
    for (std::int64_t second = before; second < std::min(now, last_due(before) + 1); ++second) {
        const std::uint64_t chunks = for_each_due(map, second, [&](const EntryId& id) {
            if (form == SeenForm::pairs) map.erase(id_key(id));
        });
        for (std::uint64_t chunk = 0; chunk < chunks; ++chunk)
            map.erase(due_key(second, chunk));
        if (chunks > 0) map.erase(due_key(second));
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

SeenForm seen_form(const MerkleMap& map) {
    return map.find(form_key()) == nullptr ? SeenForm::pairs : SeenForm::lists;
}

bool seen(const LedgerState& state, const EntryId& id) {
    if (const SeenSetPtr set = state.seen()) return set->contains_since(id, time_in(*state.map()));
    return state.map()->find(id_key(id)) != nullptr;
}

MerkleMap nothing_seen(UnixMs time_ms, SeenForm form) {
    MerkleMap map;
    set_number(map, time_key(), static_cast<std::uint64_t>(time_ms / second_ms));
    if (form == SeenForm::lists) map.set(form_key(), {});
    return map;
}

StatePtr state_without_ids(UnixMs time_ms, SeenForm form) {
    return std::make_shared<MapState>(
        nothing_seen(time_ms, form),
        form == SeenForm::lists ? std::make_shared<const SeenSet>() : nullptr);
}

SeenSetPtr read_seen(const MerkleMap& map) {
    if (seen_form(map) == SeenForm::pairs) return nullptr;
    const std::int64_t now = time_in(map);
    std::vector<SeenSet::One> ids;
    for (std::int64_t second = now; second <= last_due(now); ++second)
        for_each_due(map, second, [&](const EntryId& id) { ids.push_back({id, second}); });
    return std::make_shared<const SeenSet>(SeenSet{}.with(std::move(ids), now));
}

MapState::MapState(MerkleMap map) : map_(std::move(map)), seen_(read_seen(map_)) {}

Verdict SeenIds::judge(const MerkleMap& parent, const SealedEntry& entry) const {
    const UnixMs expires_ms = entry.entry.expires_ms;
    if (expires_ms < time_ms_) return {Admission::refused, "the entry has expired"};
    if (expires_ms > time_ms_ + limits::entry_life_ms_max)
        return {Admission::refused,
                "the entry expires more than a day ahead; sign it with an earlier expiry"};
    if (ids_.contains(entry.id) || (before_ ? before_->contains(entry.id, expires_ms / second_ms)
                                            : parent.find(id_key(entry.id)) != nullptr))
        return {Admission::refused, "the entry is on the log already"};
    return {};
}

void SeenIds::add(const SealedEntry& entry) {
    added_.push_back({entry.id, entry.entry.expires_ms / second_ms});
    ids_.insert(entry.id);
}

SeenSetPtr SeenIds::finish(MerkleMap& map, SeenForm form) const {
    const SeenForm parents = before_ ? SeenForm::lists : SeenForm::pairs;
    std::map<std::int64_t, std::vector<EntryId>> due;
    for (const SeenSet::One& one : added_) {
        if (parents == SeenForm::pairs) map.set(id_key(one.id), {});
        due[one.second].push_back(one.id);
    }
    for (const auto& [second, ids] : due)
        append(map, second, ids);
    // What this block added expires no earlier than the block: nothing of it is forgotten here.
    forget_expired(map, time_ms_, parents);
    const std::int64_t now = time_in(map);
    if (before_) return std::make_shared<const SeenSet>(before_->with(added_, now));
    if (form == SeenForm::pairs) return nullptr;
    for (std::int64_t second = now; second <= last_due(now); ++second)
        for_each_due(map, second, [&](const EntryId& id) { map.erase(id_key(id)); });
    map.set(form_key(), {});
    return read_seen(map);
}

}  // namespace kilter::consensus
