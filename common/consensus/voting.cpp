// Votes, certificates, and what they allow this replica to sign.
#include <algorithm>

#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr View votes_kept_views = 4;
}  // namespace

void Replica::Core::on_proposal(ReplicaIndex from, const Proposal& proposal, Verified entries) {
    const Block& block = *proposal.block;
    const Vote& vote = proposal.vote;
    const View view = block.header.view;
    if (block.header.epoch != epoch_ || view <= final_view_ ||
        view > current_ + limits::view_window)
        return;
    if (block.header.chain != config_.chain || config_.validators.leader(view) != from ||
        block.header.proposer != from || vote.signer != from || vote.kind != VoteKind::notar ||
        vote.view != view || vote.hash != block.hash || vote.epoch != epoch_ || !body_fits(block) ||
        !verify(vote, config_.chain, config_.validators)) {
        blame(from, Misconduct::bad_proposal);
        return;
    }
    silent_views_[from] = 0;
    auto& pending = proposals_[view];
    const bool known = std::any_of(pending.begin(), pending.end(), [&](const Pending& other) {
        return other.block->hash == block.hash;
    });
    if (!known && pending.size() >= 2) return;
    if (!known) {
        const BlockPtr proposed = on_own_certificate(proposal.block);
        if (!justified(*proposed, epochs_, [&](const Cert& cert) { return valid(cert); })) {
            blame(from, Misconduct::bad_proposal);
            return;
        }
        const Justification& why = proposed->justification;
        if (why.parent) take_cert(*why.parent);
        for (const Cert& skip : why.skips)
            take_cert(skip);
        pending.push_back({proposed, static_cast<bool>(entries)});
        changed_ = true;
    }
    count(vote, true);
}

void Replica::Core::on_vote(ReplicaIndex from, const Vote& vote) {
    if ((vote.epoch != epoch_ && mutant != Mutant::old_epoch_votes) || vote.view <= final_view_ ||
        vote.view > current_ + limits::view_window)
        return;
    if (vote.signer != from) {
        blame(from, Misconduct::bad_vote);
        return;
    }
    silent_views_[from] = 0;
    count(vote, false);
}

void Replica::Core::count(const Vote& vote, bool verified) {
    if (const auto evidence = tally_.add(vote, verified)) accuse(*evidence);
    const auto have = [&](const std::map<View, Cert>& certs) { return certs.contains(vote.view); };
    switch (vote.kind) {
        case VoteKind::notar:
            if (have(notars_)) return;
            break;
        case VoteKind::skip:
            // Work is over there where somebody skips, and this view may be one to give up too.
            if (vote.view == current_) changed_ = true;
            if (have(skips_)) return;
            break;
        case VoteKind::final:
            break;
    }
    std::vector<ReplicaIndex> liars;
    auto cert = tally_.certificate(vote.kind, vote.view, vote.hash, liars);
    for (const ReplicaIndex liar : liars)
        blame(liar, Misconduct::bad_vote);
    if (cert) take_cert(*cert);
    // f+1 skips: one of them is honest, so this view is given up by someone who had a reason. Likewise its leader.
    if (vote.kind == VoteKind::skip && vote.view == current_ && mutant != Mutant::no_join &&
        (tally_.count(vote.kind, vote.view, vote.hash) > config_.validators.faults() ||
         (vote.signer == config_.validators.leader(current_) && vote.signer != index())))
        skip_current();
}

void Replica::Core::on_cert(ReplicaIndex from, const Cert& cert) {
    if (cert.epoch != epoch_ || cert.view <= final_view_ || says_nothing_new(cert)) return;
    if (!valid(cert)) {
        blame(from, Misconduct::bad_certificate);
        return;
    }
    take_cert(cert);
    if (cert.kind == VoteKind::final && !tree_.find(cert.hash)) want(cert.hash);
}

