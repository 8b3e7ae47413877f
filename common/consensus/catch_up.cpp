// How a replica that missed something finds back, and how the others help it within a budget.
#include <algorithm>

#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t votes_resent_views = 32;
constexpr std::size_t entries_resent = 16;
constexpr std::size_t ranges_served_max = 64;
constexpr std::size_t wanted_max = 1'024;

std::size_t size_of(const Cert& cert) {
    return 64 + cert.signatures.size() * Signature::size;
}
}  // namespace

Status Replica::Core::own_status() const {
    return {0, current_, final_view_, tree_.tip().block->header.height, tree_.tip_hash()};
}

void Replica::Core::standstill() {
    changed_ = true;  // a proposal's time may have come
    if (mutant == Mutant::no_standstill) return;
    send(std::nullopt, own_status());
    for (const Vote& vote : signer_.journal(votes_resent_views))
        if (mutant != Mutant::no_vote_resend) send(std::nullopt, vote);
    if (config_.validators.leader(current_) == index()) resend_proposal();
    std::size_t entries = 0;
    for (const Mempool::Item& item : mempool_.ready()) {
        if (++entries > entries_resent) break;
        send(std::nullopt, Submit{item.entry});
    }
    for (auto& [hash, wanted] : wanted_) {
        wanted.asked_ms = now_;
        send(std::nullopt, GetBlock{hash});
    }
}

void Replica::Core::on_status(ReplicaIndex from, const Status& status) {
    if (status.epoch != 0) return;
    silent_views_[from] = 0;
    Peer& peer = peers_[from];
    if (now_ < peer.window_ms || now_ - peer.window_ms >= config_.parameters.standstill_ms)
        peer = Peer{now_, 0, 0};
    if (status.final_height > tree_.tip().block->header.height)
        ask_range(from, status.final_height);

    const auto offer = [&](const Cert& cert) {
        if (peer.bytes + size_of(cert) > config_.parameters.catch_up_bytes_max) return;
        peer.bytes += size_of(cert);
        send(from, cert);
    };
    if (final_ && status.final_view < final_view_) offer(*final_);
    // Both kinds; first those that bring the peer forward, then those it may lack of views it has left.
    const View floor = std::max(final_view_, status.final_view);
    const View from_view = std::max(floor + 1, status.view);
    for (const auto* certs : {&notars_, &skips_})
        for (auto at = certs->lower_bound(from_view); at != certs->end(); ++at)
            offer(at->second);
    for (const auto* certs : {&notars_, &skips_})
        for (auto at = certs->upper_bound(floor); at != certs->end() && at->first < from_view; ++at)
            offer(at->second);
}

void Replica::Core::want(const BlockHash& hash) {
    if (wanted_.size() >= wanted_max || mutant == Mutant::no_fetch) return;
    const auto [at, fresh] = wanted_.try_emplace(hash);
    if (!fresh) return;
    at->second.asked_ms = now_;
    send(std::nullopt, GetBlock{hash});
}

void Replica::Core::on_get_block(ReplicaIndex from, const GetBlock& get) {
    const BlockPtr block = tree_.find(get.hash);
    // A tip restored without its body has nothing to give.
    if (block && block->header.height > 0 && body_fits(*block)) send(from, BlockReply{block});
}

void Replica::Core::on_block(ReplicaIndex from, const BlockPtr& block) {
    const auto wanted = wanted_.find(block->hash);
    if (wanted == wanted_.end()) return;
    if (block->header.chain != config_.chain || !body_fits(*block) ||
        !justified(*block, [&](const Cert& cert) { return valid(cert); })) {
        blame(from, Misconduct::bad_block);
        return;
    }
    wanted_.erase(wanted);
    tree_.insert(block);
    out_.persist.push_back(block);
    changed_ = true;
}

void Replica::Core::on_get_range(ReplicaIndex from, const GetRange& get) {
    Peer& peer = peers_[from];
    if (now_ < peer.window_ms || now_ - peer.window_ms >= config_.parameters.standstill_ms)
        peer = Peer{now_, 0, 0};
    const Height height = tree_.tip().block->header.height;
    if (get.from == 0 || get.from > get.to || get.from > height || peer.ranges >= ranges_served_max)
        return;
    ++peer.ranges;
    const Height to = std::min({get.to, height, get.from + limits::range_blocks_max - 1});
    out_.serve.push_back({from, {get.from, to}});
}

