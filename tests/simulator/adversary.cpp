#include "tests/simulator/adversary.hpp"

#include "common/base/limits.hpp"
#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t blocks_known_max = 64;
constexpr std::size_t votes_known_max = 64;
constexpr std::size_t said_max = 32;
constexpr View far = 1'000'000;
}  // namespace

Adversary::Adversary(const Config& config, ReplicaIndex key, Behaviours behaviours, Prng prng)
    : config_(config),
      key_(key),
      behaviours_(behaviours),
      prng_(prng),
      identity_(identity_of(key)),
      shunned_(config.validators.size()) {
    for (std::size_t i = 0; i < shunned_.size(); ++i)
        shunned_[i] = prng_.chance(0.4);
}

void Adversary::enter(Epoch epoch, ReplicaIndex place, const ValidatorSet& members) {
    if (epoch == epoch_) return;
    epoch_ = epoch;
    key_ = place;
    config_.validators = members;
    shunned_.resize(members.size());
}

void Adversary::learn(const Message& message) {
    const auto keep = [&](const Cert& cert) {
        if (cert.signatures.empty()) return;  // another one's lie
        if (cert.kind == VoteKind::notar) notars_.insert_or_assign(cert.view, cert);
        if (cert.kind == VoteKind::skip) skips_.insert_or_assign(cert.view, cert);
        if (cert.kind == VoteKind::final) finals_.insert_or_assign(cert.view, cert);
    };
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        if (blocks_.size() >= blocks_known_max) blocks_.erase(blocks_.begin());
        blocks_.emplace(proposal->block->hash, proposal->block);
        const Justification& why = proposal->block->justification;
        if (why.parent) keep(*why.parent);
        for (const Cert& skip : why.skips)
            keep(skip);
    } else if (const auto* cert = std::get_if<Cert>(&message)) {
        keep(*cert);
    } else if (const auto* vote = std::get_if<Vote>(&message)) {
        if (votes_.size() >= votes_known_max) votes_.clear();
        votes_.push_back(*vote);
    } else if (const auto* range = std::get_if<Range>(&message)) {
        range_ = *range;
    }
    if (said_.size() >= said_max) said_.clear();
    said_.push_back(message);
}

std::vector<ReplicaIndex> Adversary::some() {
    std::vector<ReplicaIndex> out;
    for (std::size_t i = 0; i < config_.validators.size(); ++i)
        if (i != key_ && prng_.chance(0.5)) out.push_back(static_cast<ReplicaIndex>(i));
    return out;
}

std::vector<Send> Adversary::alter(const Send& send) {
    std::vector<Send> out;
    learn(send.message);
    if (does(Behaviour::silent)) return out;
    if (does(Behaviour::withhold_body) && std::holds_alternative<BlockReply>(send.message))
        return out;
    if (std::holds_alternative<Proposal>(send.message)) {
        alter_proposal(send, out);
    } else if (does(Behaviour::lying_sync) && std::holds_alternative<Status>(send.message)) {
        Status status = std::get<Status>(send.message);
        status.final_height += prng_.below(1'000'000);
        out.push_back({send.to, status});
    } else if (does(Behaviour::lying_sync) && (std::holds_alternative<Manifest>(send.message) ||
                                               std::holds_alternative<Piece>(send.message))) {
        out.push_back(send);
        lie_about_state(out.back().message);
    } else {
        out.push_back(send);
    }
    if (does(Behaviour::mutate) && prng_.chance(0.2))
        for (Send& each : out)
            each.message = mutated(std::move(each.message));
    if (does(Behaviour::partly_silent)) {
        std::vector<Send> fewer;
        for (const Send& each : out) {
            if (each.to && !shunned_[*each.to]) fewer.push_back(each);
            for (std::size_t i = 0; !each.to && i < shunned_.size(); ++i)
                if (i != key_ && !shunned_[i])
                    fewer.push_back({static_cast<ReplicaIndex>(i), each.message});
        }
        return fewer;
    }
    return out;
}