bool Replica::Core::held(const Cert& cert) const {
    switch (cert.kind) {
        case VoteKind::notar: {
            const auto found = notars_.find(cert.view);
            return found != notars_.end() && found->second == cert;
        }
        case VoteKind::skip: {
            const auto found = skips_.find(cert.view);
            return found != skips_.end() && found->second == cert;
        }
        case VoteKind::final:
            break;
    }
    return final_ && *final_ == cert;
}

/// Everybody passes on a certificate for what this replica has certified too, by other signers: nothing hangs on those, so
/// they are not checked.
bool Replica::Core::says_nothing_new(const Cert& cert) const {
    switch (cert.kind) {
        case VoteKind::notar: {
            const auto found = notars_.find(cert.view);
            return found != notars_.end() && found->second.hash == cert.hash;
        }
        case VoteKind::skip:
            return skips_.contains(cert.view);
        case VoteKind::final:
            break;
    }
    return false;  // above the final view
}

bool Replica::Core::valid(const Cert& cert) {
    if (held(cert) || mutant == Mutant::unchecked_certificate) return true;
    return cert.epoch == epoch_ ? tally_.holds(cert) : epochs_.holds(cert);
}

/// The proposal, its parent certified by what this replica has certified the same with. Everybody's quorum is another one, and
/// a block's hash does not depend on it, so the other one need not be checked; nor is it stored, or passed on, unchecked.
BlockPtr Replica::Core::on_own_certificate(const BlockPtr& block) const {
    const std::optional<Cert>& parent = block->justification.parent;
    if (!parent) return block;
    const auto notar = notars_.find(parent->view);
    const Cert* own = final_ && final_->view == parent->view ? &*final_
                      : notar != notars_.end()               ? &notar->second
                                                             : nullptr;
    if (own == nullptr || own->epoch != parent->epoch || own->hash != parent->hash ||
        *own == *parent)
        return block;
    auto out = std::make_shared<Block>(*block);
    out->justification.parent = *own;
    return out;
}

namespace {
bool ends_epoch(const BlockPtr& block) {
    return block && !block->header.next_validators.is_zero();
}
}  // namespace

/// REQUIRES: valid(cert).
void Replica::Core::take_cert(const Cert& cert) {
    if (cert.view <= final_view_) return;
    if (cert.kind == VoteKind::final ||
        (mutant == Mutant::early_epoch && ends_epoch(tree_.find(cert.hash)))) {
        final_ = cert;
        final_view_ = cert.view;
        final_hash_ = cert.hash;
        final_certs_[cert.hash] = cert;
        signer_.raise_floor(final_view_);
    } else {
        const bool is_notar = cert.kind == VoteKind::notar;
        if (mutant == Mutant::one_certificate && (is_notar ? skips_ : notars_).contains(cert.view))
            return;
        if (!(is_notar ? notars_ : skips_).emplace(cert.view, cert).second) return;
    }
    if (mutant != Mutant::unwritten_certificate || cert.kind == VoteKind::final)
        out_.persist.push_back(cert);
    changed_ = true;
    // Each signature in it is a vote that may contradict one seen elsewhere.
    std::size_t at = 0;
    for (std::size_t i = 0; i < config_.validators.size(); ++i) {
        if (((cert.signers >> i) & 1) == 0) continue;
        const Vote vote{cert.kind,
                        cert.epoch,
                        cert.view,
                        cert.hash,
                        static_cast<ReplicaIndex>(i),
                        cert.signatures[at++]};
        if (const auto evidence = tally_.add(vote, true)) accuse(*evidence);
    }
}

/// What was proved goes on record: the first of the replicas' entries about it takes the key, the others are refused.
void Replica::Core::accuse(const Evidence& evidence) {
    out_.evidence.push_back(evidence);
    Entry entry = evidence_as_entry(evidence);
    entry.expires_ms = now_ + limits::entry_life_ms_max / 2;
    const EntryPtr sealed = signer_.author(std::move(entry));
    bool forged = false;
    if (admit(sealed, Verified{}, forged).status == SubmissionStatus::accepted)
        send(std::nullopt, Submit{{sealed}});
}

