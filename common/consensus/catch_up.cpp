// How a replica that missed something finds back, and how the others help it within a budget.
#include <algorithm>
#include <utility>

#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t votes_resent_views = 32;
constexpr std::size_t entries_resent = 16;
constexpr std::size_t served_max = 64;  // blocks and ranges, per peer and standstill period
constexpr std::size_t fetched_at_once = 16;
constexpr std::size_t wanted_max = 1'024;
constexpr std::int64_t patience_periods = 3;

std::size_t size_of(const Cert& cert) {
    return 64 + cert.signatures.size() * Signature::size;
}
}  // namespace

Status Replica::Core::own_status() const {
    return {epoch_, current_, final_view_, tree_.tip().block->header.height, tree_.tip_hash()};
}

void Replica::Core::standstill() {
    changed_ = true;  // a proposal's time may have come
    if (mutant == Mutant::no_standstill) return;
    send(std::nullopt, own_status());
    for (const Vote& vote : signer_.journal(votes_resent_views))
        if (mutant != Mutant::no_vote_resend) send(std::nullopt, vote);
    if (config_.validators.leader(current_) == index()) resend_proposal();
    introduce();
    if (transfer_) {
        transfer_->source = next_to_ask(transfer_->source);
        ask_pieces(transfer_->source);
    }
    Submit again;
    for (const Mempool::Item& item : mempool_.ready()) {
        if (again.entries.size() == entries_resent) break;
        again.entries.push_back(item.entry);
    }
    if (!again.entries.empty()) send(std::nullopt, std::move(again));
    std::size_t asked = 0;
    for (auto& [hash, wanted] : wanted_)
        if (++asked <= fetched_at_once) fetch(hash, wanted);
}

