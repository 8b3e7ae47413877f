/// The guard that owns the key and the journal: the only place that signs votes, and it refuses whatever contradicts a
/// vote it made before. In one view: one notar; skip and final exclude each other; final only for the block notarised.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/consensus/entry.hpp"
#include "common/consensus/vote.hpp"

namespace kilter::consensus {

/// A vote of this replica: only its signer makes one, so nothing else can put a vote into the journal.
class OwnVote {
  public:
    [[nodiscard]] const Vote& vote() const { return vote_; }

  private:
    friend class Signer;

    explicit OwnVote(const Vote& vote) : vote_(vote) {}

    Vote vote_;
};

class Signer {
  public:
    /// `journal`: own votes from disk. KILTER_CHECKs that they are own and do not contradict. Those of other epochs than
    /// the current one are ignored.
    Signer(crypto::Identity identity,
           const ChainId& chain,
           ReplicaIndex index,
           View floor,
           const std::vector<Vote>& journal,
           Epoch epoch = 0);

    struct Signed {
        Vote vote;
        std::optional<OwnVote>
            fresh;  ///< not in the journal before: must be durable before the vote is sent
    };

    /// None: contradicts the journal, or the view is not above the floor, where the journal is forgotten.
    std::optional<Signed> sign(VoteKind kind, View view, const BlockHash& hash);

    /// Signs what this replica itself appends to the log. No entry's signature can serve as a vote's.
    [[nodiscard]] EntryPtr author(Entry entry) const;

    [[nodiscard]] const Vote* made(VoteKind kind, View view) const;
    /// All votes kept, newest view first, of at most `views` views.
    [[nodiscard]] std::vector<Vote> journal(std::size_t views) const;
    /// Everything up to `view` is final: forget it, and never sign there again.
    void raise_floor(View view);

    /// The place in the new epoch's set; the journal of the epoch that ended is of no use any more.
    void begin_epoch(Epoch epoch, const ValidatorSet& validators, View floor);

    /// outsider: no member of the current epoch, signs no votes.
    [[nodiscard]] ReplicaIndex index() const { return index_; }

    [[nodiscard]] const PublicKey& public_key() const { return identity_.public_key(); }

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
    Epoch epoch_;
    std::map<View, ViewVotes> votes_;
};

}  // namespace kilter::consensus
