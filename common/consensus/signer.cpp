#include "common/consensus/signer.hpp"

#include "common/base/check.hpp"

namespace kilter::consensus {

namespace {

template <class Votes>
auto& vote_of(Votes& votes, VoteKind kind) {
    switch (kind) {
        case VoteKind::notar:
            return votes.notar;
        case VoteKind::skip:
            return votes.skip;
        case VoteKind::final:
            break;
    }
    return votes.final;
}

}  // namespace

const std::optional<Vote>& Signer::ViewVotes::of(VoteKind kind) const {
    return vote_of(*this, kind);
}

std::optional<Vote>& Signer::ViewVotes::of(VoteKind kind) {
    return vote_of(*this, kind);
}

Signer::Signer(crypto::Identity identity,
               const ChainId& chain,
               ReplicaIndex index,
               View floor,
               const std::vector<Vote>& journal,
               Epoch epoch)
    : identity_(std::move(identity)), chain_(chain), index_(index), floor_(floor), epoch_(epoch) {
    for (const Vote& vote : journal) {
        if (vote.epoch != epoch) continue;
        KILTER_CHECK(vote.signer == index, "the journal is another replica's");
        if (vote.view <= floor) continue;
        ViewVotes& mine = votes_[vote.view];
        for (const auto& other : {mine.notar, mine.skip, mine.final})
            KILTER_CHECK(!other || !contradict(*other, vote), "the journal contradicts itself");
        mine.of(vote.kind) = vote;
    }
}

std::optional<Signer::Signed> Signer::sign(VoteKind kind, View view, const BlockHash& hash) {
    if (view <= floor_ || index_ == outsider) return std::nullopt;
    ViewVotes& mine = votes_[view];
    std::optional<Vote>& slot = mine.of(kind);
    if (slot) return slot->hash == hash ? std::optional(Signed{*slot, std::nullopt}) : std::nullopt;
    const bool exclusive = mutant != Mutant::final_after_skip;
    switch (kind) {
        case VoteKind::notar:
            break;
        case VoteKind::skip:
            if (exclusive && mine.final) return std::nullopt;
            break;
        case VoteKind::final:
            if ((exclusive && mine.skip) || !mine.notar || mine.notar->hash != hash)
                return std::nullopt;
            break;
    }
    Vote vote{kind, epoch_, view, hash, index_, {}};
    vote.signature = identity_.sign(vote_bytes(chain_, kind, vote.epoch, view, hash));
    slot = vote;
    return Signed{vote, OwnVote(vote)};
}

EntryPtr Signer::author(Entry entry) const {
    consensus::sign(entry, chain_, identity_);
    return seal(std::move(entry));
}

const Vote* Signer::made(VoteKind kind, View view) const {
    const auto found = votes_.find(view);
    if (found == votes_.end() || !found->second.of(kind)) return nullptr;
    return &*found->second.of(kind);
}

std::vector<Vote> Signer::journal(std::size_t views) const {
    std::vector<Vote> out;
    for (auto at = votes_.rbegin(); at != votes_.rend() && views > 0; ++at, --views)
        for (const auto& vote : {at->second.notar, at->second.skip, at->second.final})
            if (vote) out.push_back(*vote);
    return out;
}

void Signer::begin_epoch(Epoch epoch, const ValidatorSet& validators, View floor) {
    KILTER_CHECK(epoch > epoch_, "epochs only go on");
    epoch_ = epoch;
    index_ = validators.index_of(identity_.public_key()).value_or(outsider);
    votes_.clear();
    floor_ = floor;
}

void Signer::raise_floor(View view) {
    if (view <= floor_) return;
    floor_ = view;
    votes_.erase(votes_.begin(), votes_.upper_bound(view));
}

}  // namespace kilter::consensus
