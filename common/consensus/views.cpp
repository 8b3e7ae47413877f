// When a view begins and ends, and what its leader proposes.
#include <algorithm>

#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t small_batch = 64;
constexpr std::uint32_t silent_views_max = 3;
constexpr std::int64_t fruitless_ms = 50;  // a certificate may have become valid meanwhile
}  // namespace

void Replica::Core::advance() {
    bool moved = !current_entered_;
    for (;;) {
        if (final_view_ >= current_) {
            current_ = final_view_ + 1;
        } else if (notars_.contains(current_) || skips_.contains(current_)) {
            note_leader(current_, !notars_.contains(current_));
            ++current_;
        } else {
            break;
        }
        moved = true;
    }
    if (!moved) return;
    // What let this replica in lets others in; a view is never entered by the clock alone.
    if (current_entered_ && mutant != Mutant::no_certificate_forward) {
        if (const auto cert = notars_.find(current_ - 1); cert != notars_.end())
            send(std::nullopt, cert->second);
        if (const auto cert = skips_.find(current_ - 1); cert != skips_.end())
            send(std::nullopt, cert->second);
    }
    current_entered_ = true;
    proposed_ = false;
    batch_waited_ = false;
    timers_[TimerKind::view].armed = false;
    timers_[TimerKind::batch].armed = false;
    changed_ = true;
    // The skip votes that arrived before the view did count now.
    if (tally_.count(VoteKind::skip, current_, {}) > config_.validators.faults() &&
        mutant != Mutant::no_join)
        skip_current();
}

void Replica::Core::note_leader(View view, bool skipped) {
    const ReplicaIndex leader = config_.validators.leader(view);
    if (leader == index()) return;
    if (skipped && !proposals_.contains(view) && !tally_.voted(VoteKind::skip, view, leader))
        ++silent_views_[leader];
    else
        silent_views_[leader] = 0;
}

void Replica::Core::skip_current() {
    cast(VoteKind::skip, current_, {});
}

bool Replica::Core::unfinished_block() const {
    return std::any_of(notars_.begin(), notars_.end(), [&](const auto& certified) {
        if (certified.first <= final_view_) return false;
        const BlockPtr block = tree_.find(certified.second.hash);
        return !block || !block->entries.empty() || block->header.closing;
    });
}

bool Replica::Core::has_work() const {
    // A block of this view that somebody may have voted for waits for a decision, even if its entries are nowhere else.
    const bool undecided =
        proposals_.contains(current_) || signer_.made(VoteKind::notar, current_) != nullptr;
    return undecided || !mempool_.ready().empty() ||
           tally_.count(VoteKind::skip, current_, {}) > 0 ||
           (final_ && final_->hash != tree_.tip_hash()) || unfinished_block();
}

/// The newest block that a proposal of `view` may build on: the highest p < view that is final or notarised, with a skip
/// certificate for every view between.
std::optional<Replica::Core::Base> Replica::Core::base(View view) const {
    Base out;
    View parent = view - 1;
    std::vector<Cert> skips;
    while (parent != final_view_ && !notars_.contains(parent)) {
        const auto skip = skips_.find(parent);
        if (parent < final_view_ || skip == skips_.end()) return std::nullopt;
        if (skips.size() < limits::skips_attached_max) skips.push_back(skip->second);
        --parent;
    }
    std::reverse(skips.begin(), skips.end());
    out.justification.skips = std::move(skips);
    if (parent == final_view_) {
        out.parent = final_hash_;
        out.justification.parent = final_;
        if (parent == epochs_.find(epoch_)->base_view) out.justification.parent.reset();
    } else {
        const Cert& notar = notars_.at(parent);
        out.parent = notar.hash;
        out.justification.parent = notar;
    }
    return out;
}

void Replica::Core::try_propose() {
    if (proposed_ || config_.validators.leader(current_) != index()) return;
    if (signer_.made(VoteKind::notar, current_) != nullptr) {
        proposed_ = true;
        resend_proposal();
        return;
    }
    const bool skips_seen = tally_.count(VoteKind::skip, current_, {}) > 0;
    const bool unfinished = unfinished_block();
    const auto& ready = mempool_.ready();
    if (ready.empty() && !skips_seen && !unfinished) return;
    if (!batch_waited_ && !skips_seen) {
        // A young, lonely entry waits for company.
        if (ready.size() < small_batch && !ready.empty() &&
            now_ - ready.front().arrival_ms < config_.parameters.batch_wait_ms) {
            if (!timers_[TimerKind::batch].armed)
                arm(TimerKind::batch, config_.parameters.batch_wait_ms);
            return;
        }
    }
    std::optional<Base> on = base(current_);
    if (!on) return;
    const BlockTree::Node* parent = tree_.executed(on->parent);
    if (parent == nullptr) {
        if (!tree_.find(on->parent)) want(on->parent);
        return;
    }
    if (!application_.understands(*parent->state, parent->block->header.height + 1)) return;
    propose(*parent, std::move(*on));
}

