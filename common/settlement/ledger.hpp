/// The rules of the log's content: which entries may follow which.
///
/// - Any entry: it is not expired and expires within a day, its id and its semantic key are new.
/// - Roster: by the operator, the next epoch, every member enrolled in that role, keys distinct.
/// - Cleared net: by a validator of the current epoch; its roster epoch exists; every member is a home of that net there
/// and signed
///   clearing_statement(); one per interval and net.
#pragma once

#include <optional>

#include "common/consensus/application.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

class Ledger final : public consensus::Application {
  public:
    explicit Ledger(Genesis genesis);

    [[nodiscard]] Result<void> check(const consensus::Entry& entry) const override;
    [[nodiscard]] consensus::StatePtr initial() const override;
    [[nodiscard]] std::unique_ptr<consensus::Execution> begin(const consensus::StatePtr& parent,
                                                              UnixMs time_ms) const override;
    [[nodiscard]] bool contains(const consensus::LedgerState& state,
                                const consensus::EntryId& id) const override;

    [[nodiscard]] const Genesis& genesis() const { return genesis_; }

    [[nodiscard]] const ChainId& chain() const { return chain_; }

  private:
    Genesis genesis_;
    ChainId chain_;
};

// Questions to a state of this ledger. REQUIRES: the state is a Ledger's.

/// 0 before the first roster.
std::uint64_t roster_epoch(const consensus::LedgerState& state);
std::optional<Roster> roster(const consensus::LedgerState& state, std::uint64_t epoch);
/// The id of the entry that holds this semantic key.
std::optional<consensus::EntryId> entry_with_key(const consensus::LedgerState& state, ByteView key);

}  // namespace kilter::settlement
