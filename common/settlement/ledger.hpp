/// The rules of the log's content: which entries may follow which.
///
/// - Any entry: it is not expired and expires within a day, its id and its semantic key are new.
/// - Roster change: by who may grant, at first the operator; to the next epoch; no key that was ever revoked; the roster it
///   leads to has the digest it names, and every certificate there is valid at the block's time.
/// - Interim record: by one of its members, once its interval has begun: signed by more than half of the net's homes, from a
///   record that the log holds and whose horizon reaches that far, and within the market's tolerance of that record's sum.
///   Otherwise as any cleared net, which also says that there is none for an interval that was cleared with the feeder.
/// - Cleared net: by a validator of the current epoch; its roster epoch exists; every member is, on the newest roster, a
///   home of that net with a certificate valid at the block's time, or was one in the record's epoch and left at most two
///   minutes ago: its session had begun; and signed statement_of() it; one per interval and net. None while the market
///   is stopped.
/// - Tie prices: by a validator; one per feeder and interval. Reads, positions, bills, disclosures: money_rules.hpp.
/// - Neighbouring logs, anchors, trades over a tie: neighbour_rules.hpp. Corrected reads and bills: correction_rules.hpp.
/// - Proposal, statement: as the constitution in force at the block's height allows (governance/docket.hpp).
/// - Version 2 of the rule "ledger": ids are kept as lists alone (consensus/seen_ids.hpp). From a log's genesis on, or from
///   the height at which the docket says so; the state changes its form in the first block there. Interim records.
/// - Version 3: no anchor above the end of its epoch or of a closing block (neighbour_rules.hpp). Cleared nets and tie prices by
///   a validator whose certificate is for that feeder (feeder 0 if it has none); tie prices of other feeders than 0.
/// - Change of epoch: where the constitution names a power over validators, only to the set it has decided on.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/consensus/application.hpp"
#include "common/governance/known_rules.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

/// The newest roster of the state that was looked at last, decoded: executions follow each other by the entry, and all of
/// them ask for the same third of a megabyte.
class DecodedRoster;

/// Executions of one ledger are used by one thread; check() by any.
class Ledger final : public consensus::Application {
  public:
    /// `known`: the rules this program can follow.
    explicit Ledger(Genesis genesis, governance::KnownRules known = governance::known_rules());

    [[nodiscard]] Result<void> check(const consensus::Entry& entry) const override;
    [[nodiscard]] consensus::StatePtr initial() const override;
    [[nodiscard]] std::unique_ptr<consensus::Execution> begin(const consensus::StatePtr& parent,
                                                              consensus::Height height,
                                                              UnixMs time_ms) const override;
    [[nodiscard]] Result<void> understands(const consensus::LedgerState& parent,
                                           consensus::Height height) const override;
    [[nodiscard]] bool contains(const consensus::LedgerState& state,
                                const consensus::EntryId& id) const override;

    [[nodiscard]] const Genesis& genesis() const { return genesis_; }

    [[nodiscard]] const ChainId& chain() const { return chain_; }

  private:
    Genesis genesis_;
    ChainId chain_;
    governance::KnownRules known_;
    std::shared_ptr<DecodedRoster> roster_;
};

// Questions to a state of this ledger. REQUIRES: the state is a Ledger's.

/// The newest; epoch 0, and nobody on it, before the first change.
Roster roster(const consensus::LedgerState& state);
std::uint64_t roster_epoch(const consensus::LedgerState& state);
governance::Docket docket(const consensus::LedgerState& state, const Genesis& genesis);
/// Every case there ever was, ascending by number.
std::vector<governance::Case> cases(const consensus::LedgerState& state, const Genesis& genesis);
/// Every key that was ever revoked, in the order of its revocation.
std::vector<PublicKey> revoked_keys(const consensus::LedgerState& state);
/// The id of the entry that holds this semantic key.
std::optional<consensus::EntryId> entry_with_key(const consensus::LedgerState& state, ByteView key);

}  // namespace kilter::settlement