bool Replica::Core::cast(VoteKind kind, View view, const BlockHash& hash) {
    const auto made = signer_.sign(kind, view, hash);
    if (!made || !made->fresh) return false;
    const Mutant unwritten = kind == VoteKind::notar  ? Mutant::unwritten_notar
                             : kind == VoteKind::skip ? Mutant::unwritten_skip
                                                      : Mutant::unwritten_final;
    if (mutant != unwritten) out_.persist.push_back(*made->fresh);
    changed_ = true;
    count(made->vote, true);
    if (kind != VoteKind::notar || config_.validators.leader(view) != index())
        send(std::nullopt, made->vote);
    return true;
}

void Replica::Core::try_notarise() {
    if (!is_member()) return;
    std::vector<View> views;
    for (const auto& [view, pending] : proposals_)
        if (view > final_view_ && view <= current_) views.push_back(view);
    for (const View view : views)
        if (signer_.made(VoteKind::notar, view) == nullptr) notarise_one_of(view);
}

void Replica::Core::notarise_one_of(View view) {
    auto& pending = proposals_[view];
    for (auto at = pending.begin(); at != pending.end();) {
        const Block& block = *at->block;
        const Header& header = block.header;
        const auto certified = notars_.find(header.parent_view);
        const bool parent_is_final =
            header.parent_view == final_view_ && header.parent_hash == final_hash_;
        const bool parent_is_notarised =
            certified != notars_.end() && certified->second.hash == header.parent_hash;
        bool gaps_skipped = header.parent_view >= final_view_;
        for (View gap = header.parent_view + 1; gaps_skipped && gap < view; ++gap)
            gaps_skipped = skips_.contains(gap) || mutant == Mutant::unjustified_gap;
        if (!(parent_is_final || parent_is_notarised) || !gaps_skipped) {
            ++at;
            continue;
        }
        const BlockTree::Node* parent = tree_.executed(header.parent_hash);
        if (parent == nullptr) {
            if (!tree_.find(header.parent_hash)) want(header.parent_hash);
            ++at;
            continue;
        }
        // A parent from the future stays so: on it blocks come as early as they can.
        const UnixMs latest = std::max(now_ + config_.parameters.clock_drift_ms_max,
                                       parent->block->header.time_ms + 1);
        if (header.time_ms > latest && mutant != Mutant::unchecked_time) {
            ++at;  // its time will come; the view timer runs meanwhile
            continue;
        }
        at->entries_verified = at->entries_verified || entries_verify(block);
        const bool acceptable = at->entries_verified && tree_.fits(header, parent->block->header);
        if (acceptable) tree_.insert(at->block);
        if (!acceptable || tree_.executed(block.hash) == nullptr) {
            blame(header.proposer, Misconduct::bad_proposal);
            at = pending.erase(at);
            if (view == current_) skip_current();
            continue;
        }
        if (mutant != Mutant::unwritten_block) out_.persist.push_back(at->block);
        cast(VoteKind::notar, view, block.hash);
        return;
    }
}

bool Replica::Core::entries_verify(const Block& block) const {
    if (mutant == Mutant::unchecked_entries) return true;
    return std::all_of(block.entries.begin(), block.entries.end(), [&](const EntryPtr& entry) {
        const EntryPtr known = mempool_.find(entry->id);
        if (known && known->leaf == entry->leaf) return true;
        return check_entry(*entry, config_.chain, application_).ok();
    });
}

void Replica::Core::try_final() {
    if (!is_member()) return;
    std::vector<std::pair<View, BlockHash>> notarised;
    for (const auto& [view, cert] : notars_)
        notarised.emplace_back(view, cert.hash);
    for (const auto& [view, hash] : notarised) {
        if (view <= final_view_) continue;
        if (!tree_.find(hash)) {
            want(hash);
            continue;
        }
        const Vote* own = signer_.made(VoteKind::notar, view);
        // The notar certificate was persisted when it was taken: no later than in this turn.
        if (own != nullptr && own->hash == hash) cast(VoteKind::final, view, hash);
    }
}

