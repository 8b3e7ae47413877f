/// What a coordinator shows to whoever does not take its word, each in a file of its own in the state directory, because it
/// outlives the block it comes from in the store: roster.receipt (the newest roster's), rules.proof (the docket's, after the
/// block that changed it last) and log.epochs (all epochs of the log; for a coordinator that is away until all whom it knows
/// are gone: somebody carries the file there).
#pragma once

#include <filesystem>
#include <optional>

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
                                                           storage::LogStore& store) const;

    /// The docket as it is after this block.
    [[nodiscard]] std::optional<wire::RulesUpdate> rules(const consensus::Finalised& final,
                                                         const consensus::LedgerState& state,
                                                         storage::LogStore& store) const;
    /// The one kept, if this edition is in force at `next` by it.
    [[nodiscard]] std::optional<wire::RulesUpdate> kept_rules(std::uint64_t edition,
                                                              consensus::Height next) const;

    void keep_epochs(std::vector<consensus::EpochProof> proofs) const;

  private:
    void keep(const char* name, const Bytes& proof) const;
    [[nodiscard]] std::optional<Bytes> kept(const char* name) const;

    std::filesystem::path directory_;
    const settlement::Genesis& genesis_;
};

}  // namespace kilter::coordinator
