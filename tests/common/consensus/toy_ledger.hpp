// The smallest ledger that has the log's rules: ids and keys once, nothing expired, and entries of one type only first of all.
// State: what was applied.
#pragma once

#include "common/consensus/application.hpp"

namespace kilter::consensus {

inline constexpr EntryType opening_entry = 2;

class ToyExecution final : public Execution {
  public:
    ToyExecution(crypto::MerkleMap map, UnixMs time_ms) : map_(std::move(map)), time_ms_(time_ms) {}

    static Bytes id_key(const EntryId& id) {
        return ByteWriter{}.text("id").raw(id.view()).bytes();
    }

    static Bytes unique_key(ByteView key) { return ByteWriter{}.text("key").raw(key).bytes(); }

    static Bytes count_key() { return ByteWriter{}.text("count").bytes(); }

    Verdict apply(const SealedEntry& entry) override {
        if (entry.entry.expires_ms < time_ms_) return {Admission::refused, "expired"};
        if (map_.find(id_key(entry.id)) != nullptr) return {Admission::refused, "known"};
        if (!entry.entry.key.empty() && map_.find(unique_key(entry.entry.key)) != nullptr)
            return {Admission::refused, "key taken"};
        const Bytes* stored = map_.find(count_key());
        const std::uint64_t count = stored == nullptr ? 0 : ByteReader(*stored).u64();
        if (entry.entry.type == opening_entry && count > 0) return {Admission::refused, "too late"};
        // A body of eight bytes names a count of entries that must be there first.
        if (entry.entry.body.size() == 8 && ByteReader(entry.entry.body).u64() > count)
            return {Admission::later, "too early"};
        map_ =
            map_.with(id_key(entry.id), {}).with(count_key(), ByteWriter{}.u64(count + 1).bytes());
        if (!entry.entry.key.empty()) map_ = map_.with(unique_key(entry.entry.key), {});
        return {};
    }

    StatePtr finish() override { return std::make_shared<MapState>(std::move(map_)); }

  private:
    crypto::MerkleMap map_;
    UnixMs time_ms_;
};

class ToyLedger final : public Application {
  public:
    [[nodiscard]] Result<void> check(const Entry& entry) const override {
        if (!entry.body.empty() && entry.body[0] == 0xff) return Error{"malformed body"};
        return {};
    }

    [[nodiscard]] StatePtr initial() const override {
        return std::make_shared<MapState>(crypto::MerkleMap{});
    }

    [[nodiscard]] std::unique_ptr<Execution> begin(const StatePtr& parent,
                                                   Height,
                                                   UnixMs time_ms) const override {
        return std::make_unique<ToyExecution>(*parent->map(), time_ms);
    }

    [[nodiscard]] bool contains(const LedgerState& state, const EntryId& id) const override {
        return state.map()->find(ToyExecution::id_key(id)) != nullptr;
    }
};

}  // namespace kilter::consensus