void Replica::Core::try_finalise() {
    if (!final_ || final_->hash == tree_.tip_hash()) return;
    std::vector<BlockPtr> path;
    BlockHash gap;
    switch (tree_.path_to(final_->hash, path, gap)) {
        case BlockTree::Walk::missing:
            want(gap);
            return;
        case BlockTree::Walk::fork:
            halt("FORK: block " + short_hex(final_->hash.view()) + " of view " +
                 std::to_string(final_->view) +
                 " is certified final but does not extend this replica's final block " +
                 short_hex(tree_.tip_hash().view()) +
                 "; more than f replicas are faulty, keep all stores as evidence");
            return;
        case BlockTree::Walk::complete:
            break;
    }
    std::vector<Finalised> done(path.size());
    for (std::size_t i = path.size(); i-- > 0;) {
        done[i].block = path[i];
        const auto own = final_certs_.find(path[i]->hash);
        if (own != final_certs_.end()) {
            done[i].certificate = own->second;
        } else {
            done[i].certificate = done[i + 1].certificate;
            done[i].descendants.push_back(path[i + 1]->header);
            const auto& later = done[i + 1].descendants;
            done[i].descendants.insert(done[i].descendants.end(), later.begin(), later.end());
        }
    }
    finalise(std::move(done));
}

/// Final blocks, each on top of the one before, the first on the tip.
void Replica::Core::finalise(std::vector<Finalised> chain) {
    for (Finalised& final : chain) {
        const Header& header = final.block->header;
        if (header.epoch != epoch_) break;  // what closed an epoch is forgotten with it
        if (!follows_rules()) return;
        if (tree_.executed(final.block->hash) == nullptr) {
            halt("DIVERGENCE: final block " + std::to_string(header.height) +
                 " does not execute to the roots in its header on this replica; its program or its "
                 "store differs from the quorum's");
            return;
        }
        tree_.advance_tip(final.block->hash);
        out_.persist.push_back(FinalMark{header.height, header.view, final.block->hash});
        for (const EntryPtr& entry : final.block->entries)
            mempool_.remove_final(*entry);
        mempool_.remove_expired(header.time_ms);
        if (header.height % config_.parameters.checkpoint_heights == 0) checkpoint(final);
        if (!header.next_validators.is_zero()) end_epoch(final);
        out_.finalised.push_back(std::move(final));
    }
    if (!follows_rules()) return;
    judge_parked();
    // The votes of the newest final views stay: their certificates travel with the next proposals.
    if (final_view_ > votes_kept_views) tally_.forget_through(final_view_ - votes_kept_views);
    notars_.erase(notars_.begin(), notars_.upper_bound(final_view_));
    skips_.erase(skips_.begin(), skips_.upper_bound(final_view_));
    proposals_.erase(proposals_.begin(), proposals_.upper_bound(final_view_));
    if (final_ && final_->hash == tree_.tip_hash()) final_certs_.clear();
    wanted_.clear();
    // Blocks were faster than the snapshot; those who had it may have dropped it by now.
    if (transfer_ &&
        transfer_->manifest.certified.header.height <= tree_.tip().block->header.height)
        transfer_.reset();
    changed_ = true;
}

bool Replica::Core::follows_rules() {
    if (auto understood = tree_.understood(); !understood) halt(understood.error().message);
    return !halted_;
}

void Replica::Core::judge_parked() {
    const UnixMs time = std::max(now_, tree_.tip().block->header.time_ms + 1);
    const auto execution = tree_.begin(tree_.tip(), time);
    mempool_.reconsider(
        [&](const SealedEntry& entry) { return execution->apply(entry).admission; });
}

}  // namespace kilter::consensus