void Adversary::alter_proposal(const Send& send, std::vector<Send>& out) {
    const Proposal& honest = std::get<Proposal>(send.message);
    const Block& block = *honest.block;
    Message first = send.message;
    const auto sometimes = [&](Behaviour behaviour) {
        return does(behaviour) && prng_.chance(0.6);
    };
    if (sometimes(Behaviour::stale_parent)) first = propose(on_stale_parent(block, true));
    if (sometimes(Behaviour::unjustified_gap)) first = propose(on_stale_parent(block, false));
    if (sometimes(Behaviour::wrong_header)) first = propose(lie_in_header(block));
    if (sometimes(Behaviour::oversize)) first = propose(oversized(block));
    if (sometimes(Behaviour::bad_entries)) first = propose(with_bad_entries(block));
    if (sometimes(Behaviour::censor)) {
        Block empty = sibling(block);
        if (block.header.count > 0) first = propose(std::move(empty));
    }
    if (sometimes(Behaviour::bad_time)) {
        Block other = block;
        other.header.time_ms += prng_.chance(0.5)
                                    ? 2'500 + static_cast<UnixMs>(prng_.below(100'000))
                                    : -static_cast<UnixMs>(prng_.below(100'000));
        first = propose(std::move(other));
    }
    if (sometimes(Behaviour::withhold_justification)) {
        Block bare = block;
        if (prng_.chance(0.5))
            bare.justification.parent.reset();
        else
            bare.justification.skips.clear();
        first = propose(std::move(bare));
    }
    if (sometimes(Behaviour::withhold_body)) {
        for (const ReplicaIndex to : some())
            out.push_back({to, first});
        out.push_back({std::nullopt, honest.vote});
        return;
    }
    if (!sometimes(Behaviour::equivocate)) {
        out.push_back({send.to, std::move(first)});
        return;
    }
    const Message other = propose(sibling(block));
    for (std::size_t i = 0; i < config_.validators.size(); ++i) {
        if (i == key_) continue;
        const auto to = static_cast<ReplicaIndex>(i);
        const std::uint64_t which = prng_.below(4);
        if (which != 0) out.push_back({to, first});
        if (which == 0 || which == 3) out.push_back({to, other});
    }
}

std::vector<Send> Adversary::answer(ReplicaIndex from, const Message& message) {
    std::vector<Send> out;
    learn(message);
    if (does(Behaviour::silent)) return out;
    if (const auto* proposal = std::get_if<Proposal>(&message)) provoke(*proposal, out);
    if (does(Behaviour::lying_sync)) lie_about_sync(from, message, out);
    if (does(Behaviour::spam) && spam_left_ > 0 && prng_.chance(0.1)) spam(out);
    if (does(Behaviour::false_certificate) && prng_.chance(0.1))
        if (auto cert = false_certificate()) out.push_back({std::nullopt, *std::move(cert)});
    if (does(Behaviour::mutate) && !said_.empty() && prng_.chance(0.05))
        out.push_back({std::nullopt, mutated(said_[prng_.below(said_.size())])});
    return out;
}

std::optional<EntryPtr> Adversary::slip() {
    if (!does(Behaviour::bad_entries) || !prng_.chance(0.02)) return std::nullopt;
    return entry(genesis_ms + 3'600'000, 20, false);
}

void Adversary::provoke(const Proposal& proposal, std::vector<Send>& out) {
    const View view = proposal.block->header.view;
    const BlockHash& hash = proposal.block->hash;
    const auto tell_some = [&](const Vote& lie) {
        for (const ReplicaIndex to : some())
            out.push_back({to, lie});
    };
    if (does(Behaviour::double_notar)) {
        tell_some(vote(VoteKind::notar, view, hash));
        tell_some(vote(VoteKind::notar, view, random_hash()));
    }
    if (does(Behaviour::final_and_skip)) {
        tell_some(vote(VoteKind::skip, view, {}));
        tell_some(vote(VoteKind::final, view, hash));
    }
    if (does(Behaviour::premature_final)) tell_some(vote(VoteKind::final, view, hash));
    if (does(Behaviour::far_future))
        tell_some(vote(prng_.chance(0.5) ? VoteKind::skip : VoteKind::final,
                       view + prng_.below(prng_.chance(0.5) ? far : limits::view_window + 2), {}));
    if (does(Behaviour::foreign_replay)) {
        tell_some(vote(VoteKind::notar, view, hash, epoch_ + 1 + prng_.below(3)));
        if (epoch_ > 0) tell_some(vote(VoteKind::notar, view, hash, epoch_ - 1));
        // What this key signed for another log.
        Vote foreign = vote(VoteKind::notar, view, hash);
        ChainId other = config_.chain;
        other.bytes[0] ^= 1;
        foreign.signature = identity_.sign(vote_bytes(other, VoteKind::notar, epoch_, view, hash));
        tell_some(foreign);
    }
}

