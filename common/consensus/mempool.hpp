/// Entries that wait for a block: bounded in number, bytes and share per author, first come first served. Every entry in
/// it has passed its signature check once. Ready entries are valid in the final state; parked ones wait for something.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <set>
#include <unordered_map>

#include "common/consensus/application.hpp"

namespace kilter::consensus {

class Mempool {
  public:
    enum class Added : std::uint8_t { added, key_waits, full };

    struct Item {
        EntryPtr entry;
        UnixMs arrival_ms = 0;
    };

    /// REQUIRES: !find(entry->id). `key_waits`: a ready entry has the same semantic key.
    Added add(EntryPtr entry, UnixMs arrival_ms, bool ready);
    [[nodiscard]] EntryPtr find(const EntryId& id) const;

    /// In order of arrival.
    [[nodiscard]] const std::list<Item>& ready() const { return ready_; }

    /// How many entries have ever been ready: unchanged, nothing new can be proposed.
    [[nodiscard]] std::uint64_t arrivals() const { return arrivals_; }

    [[nodiscard]] std::size_t size() const { return index_.size(); }

    void remove(const EntryId& id);
    /// An entry became final: it and every other one with its key go.
    void remove_final(const SealedEntry& entry);
    void remove_expired(UnixMs now_ms);
    /// Ready entries wait for reconsider() again.
    void doubt();
    /// Asks about every parked entry again: ready ones move up, refused ones go.
    void reconsider(const std::function<Admission(const SealedEntry&)>& judge);

  private:
    struct Place {
        std::list<Item>* list;
        std::list<Item>::iterator at;
    };

    struct Share {
        std::size_t entries = 0;
        std::size_t bytes = 0;
    };

    std::list<Item> ready_;
    std::list<Item> parked_;
    std::unordered_map<EntryId, Place> index_;
    std::map<Bytes, EntryId> keys_;  // of ready entries
    std::set<std::pair<UnixMs, EntryId>> expiries_;
    std::unordered_map<PublicKey, Share> authors_;
    std::size_t bytes_ = 0;
    std::uint64_t arrivals_ = 0;
};

}  // namespace kilter::consensus
