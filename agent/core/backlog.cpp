#include "agent/core/backlog.hpp"

#include <iterator>

#include "agent/core/damaged_memory.hpp"

namespace kilter::agent {

namespace {

constexpr UnixMs backlog_entry_life_ms = UnixMs{20} * 3'600'000;

std::string backlog_key(IntervalIndex interval) {
    return backlog_prefix + std::to_string(interval);
}

}  // namespace

Result<Backlog> Backlog::recall(const Memory& memory) {
    Backlog out;
    for (auto at = memory.lower_bound(std::string(backlog_prefix));
         at != memory.end() && at->first.starts_with(backlog_prefix); ++at) {
        if (at->second.empty()) continue;
        auto record = settlement::decode_cleared_net(at->second);
        if (!record || at->first != backlog_key(record->interval)) return damaged_memory(at->first);
        const IntervalIndex interval = record->interval;
        out.records_.emplace(interval, *std::move(record));
    }
    return out;
}

void Backlog::add(const settlement::ClearedNet& record, Outputs& out) {
    records_[record.interval] = record;
    out.persist[backlog_key(record.interval)] = settlement::encode(record);
    if (records_.size() <= kept_max) return;
    out.persist[backlog_key(records_.begin()->first)] = {};
    entries_.erase(records_.begin()->first);
    records_.erase(records_.begin());
}

Backlog::Settled Backlog::settle(const settlement::ClearedNet& record, Outputs& out) {
    const auto found = records_.find(record.interval);
    if (found == records_.end()) return Settled::unknown;
    const bool same = found->second == record;
    out.persist[backlog_key(record.interval)] = {};
    records_.erase(found);
    entries_.erase(record.interval);
    return same ? Settled::same : Settled::other;
}

const settlement::ClearedNet* Backlog::find(IntervalIndex interval) const {
    const auto found = records_.find(interval);
    return found == records_.end() ? nullptr : &found->second;
}

std::optional<IntervalIndex> Backlog::newest(IntervalIndex until) const {
    const auto after = records_.upper_bound(until);
    if (after == records_.begin()) return std::nullopt;
    return std::prev(after)->first;
}

bool Backlog::forget_after(IntervalIndex last, Outputs& out) {
    const auto first = records_.upper_bound(last);
    if (first == records_.end()) return false;
    for (auto record = first; record != records_.end(); ++record)
        out.persist[backlog_key(record->first)] = {};
    records_.erase(first, records_.end());
    entries_.erase(entries_.upper_bound(last), entries_.end());
    return true;
}

std::vector<consensus::EntryPtr> Backlog::due(const Charter& charter,
                                              UnixMs now,
                                              std::size_t count_max) {
    std::vector<consensus::EntryPtr> out;
    for (const auto& [interval, record] : records_) {
        if (out.size() == count_max ||
            now < interval_start(interval, charter.parameters.interval_s))
            break;
        consensus::EntryPtr& entry = entries_[interval];
        if (!entry || now + backlog_entry_life_ms / 2 > entry->entry.expires_ms)
            entry = settlement::make_entry(record, charter.genesis.chain_id(),
                                           static_cast<std::uint64_t>(now),
                                           now + backlog_entry_life_ms, charter.identity);
        out.push_back(entry);
    }
    return out;
}

}  // namespace kilter::agent
