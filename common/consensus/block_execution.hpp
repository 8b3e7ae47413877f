/// A block's entries applied in order: the application's rules, and around them those of the log's own entries, which only
/// members of the running epoch make, about that epoch. An epoch change is the last entry of its block; a key that was a member once and left never returns, so a machine that lost
/// its journal comes back only under a new key.
#pragma once

#include "common/consensus/application.hpp"
#include "common/consensus/epoch.hpp"

namespace kilter::consensus {

/// Of the newest epoch that this state knows of; until the first change, genesis'.
ValidatorSet members(const crypto::MerkleMap& state, const ValidatorSet& genesis);

/// Whether this key was a member of an epoch that ended.
bool was_member(const crypto::MerkleMap& state, const PublicKey& key);

class BlockExecution final : public Execution {
  public:
    /// `application`: begun on `parent`.
    BlockExecution(std::unique_ptr<Execution> application,
                   StatePtr parent,
                   const ChainId& chain,
                   Epoch epoch,
                   const ValidatorSet& validators);

    Verdict apply(const SealedEntry& entry) override;
    StatePtr finish() override;

    /// The set of an epoch change applied; zero: none.
    [[nodiscard]] Digest next_validators() const { return next_ ? next_->hash() : Digest{}; }

  private:
    [[nodiscard]] Verdict judge(const EpochChange& change) const;
    [[nodiscard]] Verdict judge(const Evidence& evidence) const;
    [[nodiscard]] Verdict judge_own(const Entry& entry) const;

    std::unique_ptr<Execution> application_;
    StatePtr parent_;
    const ChainId& chain_;
    Epoch epoch_;
    const ValidatorSet& validators_;
    std::optional<ValidatorSet> next_;
};

}  // namespace kilter::consensus
