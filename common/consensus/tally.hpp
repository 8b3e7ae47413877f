/// Who voted what. Signatures are verified only when a quorum may be there; the first vote of a signer, kind and view
/// counts, a second one that contradicts it is evidence.
///
/// Votes come from their signers over authenticated links (the caller sees to that), so an unverified bad vote can only
/// hurt its own signer.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "common/consensus/vote.hpp"

namespace kilter::consensus {

class Tally {
  public:
    Tally(const ChainId& chain, ValidatorSet validators, Epoch epoch = 0);

    /// `verified`: the caller knows the signature to be good. Evidence is only ever of two good signatures.
    std::optional<Evidence> add(const Vote& vote, bool verified);
    /// Of the votes now held for this block, unverified ones included.
    [[nodiscard]] std::size_t count(VoteKind kind, View view, const BlockHash& hash) const;
    /// Verifies what is not verified yet; votes with bad signatures are dropped and their signers listed in `liars`.
    std::optional<Cert> certificate(VoteKind kind,
                                    View view,
                                    const BlockHash& hash,
                                    std::vector<ReplicaIndex>& liars);
    /// As verify(cert), but checks no signature again that a vote here was checked with.
    bool holds(const Cert& cert);
    [[nodiscard]] bool voted(VoteKind kind, View view, ReplicaIndex signer) const;
    void forget_through(View view);

  private:
    struct Slot {
        std::optional<Vote> vote;
        bool verified = false;
    };

    struct SignerVotes {
        std::array<Slot, 3> slots;  // by kind
        bool accused = false;
    };

    bool verify_slot(Slot& slot) const;
    bool signed_by(const Vote& vote);

    static std::size_t position(VoteKind kind) { return static_cast<std::size_t>(kind) - 1; }

    ChainId chain_;
    ValidatorSet validators_;
    Epoch epoch_;
    std::map<View, std::vector<SignerVotes>> views_;
};

}  // namespace kilter::consensus
