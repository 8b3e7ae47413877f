#include "common/consensus/mempool.hpp"

#include "common/base/limits.hpp"

namespace kilter::consensus {

Mempool::Added Mempool::add(EntryPtr entry, UnixMs arrival_ms, bool ready) {
    const Entry& content = entry->entry;
    const std::size_t size = entry->encoded.size();
    if (ready && !content.key.empty() && keys_.contains(content.key)) return Added::key_waits;
    const auto author = authors_.find(content.author);
    const Share share = author == authors_.end() ? Share{} : author->second;
    if (index_.size() >= limits::mempool_entries_max || bytes_ + size > limits::mempool_bytes_max ||
        share.entries >= limits::mempool_entries_max / limits::mempool_share ||
        share.bytes + size > limits::mempool_bytes_max / limits::mempool_share)
        return Added::full;
    authors_[content.author] = {share.entries + 1, share.bytes + size};
    bytes_ += size;
    if (ready && !content.key.empty()) keys_.emplace(content.key, entry->id);
    expiries_.emplace(content.expires_ms, entry->id);
    if (ready) ++arrivals_;
    std::list<Item>& list = ready ? ready_ : parked_;
    const EntryId id = entry->id;
    index_.emplace(id, Place{&list, list.insert(list.end(), {std::move(entry), arrival_ms})});
    return Added::added;
}

EntryPtr Mempool::find(const EntryId& id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? nullptr : found->second.at->entry;
}

void Mempool::remove(const EntryId& id) {
    const auto found = index_.find(id);
    if (found == index_.end()) return;
    const auto [list, at] = found->second;
    const Entry& content = at->entry->entry;
    const std::size_t size = at->entry->encoded.size();
    if (const auto key = keys_.find(content.key); key != keys_.end() && key->second == id)
        keys_.erase(key);
    expiries_.erase({content.expires_ms, id});
    const auto author = authors_.find(content.author);
    author->second.bytes -= size;
    if (--author->second.entries == 0) authors_.erase(author);
    bytes_ -= size;
    list->erase(at);
    index_.erase(found);
}

void Mempool::remove_final(const SealedEntry& entry) {
    remove(entry.id);
    if (const auto key = keys_.find(entry.entry.key); key != keys_.end()) {
        const EntryId rival = key->second;
        remove(rival);
    }
}

void Mempool::remove_expired(UnixMs now_ms) {
    while (!expiries_.empty() && expiries_.begin()->first < now_ms) {
        const EntryId id = expiries_.begin()->second;
        remove(id);
    }
}

void Mempool::doubt() {
    while (!ready_.empty()) {
        const Item item = ready_.front();
        remove(item.entry->id);
        (void)add(item.entry, item.arrival_ms, false);
    }
}

void Mempool::reconsider(const std::function<Admission(const SealedEntry&)>& judge) {
    for (auto at = parked_.begin(); at != parked_.end();) {
        const auto next = std::next(at);
        const Item item = *at;
        const Admission admission = judge(*item.entry);
        if (admission != Admission::later) {
            remove(item.entry->id);
            if (admission == Admission::ready) (void)add(item.entry, item.arrival_ms, true);
        }
        at = next;
    }
}

}  // namespace kilter::consensus