void Replica::Core::on_status(ReplicaIndex from, const Status& status) {
    silent_views_[from] = 0;
    const PublicKey& sender = config_.validators.validators[from].key;
    if (status.final_height > tree_.tip().block->header.height)
        ask_range(sender, status.final_height);
    if (status.epoch < epoch_) {
        show_epochs(sender, status.epoch);
        send(from, own_status());
    }
    if (status.epoch != epoch_) return;

    Peer& peer = allowance(sender);
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

void Replica::Core::show_epochs(const PublicKey& to, Epoch after) {
    Peer& peer = allowance(to);
    for (EpochProof& proof : epochs_.proofs_after(after)) {
        const std::size_t bytes =
            size_of(proof.end.certificate) + (1 + proof.end.descendants.size()) * header_bytes;
        if (peer.bytes + bytes > config_.parameters.catch_up_bytes_max) return;
        peer.bytes += bytes;
        tell(to, std::move(proof));
    }
}

void Replica::Core::want(const BlockHash& hash) {
    if (wanted_.size() >= wanted_max || mutant == Mutant::no_fetch) return;
    const auto [at, fresh] = wanted_.try_emplace(hash);
    if (fresh) fetch(at->first, at->second);
}

/// Asks f + 1 others, at the next attempt the next ones: at least one of them is honest, and nobody is asked by all.
void Replica::Core::fetch(const BlockHash& hash, Wanted& wanted) {
    const std::size_t others = config_.validators.size() - (is_member() ? 1 : 0);
    if (others == 0) return;
    const std::size_t first = is_member() ? index() + 1u : 0u;
    const std::size_t ask = std::min(others, config_.validators.faults() + 1);
    for (std::size_t i = 0; i < ask; ++i) {
        const std::size_t place = (hash.bytes[0] + wanted.times * ask + i) % others;
        send(static_cast<ReplicaIndex>((first + place) % config_.validators.size()),
             GetBlock{hash});
    }
    ++wanted.times;
}

/// The peer's allowance for this standstill period.
Replica::Core::Peer& Replica::Core::allowance(const PublicKey& from) {
    Peer& peer = peers_[from];
    if (now_ < peer.window_ms || now_ - peer.window_ms >= config_.parameters.standstill_ms) {
        peer = {};
        peer.window_ms = now_;
    }
    return peer;
}

void Replica::Core::on_get_block(ReplicaIndex from, const GetBlock& get) {
    if (++allowance(config_.validators.validators[from].key).served > served_max) return;
    const BlockPtr block = tree_.find(get.hash);
    // A tip restored without its body has nothing to give.
    if (block && block->header.height > 0 && body_fits(*block)) send(from, BlockReply{block});
}

void Replica::Core::on_block(ReplicaIndex from, const BlockPtr& block) {
    const auto wanted = wanted_.find(block->hash);
    if (wanted == wanted_.end()) return;
    if (block->header.chain != config_.chain || !body_fits(*block) ||
        !justified(*block, epochs_, [&](const Cert& cert) { return valid(cert); })) {
        blame(from, Misconduct::bad_block);
        return;
    }
    wanted_.erase(wanted);
    tree_.insert(block);
    out_.persist.push_back(block);
    changed_ = true;
}

void Replica::Core::on_get_range(const PublicKey& from, const GetRange& get) {
    Peer& peer = allowance(from);
    const Height height = tree_.tip().block->header.height;
    if (get.from == 0 || get.from > get.to || get.from > height || ++peer.served > served_max)
        return;
    const Height to = std::min({get.to, height, get.from + limits::range_blocks_max - 1});
    out_.serve.push_back({from, GetRange{get.from, to}});
}

void Replica::Core::on_get_piece(const PublicKey& from, const GetPiece& get) {
    if (++allowance(from).served <= served_max) out_.serve.push_back({from, get});
}

void Replica::Core::ask_range(const PublicKey& peer, Height up_to) {
    // One question at a time, given up after a standstill period. A height is only a claim: who left the question
    // unanswered is not asked again for a while, so that others have their turn.
    if (range_asked_ms_ && now_ >= *range_asked_ms_) {
        const std::int64_t waited = now_ - *range_asked_ms_;
        if (waited < config_.parameters.standstill_ms) return;
        if (mutant != Mutant::patient_with_liars) unanswered_.insert(range_peer_);
        if (waited < patience_periods * config_.parameters.standstill_ms &&
            unanswered_.contains(peer))
            return;
    }
    unanswered_.erase(peer);
    const Height from = tree_.tip().block->header.height + 1;
    range_asked_ms_ = now_;
    range_peer_ = peer;
    range_target_ = up_to;
    tell(peer, GetRange{from, std::min(up_to, from + limits::range_blocks_max - 1)});
}

void Replica::Core::on_range(const PublicKey& from, const Range& range) {
    if (!range_asked_ms_) return;
    const auto is_valid = [&](const Cert& cert) { return valid(cert); };
    BlockHash parent = tree_.tip_hash();
    std::vector<const FinalBlock*> fresh;
    for (const FinalBlock& final : range.blocks) {
        if (final.block->header.height <= tree_.tip().block->header.height) continue;
        // Closing blocks can be certified, but did not stay.
        if (final.block->header.parent_hash != parent ||
            final.block->header.chain != config_.chain || final.block->header.closing) {
            blame(from, Misconduct::bad_block);
            return;
        }
        if (final.block->header.epoch > epochs_.newest()) return;  // its proof was lost on its way
        parent = final.block->hash;
        fresh.push_back(&final);
    }
    if (fresh.empty()) return;
    // Verified from the end, which is certified, or ends an epoch, or has descendants that are: every link above makes every
    // block below final as well.
    const auto proof_of = [&](const Header& header) -> const EpochProof* {
        const EpochTable::Member* next = epochs_.find(header.epoch + 1);
        return next != nullptr && next->proof->end.header == header ? &*next->proof : nullptr;
    };
    const auto tail_of = [&](const Header& header) -> const CertifiedHeader* {
        const EpochTable::Member* member = epochs_.find(header.epoch);
        return range.tail && range.tail->header == header &&
                       (mutant == Mutant::unchecked_tail ||
                        verify(*range.tail, config_.chain, member->validators) ==
                            HeaderVerdict::certified)
                   ? &*range.tail
                   : nullptr;
    };
    const CertifiedHeader* tail = nullptr;
    std::vector<Finalised> chain(fresh.size());
    for (std::size_t i = fresh.size(); i-- > 0;) {
        const FinalBlock& final = *fresh[i];
        const Header& header = final.block->header;
        if ((final.certificate && !is_valid(*final.certificate)) || !body_fits(*final.block) ||
            !justified(*final.block, epochs_, is_valid)) {
            blame(from, Misconduct::bad_block);
            return;
        }
        chain[i].block = final.block;
        if (final.certificate) {
            chain[i].certificate = *final.certificate;
        } else if (const EpochProof* proof = proof_of(header)) {
            chain[i].certificate = proof->end.certificate;
            chain[i].descendants = proof->end.descendants;
        } else if (i + 1 < fresh.size()) {
            chain[i].certificate = chain[i + 1].certificate;
            chain[i].descendants = chain[i + 1].descendants;
            chain[i].descendants.insert(chain[i].descendants.begin(), fresh[i + 1]->block->header);
        } else if ((tail = tail_of(header)) != nullptr) {
            chain[i].certificate = tail->certificate;
            chain[i].descendants = tail->descendants;
        } else {
            blame(from, Misconduct::bad_certificate);
            return;
        }
    }
    for (std::size_t i = 0; i < chain.size() && !halted_; ++i) {
        const Header header = chain[i].block->header;
        const std::optional<Cert>& own = fresh[i]->certificate;
        tree_.insert(chain[i].block);
        out_.persist.push_back(chain[i].block);
        if (own && own->view <= final_view_) out_.persist.push_back(*own);
        if (own && own->view > final_view_) take_cert(*own);
        if (header.epoch == epoch_ && header.view > final_view_) {
            final_.reset();
            final_view_ = header.view;
            final_hash_ = chain[i].block->hash;
            signer_.raise_floor(final_view_);
        }
        std::vector<Finalised> one;
        one.push_back(std::move(chain[i]));
        finalise(std::move(one));
    }
    // As of a snapshot: its block may still be on its way.
    if (tail != nullptr && !halted_ && tail->certificate.epoch == epoch_)
        take_cert(tail->certificate);
    changed_ = true;
    range_asked_ms_.reset();
    if (tree_.tip().block->header.height < range_target_)
        ask_range(next_to_ask(from), range_target_);
}

/// Who can be asked for blocks and snapshots: the other members, and those of the newest epoch that is proved here.
std::vector<PublicKey> Replica::Core::guides() const {
    std::vector<PublicKey> out;
    const auto add = [&](const Validator& validator) {
        if (validator.key != signer_.public_key()) out.push_back(validator.key);
    };
    for (const Validator& member : config_.validators.validators)
        add(member);
    if (epochs_.newest() > epoch_)
        for (const Validator& member : epochs_.members().validators)
            if (!config_.validators.index_of(member.key)) add(member);
    return out;
}

/// The next one after `last` that has not left a question unanswered: nobody can make it last longer than its share.
PublicKey Replica::Core::next_to_ask(const PublicKey& last) const {
    const std::vector<PublicKey> all = guides();
    const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), last) - all.begin());
    for (std::size_t i = 1; i <= all.size(); ++i) {
        const PublicKey& next = all[(at + i) % all.size()];
        if (!unanswered_.contains(next)) return next;
    }
    return last;
}

