/// The guard that owns the key and the journal: the only place that signs votes, and it refuses whatever contradicts a
/// vote it made before. In one view: one notar; skip and final exclude each other; final only for the block notarised.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/consensus/vote.hpp"

namespace kilter::consensus {

class Signer {
  public:
    /// `journal`: own votes from disk. KILTER_CHECKs that they are own and do not contradict.
    Signer(crypto::Identity identity,
           const ChainId& chain,
           ReplicaIndex index,
           View floor,
           const std::vector<Vote>& journal);

    struct Signed {
        Vote vote;
        bool fresh = false;  ///< not in the journal before: must be durable before it is sent
    };

    /// None: contradicts the journal, or the view is not above the floor, where the journal is forgotten.
    std::optional<Signed> sign(VoteKind kind, View view, const BlockHash& hash);

    [[nodiscard]] const Vote* made(VoteKind kind, View view) const;
    /// All votes kept, newest view first, of at most `views` views.
    [[nodiscard]] std::vector<Vote> journal(std::size_t views) const;
    /// Everything up to `view` is final: forget it, and never sign there again.
    void raise_floor(View view);

    [[nodiscard]] ReplicaIndex index() const { return index_; }

  private:
    struct ViewVotes {
        std::optional<Vote> notar, skip, final;
        [[nodiscard]] const std::optional<Vote>& of(VoteKind kind) const;
        std::optional<Vote>& of(VoteKind kind);
    };

    crypto::Identity identity_;
    ChainId chain_;
    ReplicaIndex index_;
    View floor_;
    std::map<View, ViewVotes> votes_;
};

}  // namespace kilter::consensus