void Adversary::lie_about_sync(ReplicaIndex from, const Message& message, std::vector<Send>& out) {
    if (std::holds_alternative<GetBlock>(message) && !blocks_.empty()) {
        auto at = blocks_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(prng_.below(blocks_.size())));
        out.push_back({from, BlockReply{at->second}});
    }
    // Whoever asks is told again and again of heights that nobody has.
    if (config_.parameters.checkpoint_heights < limits::range_blocks_max &&
        std::holds_alternative<GetRange>(message))
        out.push_back({from, Status{epoch_, 1'000'000, 1'000'000, 1'000'000 + prng_.below(9), {}}});
    if (!std::holds_alternative<GetRange>(message) || !range_) return;
    Range lie = *range_;
    FinalBlock& victim = lie.blocks[prng_.below(lie.blocks.size())];
    switch (prng_.below(5)) {
        case 0: {  // a block of its own under somebody else's certificate
            auto block = std::make_shared<Block>(lie_in_header(*victim.block));
            block->hash = hash(block->header);
            victim.block = block;
            break;
        }
        case 1:  // the end is missing
            lie.blocks.resize(1 + prng_.below(lie.blocks.size()));
            break;
        case 2:
            if (victim.certificate) victim.certificate->signers ^= 1;
            break;
        case 3: {
            auto block = std::make_shared<Block>(*victim.block);
            block->justification.skips.clear();
            block->justification.parent.reset();
            victim.block = block;
            break;
        }
        case 4:
            lie_about_tail(lie);
            break;
    }
    out.push_back({from, std::move(lie)});
}

/// A wrong piece, nothing, another place; a manifest with one field changed, or of a closing block.
void Adversary::lie_about_state(Message& message) {
    const auto flip = [&](Bytes& bytes) {
        if (!bytes.empty()) bytes[prng_.below(bytes.size())] ^= 1;
    };
    if (auto* piece = std::get_if<Piece>(&message)) {
        switch (prng_.below(4)) {
            case 0:
                flip(piece->bytes);
                break;
            case 1:
                piece->number += 1;
                break;
            case 2:
                piece->bytes.clear();
                break;
            case 3:
                piece->bytes.resize(piece->bytes.size() / 2);
                break;
        }
        return;
    }
    auto& manifest = std::get<Manifest>(message);
    switch (prng_.below(5)) {
        case 0:
            flip(manifest.outline);
            break;
        case 1:
            off_by_one(manifest.certified.header.height);
            break;
        case 2:
            manifest.certified.header.state_root.bytes[prng_.below(32)] ^= 1;
            break;
        case 3:
            manifest.certified.certificate.signers ^= 1;
            break;
        case 4:  // what is certified above an epoch's end
            for (const auto& [view, cert] : finals_)
                if (const auto found = blocks_.find(cert.hash);
                    found != blocks_.end() && found->second->header.closing)
                    manifest.certified = {found->second->header, {}, cert};
            break;
    }
}

void Adversary::spam(std::vector<Send>& out) {
    --spam_left_;
    for (const ReplicaIndex to : some()) {
        out.push_back({to, GetBlock{random_hash()}});
        out.push_back({to, GetRange{1 + prng_.below(5), prng_.below(1'000)}});
        out.push_back({to, vote(VoteKind::notar, 1 + prng_.below(100), random_hash())});
        out.push_back({to, Status{epoch_, prng_.below(100), 0, 0, {}}});
        out.push_back({to, Submit{{entry(genesis_ms + 3'600'000, 40, prng_.chance(0.5))}}});
    }
}

}  // namespace kilter::consensus::simulation