void Replica::Core::on_submitted(const Submitted& submitted) {
    Submit forward;
    std::size_t bytes = 0;
    for (const EntryPtr& entry : submitted.entries) {
        bool forged = false;
        SubmissionAnswer answer = admit(entry, submitted.verified, forged);
        if (answer.status == SubmissionStatus::accepted) {
            bytes += entry->encoded.size();
            if (bytes > limits::block_bytes_max ||
                forward.entries.size() == limits::block_entries_max) {
                send(std::nullopt, std::exchange(forward, {}));
                bytes = entry->encoded.size();
            }
            forward.entries.push_back(entry);
        }
        out_.answers.push_back(std::move(answer));
    }
    if (!forward.entries.empty()) send(std::nullopt, std::move(forward));
}

void Replica::Core::on_submit(ReplicaIndex from, const Submit& submit, Verified verified) {
    for (const EntryPtr& entry : submit.entries) {
        bool forged = false;
        (void)admit(entry, verified, forged);
        if (!forged) continue;
        blame(from, Misconduct::bad_entry);
        return;  // one check of a signature is all that a liar gets
    }
}

SubmissionAnswer Replica::Core::admit(const EntryPtr& entry, Verified verified, bool& forged) {
    SubmissionAnswer answer{entry->id, SubmissionStatus::refused, {}};
    if (mempool_.find(entry->id)) {
        answer.status = SubmissionStatus::pending;
        return answer;
    }
    const auto is_final = [&] {
        if (!application_.contains(*tree_.tip().state, entry->id)) return false;
        answer = {entry->id, SubmissionStatus::final, {}};
        return true;
    };
    if (!verified) {
        if (is_final()) return answer;
        const auto checked = check_entry(*entry, config_.chain, application_);
        if (!checked) {
            forged = true;
            answer.reason = checked.error().message;
            return answer;
        }
    }
    const UnixMs time = std::max(now_, tree_.tip().block->header.time_ms + 1);
    Verdict verdict = tree_.begin(tree_.tip(), time)->apply(*entry);
    answer.reason = std::move(verdict.reason);
    if (verdict.admission == Admission::refused) {
        (void)is_final();
        return answer;
    }
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
