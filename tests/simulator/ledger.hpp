/// The smallest ledger that has the log's rules: ids and semantic keys once, nothing expired, some entries that wait for
/// others. A state is its parent and what one block added, so that branching is free.
#pragma once

#include <algorithm>
#include <array>
#include <set>

#include "common/consensus/application.hpp"

namespace kilter::consensus::simulation {

class SmallState final : public LedgerState {
  public:
    SmallState() = default;

    SmallState(std::shared_ptr<const SmallState> parent,
               std::vector<EntryId> ids,
               std::vector<Bytes> keys);

    /// A sum over the entries: depends on what was applied, not on the order or on how it was stored.
    [[nodiscard]] Digest root() const override;
    [[nodiscard]] bool contains(const EntryId& id) const;
    [[nodiscard]] bool taken(const Bytes& key) const;

    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    std::shared_ptr<const SmallState> parent_;
    std::vector<EntryId> ids_;
    std::vector<Bytes> keys_;
    std::size_t layers_ = 0;
    std::size_t size_ = 0;
    std::array<std::uint64_t, 4> sum_{};
};

/// Entry bodies: 8 bytes name a count of entries that must be there first; a first byte of 0xff is malformed.
class SmallLedger final : public Application {
  public:
    [[nodiscard]] Result<void> check(const Entry& entry) const override;
    [[nodiscard]] StatePtr initial() const override;
    [[nodiscard]] std::unique_ptr<Execution> begin(const StatePtr& parent,
                                                   Height,
                                                   UnixMs time_ms) const override;
    [[nodiscard]] bool contains(const LedgerState& state, const EntryId& id) const override;
};

}  // namespace kilter::consensus::simulation