void Replica::Core::propose(const BlockTree::Node& parent, Base base) {
    const UnixMs time = std::max(now_, parent.block->header.time_ms + 1);
    const auto execution = tree_.begin(parent, time);
    const bool closing = tree_.closes(parent.block->header);
    const bool on_tip = parent.block->hash == tree_.tip_hash();
    std::vector<EntryPtr> entries;
    std::vector<EntryId> dead;
    std::size_t bytes = 0;
    const bool nothing_new = fruitless_ && fruitless_->parent == parent.block->hash &&
                             fruitless_->arrivals == mempool_.arrivals() &&
                             now_ >= fruitless_->at_ms && now_ - fruitless_->at_ms < fruitless_ms;
    for (const Mempool::Item& item : mempool_.ready()) {
        if (nothing_new || (closing && mutant != Mutant::closing_entries) ||
            entries.size() == limits::block_entries_max ||
            bytes + item.entry->encoded.size() > limits::block_bytes_max)
            break;
        const Admission admission = execution->apply(*item.entry).admission;
        if (admission == Admission::ready) {
            entries.push_back(item.entry);
            bytes += item.entry->encoded.size();
        } else if (on_tip && admission == Admission::refused) {
            dead.push_back(item.entry->id);
        }
    }
    for (const EntryId& id : dead)
        mempool_.remove(id);
    const bool skips_seen = tally_.count(VoteKind::skip, current_, {}) > 0;
    // What the final state has come to refuse is work that no block can do: above a block that is not final it shows only here.
    if (entries.empty() && skips_seen && !on_tip) {
        mempool_.doubt();
        judge_parked();
    }
    if (entries.empty() && !nothing_new)
        fruitless_ = Fruitless{parent.block->hash, mempool_.arrivals(), now_};
    if (entries.empty() && !skips_seen) {
        // An empty block above an unfinished one is of use only if that one does not become final by itself.
        if (unfinished_block() && !batch_waited_ && !timers_[TimerKind::batch].armed)
            arm(TimerKind::batch,
                std::max<std::int64_t>(config_.parameters.view_timeout_ms / 4, 1));
        if (!unfinished_block() || !batch_waited_) return;
    }
    const BlockPtr block = tree_.build(parent, current_, time, std::move(entries),
                                       std::move(base.justification), index(), *execution);
    proposed_ = true;
    out_.persist.push_back(block);
    proposals_[current_].push_back({block, true});
    cast(VoteKind::notar, current_, block->hash);
    resend_proposal();
}

void Replica::Core::resend_proposal() {
    const Vote* vote = signer_.made(VoteKind::notar, current_);
    if (vote == nullptr) return;
    if (const BlockPtr block = tree_.find(vote->hash)) send(std::nullopt, Proposal{block, *vote});
}

/// T(v) = min(Tmax, T0 * alpha^max(0, v - last final view - 2)), in integers.
std::int64_t Replica::Core::view_timeout() const {
    const Parameters& parameters = config_.parameters;
    // Skip certificates ended those views, so a quorum of others was not silent.
    if (silent_views_[config_.validators.leader(current_)] >= silent_views_max)
        return parameters.dead_leader_timeout_ms;
    std::int64_t timeout = parameters.view_timeout_ms;
    if (mutant == Mutant::no_backoff) return timeout;
    for (View view = final_view_ + 2; view < current_ && timeout < parameters.view_timeout_ms_max;
         ++view)
        timeout = timeout * parameters.timeout_growth_percent / 100 + 1;
    return std::min(timeout, parameters.view_timeout_ms_max);
}

void Replica::Core::arm(TimerKind kind, std::int64_t delay_ms) {
    Armed& armed = timers_[kind];
    ++armed.generation;
    armed.armed = true;
    armed.delay_ms = delay_ms;
    out_.arm.push_back({{kind, armed.generation}, delay_ms});
}

void Replica::Core::arm_what_is_due() {
    const bool work = has_work();
    if (work && is_member() && !timers_[TimerKind::view].armed &&
        signer_.made(VoteKind::skip, current_) == nullptr)
        arm(TimerKind::view, view_timeout());
    const std::int64_t period = work || !is_member() || transfer_
                                    ? config_.parameters.standstill_ms
                                    : config_.parameters.idle_status_ms;
    const Armed& standstill = timers_[TimerKind::standstill];
    if (!standstill.armed || standstill.delay_ms > period) arm(TimerKind::standstill, period);
}

}  // namespace kilter::consensus
