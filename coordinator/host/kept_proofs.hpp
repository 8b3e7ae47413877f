/// What a coordinator shows to whoever does not take its word, each in a file of its own in the state directory, because it
/// outlives the block it comes from in the store: roster.receipt (the newest roster's), rules.proof (the docket's, after the
/// block that changed it last) and log.epochs (all epochs of the log; for a coordinator that is away until all whom it knows
/// are gone: somebody carries the file there).
///
/// One that cannot be written, because the disk is full, ends nothing: all of it comes from the store, which does end the
/// process when it cannot be written. The file before it stays, and this one is written as soon as it can be.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/settlement/genesis.hpp"
#include "common/settlement/roster.hpp"
#include "common/storage/log_store.hpp"
#include "common/wire/messages.hpp"

namespace kilter::coordinator {

class KeptProofs {
  public:
    /// `genesis` must outlive it.
    KeptProofs(std::filesystem::path state_directory, const settlement::Genesis& genesis)
        : directory_(std::move(state_directory)), genesis_(genesis) {}

    /// This roster with its receipt. Nothing: neither the store nor the file has it any more; others have to show it.
    [[nodiscard]] std::optional<wire::RosterUpdate> roster(const settlement::Roster& roster,
                                                           storage::LogStore& store);

    /// The docket as it is after this block.
    [[nodiscard]] std::optional<wire::RulesUpdate> rules(const consensus::Finalised& final,
                                                         const consensus::LedgerState& state,
                                                         storage::LogStore& store);
    /// The one kept, if this edition is in force at `next` by it.
    [[nodiscard]] std::optional<wire::RulesUpdate> kept_rules(std::uint64_t edition,
                                                              consensus::Height next) const;

    void keep_epochs(std::vector<consensus::EpochProof> proofs);

    /// Writes what could not be written; call it every few seconds.
    void retry();

  private:
    void keep(const std::string& name, const Bytes& proof);
    [[nodiscard]] Result<void> write(const std::string& name, const Bytes& proof) const;
    [[nodiscard]] std::optional<Bytes> kept(const std::string& name) const;

    std::filesystem::path directory_;
    const settlement::Genesis& genesis_;
    std::map<std::string, Bytes> unwritten_;
};

}  // namespace kilter::coordinator
