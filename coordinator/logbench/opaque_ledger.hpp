/// What the log orders while it is measured: entries nobody looks into. The rule is the log's own: an entry is on it once,
/// and not after its expiry. How a replica remembers which are there already is what the two kinds differ in.
#pragma once

#include <cstdint>

#include "common/consensus/application.hpp"

namespace kilter::coordinator {

inline constexpr consensus::EntryType opaque_entry = 100;

enum class Memory : std::uint8_t {
    /// As the settlement's ledger: every id until it expires, in a Merkle map that travels as a snapshot.
    ids,
    /// Per author the newest 16,384 counters: constant work and space, nothing to travel.
    counters,
};

class OpaqueLedger final : public consensus::Application {
  public:
    OpaqueLedger(Memory memory, UnixMs genesis_ms) : memory_(memory), genesis_ms_(genesis_ms) {}

    [[nodiscard]] Result<void> check(const consensus::Entry& entry) const override;
    [[nodiscard]] consensus::StatePtr initial() const override;
    [[nodiscard]] std::unique_ptr<consensus::Execution> begin(const consensus::StatePtr& parent,
                                                              consensus::Height,
                                                              UnixMs time_ms) const override;
    [[nodiscard]] bool contains(const consensus::LedgerState& state,
                                const consensus::EntryId& id) const override;

  private:
    Memory memory_;
    UnixMs genesis_ms_;
};

}  // namespace kilter::coordinator
