// The smallest ledger that has the log's rules: ids and keys once, nothing expired. State: what was applied.
#pragma once

#include <set>

#include "common/consensus/application.hpp"

namespace kilter::consensus {

struct ToyState final : LedgerState {
    std::set<EntryId> ids;
    std::set<Bytes> keys;

    [[nodiscard]] Digest root() const override {
        ByteWriter out;
        for (const EntryId& id : ids)
            out.raw(id.view());
        return crypto::digest("toy", out.bytes());
    }
};

class ToyExecution final : public Execution {
  public:
    ToyExecution(const ToyState& parent, UnixMs time_ms) : time_ms_(time_ms) {
        state_->ids = parent.ids;
        state_->keys = parent.keys;
    }

    Verdict apply(const SealedEntry& entry) override {
        if (entry.entry.expires_ms < time_ms_) return {Admission::refused, "expired"};
        if (state_->ids.contains(entry.id)) return {Admission::refused, "known"};
        if (!entry.entry.key.empty() && state_->keys.contains(entry.entry.key))
            return {Admission::refused, "key taken"};
        // A body of eight bytes names a count of entries that must be there first.
        if (entry.entry.body.size() == 8 && ByteReader(entry.entry.body).u64() > state_->ids.size())
            return {Admission::later, "too early"};
        state_->ids.insert(entry.id);
        if (!entry.entry.key.empty()) state_->keys.insert(entry.entry.key);
        return {};
    }

    StatePtr finish() override { return state_; }

  private:
    UnixMs time_ms_;
    std::shared_ptr<ToyState> state_ = std::make_shared<ToyState>();
};

class ToyLedger final : public Application {
  public:
    [[nodiscard]] Result<void> check(const Entry& entry) const override {
        if (!entry.body.empty() && entry.body[0] == 0xff) return Error{"malformed body"};
        return {};
    }

    [[nodiscard]] StatePtr initial() const override { return std::make_shared<ToyState>(); }

    [[nodiscard]] std::unique_ptr<Execution> begin(const StatePtr& parent,
                                                   UnixMs time_ms) const override {
        return std::make_unique<ToyExecution>(dynamic_cast<const ToyState&>(*parent), time_ms);
    }

    [[nodiscard]] bool contains(const LedgerState& state, const EntryId& id) const override {
        return dynamic_cast<const ToyState&>(state).ids.contains(id);
    }
};

}  // namespace kilter::consensus
