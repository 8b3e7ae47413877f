#include "agent/core/outbox.hpp"

#include "agent/core/damaged_memory.hpp"

namespace kilter::agent {

std::string Outbox::key_of(const consensus::EntryId& id) {
    return std::string(outbox_prefix) + to_hex(id.view());
}

Result<Outbox> Outbox::recall(const Memory& memory) {
    Outbox out;
    for (auto at = memory.lower_bound(std::string(outbox_prefix));
         at != memory.end() && at->first.starts_with(outbox_prefix); ++at) {
        if (at->second.empty()) continue;
        const auto entry = consensus::decode_sealed(at->second);
        if (!entry) return damaged_memory(at->first);
        out.entries_[(*entry)->id] = {at->second, (*entry)->entry.expires_ms};
    }
    return out;
}

void Outbox::add(const consensus::EntryPtr& entry, Outputs& out) {
    entries_[entry->id] = {entry->encoded, entry->entry.expires_ms};
    out.persist[key_of(entry->id)] = entry->encoded;
}

void Outbox::settle(const consensus::EntryId& id, Outputs& out) {
    const auto found = entries_.find(id);
    if (found != entries_.end()) erase(found, out);
}

std::size_t Outbox::expire(UnixMs now, Outputs& out) {
    std::size_t count = 0;
    for (auto at = entries_.begin(); at != entries_.end();) {
        const auto next = std::next(at);
        if (now >= at->second.expires_ms) {
            erase(at, out);
            ++count;
        }
        at = next;
    }
    return count;
}

void Outbox::erase(std::map<consensus::EntryId, Waiting>::iterator place, Outputs& out) {
    out.persist[key_of(place->first)] = {};
    entries_.erase(place);
}

std::vector<Bytes> Outbox::encoded() const {
    std::vector<Bytes> out;
    for (const auto& [id, waiting] : entries_)
        out.push_back(waiting.encoded);
    return out;
}

}  // namespace kilter::agent