void Replica::Core::ask_range(ReplicaIndex peer, Height up_to) {
    // One question at a time; an unanswered one is forgotten after a standstill period.
    if (range_asked_ms_ && now_ >= *range_asked_ms_ &&
        now_ - *range_asked_ms_ < config_.parameters.standstill_ms)
        return;
    const Height from = tree_.tip().block->header.height + 1;
    range_asked_ms_ = now_;
    range_target_ = up_to;
    send(peer, GetRange{from, std::min(up_to, from + limits::range_blocks_max - 1)});
}

void Replica::Core::on_range(ReplicaIndex from, const Range& range) {
    if (!range_asked_ms_) return;
    const auto is_valid = [&](const Cert& cert) { return valid(cert); };
    BlockHash parent = tree_.tip_hash();
    std::vector<const FinalBlock*> fresh;
    for (const FinalBlock& final : range.blocks) {
        if (final.block->header.height <= tree_.tip().block->header.height) continue;
        if (final.block->header.parent_hash != parent ||
            final.block->header.chain != config_.chain) {
            blame(from, Misconduct::bad_block);
            return;
        }
        parent = final.block->hash;
        fresh.push_back(&final);
    }
    if (fresh.empty()) return;
    // Verified from the certified end: every link above makes every block below final as well.
    if (!is_valid(*fresh.back()->certificate)) {
        blame(from, Misconduct::bad_certificate);
        return;
    }
    for (const FinalBlock* final : fresh) {
        if (!body_fits(*final->block) || !justified(*final->block, is_valid) ||
            (final->certificate && !is_valid(*final->certificate))) {
            blame(from, Misconduct::bad_block);
            return;
        }
    }
    const std::optional<Cert> newest = final_;
    for (const FinalBlock* final : fresh) {
        tree_.insert(final->block);
        out_.persist.push_back(final->block);
        if (!final->certificate) continue;
        final_certs_[final->block->hash] = *final->certificate;
        if (final->certificate->view > final_view_)
            take_cert(*final->certificate);
        else
            out_.persist.push_back(*final->certificate);
    }
    // A newer certificate whose blocks are still missing must not keep these from becoming final now.
    if (newest && newest->view > fresh.back()->block->header.view)
        final_ = *fresh.back()->certificate;
    try_finalise();
    if (newest && newest->view > final_->view) {
        final_ = newest;
        final_certs_[newest->hash] = *newest;
    }
    changed_ = true;
    range_asked_ms_.reset();
    if (tree_.tip().block->header.height < range_target_) ask_range(from, range_target_);
}

void Replica::Core::on_submit(ReplicaIndex from, const EntryPtr& entry) {
    bool forged = false;
    (void)admit(entry, false, forged);
    if (forged) blame(from, Misconduct::bad_entry);
}

SubmissionAnswer Replica::Core::admit(const EntryPtr& entry, bool checked, bool& forged) {
    SubmissionAnswer answer{entry->id, SubmissionStatus::refused, {}};
    if (mempool_.find(entry->id)) {
        answer.status = SubmissionStatus::pending;
        return answer;
    }
    if (application_.contains(*tree_.tip().state, entry->id)) {
        answer.status = SubmissionStatus::final;
        return answer;
    }
    if (!checked) {
        forged = true;
        if (!verify(*entry, config_.chain)) {
            answer.reason = "the entry's signature is not its author's, or is for another log";
            return answer;
        }
        if (auto content = application_.check(entry->entry); !content) {
            answer.reason = content.error().message;
            return answer;
        }
        forged = false;
    }
    const UnixMs time = std::max(now_, tree_.tip().block->header.time_ms + 1);
    Verdict verdict = application_.begin(tree_.tip().state, time)->apply(*entry);
    answer.reason = std::move(verdict.reason);
    if (verdict.admission == Admission::refused) return answer;
    switch (mempool_.add(entry, now_, verdict.admission == Admission::ready)) {
        case Mempool::Added::added:
            answer.status = SubmissionStatus::accepted;
            changed_ = true;
            break;
        case Mempool::Added::key_waits:
            answer.status = SubmissionStatus::pending;
            answer.reason = "another entry with the same key waits for its block";
            break;
        case Mempool::Added::full:
            answer.status = SubmissionStatus::try_later;
            answer.reason = "too many entries wait for their block; try again in a second";
            break;
    }
    return answer;
}

}  // namespace kilter::consensus
