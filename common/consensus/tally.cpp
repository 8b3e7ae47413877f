#include "common/consensus/tally.hpp"

namespace kilter::consensus {

Tally::Tally(const ChainId& chain, ValidatorSet validators, Epoch epoch)
    : chain_(chain), validators_(std::move(validators)), epoch_(epoch) {}

bool Tally::verify_slot(Slot& slot) const {
    if (!slot.verified) slot.verified = verify(*slot.vote, chain_, validators_);
    return slot.verified;
}

std::optional<Evidence> Tally::add(const Vote& vote, bool verified) {
    if (vote.signer >= validators_.size()) return std::nullopt;
    auto& view = views_[vote.view];
    view.resize(validators_.size());
    SignerVotes& mine = view[vote.signer];
    Slot candidate{vote, verified};
    std::optional<Evidence> evidence;
    for (Slot& slot : mine.slots) {
        if (mine.accused || !slot.vote || !contradict(*slot.vote, vote)) continue;
        const bool verifies = mutant != Mutant::unverified_evidence;
        if (verifies && !verify_slot(candidate)) return std::nullopt;
        if (verifies && !verify_slot(slot)) {
            slot.vote.reset();
            continue;
        }
        mine.accused = true;
        evidence = Evidence{*slot.vote, vote};
    }
    Slot& slot = mine.slots[position(vote.kind)];
    // The same vote again, now known to be good, replaces one that nobody has looked at.
    if (!slot.vote || (verified && !slot.verified && slot.vote->hash == vote.hash))
        slot = candidate;
    return evidence;
}

std::size_t Tally::count(VoteKind kind, View view, const BlockHash& hash) const {
    const auto found = views_.find(view);
    if (found == views_.end()) return 0;
    std::size_t votes = 0;
    for (const SignerVotes& signer : found->second) {
        const Slot& slot = signer.slots[position(kind)];
        if (slot.vote && slot.vote->hash == hash) ++votes;
    }
    return votes;
}

std::optional<Cert> Tally::certificate(VoteKind kind,
                                       View view,
                                       const BlockHash& hash,
                                       std::vector<ReplicaIndex>& liars) {
    const std::size_t quorum = validators_.quorum();
    if (count(kind, view, hash) < quorum) return std::nullopt;
    Cert cert{kind, epoch_, view, hash, 0, {}};
    std::vector<SignerVotes>& signers = views_[view];
    for (std::size_t i = 0; i < signers.size() && cert.signatures.size() < quorum; ++i) {
        Slot& slot = signers[i].slots[position(kind)];
        if (!slot.vote || slot.vote->hash != hash) continue;
        if (!verify_slot(slot)) {
            slot.vote.reset();
            liars.push_back(static_cast<ReplicaIndex>(i));
            continue;
        }
        cert.signers |= std::uint64_t{1} << i;
        cert.signatures.push_back(slot.vote->signature);
    }
    if (cert.signatures.size() < quorum) return std::nullopt;
    return cert;
}

bool Tally::signed_by(const Vote& vote) {
    const auto view = views_.find(vote.view);
    if (view != views_.end()) {
        Slot& slot = view->second[vote.signer].slots[position(vote.kind)];
        if (slot.vote && *slot.vote == vote) return verify_slot(slot);
    }
    return verify(vote, chain_, validators_);
}

bool Tally::holds(const Cert& cert) {
    if (cert.epoch != epoch_ || !well_formed(cert, validators_)) return false;
    std::size_t at = 0;
    for (std::size_t i = 0; i < validators_.size(); ++i) {
        if (((cert.signers >> i) & 1) == 0) continue;
        if (!signed_by({cert.kind, cert.epoch, cert.view, cert.hash, static_cast<ReplicaIndex>(i),
                        cert.signatures[at++]}))
            return false;
    }
    return true;
}

bool Tally::voted(VoteKind kind, View view, ReplicaIndex signer) const {
    const auto found = views_.find(view);
    return found != views_.end() && found->second[signer].slots[position(kind)].vote.has_value();
}

void Tally::forget_through(View view) {
    views_.erase(views_.begin(), views_.upper_bound(view));
}

}  // namespace kilter::consensus
