// False blocks, votes and certificates: what a Byzantine key can make out of what it has seen.
#include "common/base/limits.hpp"
#include "tests/simulator/adversary.hpp"
#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {

Vote Adversary::vote(VoteKind kind, View view, const BlockHash& hash, std::optional<Epoch> which) {
    const Epoch epoch = which.value_or(epoch_);
    Vote out{kind, epoch, view, kind == VoteKind::skip ? BlockHash{} : hash, key_, {}};
    out.signature = identity_.sign(vote_bytes(config_.chain, kind, epoch, view, out.hash));
    return out;
}

Proposal Adversary::propose(Block block) {
    block.hash = hash(block.header);
    const Vote own = vote(VoteKind::notar, block.header.view, block.hash);
    const auto shared = std::make_shared<const Block>(std::move(block));
    blocks_.emplace(shared->hash, shared);
    return {shared, own};
}

BlockHash Adversary::random_hash() {
    BlockHash out;
    for (auto& byte : out.bytes)
        byte = static_cast<std::uint8_t>(prng_.next());
    return out;
}

/// Valid in its place, other than the first: a block without entries where there were some, or of a later time.
Block Adversary::sibling(const Block& block) {
    Block out = block;
    const auto parent = blocks_.find(block.header.parent_hash);
    if (block.header.count > 0 && parent != blocks_.end()) {
        out.entries.clear();
        out.header.count = 0;
        out.header.payload_root = crypto::merkle_root({});
        out.header.log_root = parent->second->header.log_root;
        out.header.state_root = parent->second->header.state_root;
    }
    out.header.time_ms += 1 + static_cast<UnixMs>(prng_.below(3));
    return out;
}

/// An empty block on another certified one, with the skip certificates at hand or without.
Block Adversary::on_stale_parent(const Block& block, bool justified) {
    std::vector<BlockPtr> parents;
    for (const auto& [view, cert] : notars_)
        if (const auto found = blocks_.find(cert.hash);
            view < block.header.view && found != blocks_.end())
            parents.push_back(found->second);
    if (parents.empty()) return sibling(block);
    const Block& parent = *parents[prng_.below(parents.size())];
    Block out = block;
    out.entries.clear();
    Header& header = out.header;
    header.parent_view = parent.header.view;
    header.parent_hash = parent.hash;
    header.height = parent.header.height + 1;
    header.first_index = parent.header.first_index + parent.header.count;
    header.count = 0;
    header.payload_root = crypto::merkle_root({});
    header.log_root = parent.header.log_root;
    header.state_root = parent.header.state_root;
    header.time_ms = std::max(header.time_ms, parent.header.time_ms + 1);
    out.justification.parent = notars_.at(parent.header.view);
    out.justification.skips.clear();
    for (View view = header.parent_view + 1; justified && view < header.view; ++view)
        if (skips_.contains(view)) out.justification.skips.push_back(skips_.at(view));
    return out;
}

Block Adversary::lie_in_header(Block block) {
    Header& header = block.header;
    const auto flip = [&](auto& digest) { digest.bytes[prng_.below(32)] ^= 1; };
    switch (prng_.below(15)) {
        case 0:
            off_by_one(header.height);
            break;
        case 1:
            off_by_one(header.first_index);
            break;
        case 2:
            flip(header.payload_root);
            break;
        case 3:
            flip(header.log_root);
            break;
        case 4:
            flip(header.state_root);
            break;
        case 5:
            off_by_one(header.parent_view);
            break;
        case 6:
            flip(header.parent_hash);
            break;
        case 7:
            header.proposer = static_cast<ReplicaIndex>(header.proposer + 1);
            break;
        case 8:
            off_by_one(header.epoch);
            break;
        case 9:
            flip(header.validators);
            break;
        case 10:
            flip(header.next_validators);
            break;
        case 11:
            flip(header.chain);
            break;
        case 12:
            header.closing = !header.closing;
            break;
        case 13:
            off_by_one(header.view);
            break;
        case 14:
            header.count += 1;
            break;
    }
    return block;
}

EntryPtr Adversary::entry(UnixMs expires_ms, std::size_t body, bool sign_it) {
    Entry out;
    out.type = 1;
    out.seq = prng_.next();
    out.expires_ms = expires_ms;
    out.body = Bytes(std::min(body, limits::entry_body_bytes_max), 1);
    sign(out, config_.chain, identity_);
    if (!sign_it) out.signature.bytes[0] ^= 1;
    out.body.resize(body, 1);
    made_.push_back(seal(std::move(out)));
    return made_.back();
}

Block Adversary::with_bad_entries(Block block) {
    switch (prng_.below(4)) {
        case 0:  // twice in one block, or one from an older block
            if (!block.entries.empty())
                block.entries.push_back(block.entries.front());
            else
                for (const auto& [hash, other] : blocks_)
                    if (!other->entries.empty()) block.entries.push_back(other->entries.front());
            break;
        case 1:  // expired
            block.entries.push_back(entry(block.header.time_ms - 1, 20, true));
            break;
        case 2:  // unsigned
            block.entries.push_back(entry(genesis_ms + 3'600'000, 20, false));
            break;
        case 3: {  // refused by the ledger
            Entry bad;
            bad.type = 1;
            bad.seq = prng_.next();
            bad.expires_ms = genesis_ms + 3'600'000;
            bad.body = Bytes(3, 0xff);
            sign(bad, config_.chain, identity_);
            block.entries.push_back(seal(std::move(bad)));
            break;
        }
    }
    block.header.count = static_cast<std::uint32_t>(block.entries.size());
    block.header.payload_root = crypto::merkle_root(leaves(block));
    return block;
}

Block Adversary::oversized(Block block) {
    if (prng_.chance(0.5))
        block.entries.push_back(
            entry(genesis_ms + 3'600'000, limits::entry_body_bytes_max + 1, true));
    else
        block.entries.assign(limits::block_entries_max + 1, entry(genesis_ms + 3'600'000, 1, true));
    block.header.count = static_cast<std::uint32_t>(block.entries.size());
    block.header.payload_root = crypto::merkle_root(leaves(block));
    return block;
}

/// Of another header, with a broken chain of descendants, with a certificate of something else or of another epoch. Where there
/// was none: a block of its own, and above it another that it alone has signed.
void Adversary::lie_about_tail(Range& range) {
    if (!range.tail) {
        auto block = std::make_shared<Block>(lie_in_header(*range.blocks.back().block));
        block->header.next_validators = {};
        block->hash = hash(block->header);
        Header child = block->header;
        child.parent_hash = block->hash;
        ++child.height;
        ++child.view;
        const Vote own = vote(VoteKind::final, child.view, hash(child), child.epoch);
        range.blocks.back() = {block, std::nullopt};
        range.tail = CertifiedHeader{
            block->header,
            {child},
            {own.kind, own.epoch, own.view, own.hash, std::uint64_t{1} << key_, {own.signature}}};
        return;
    }
    CertifiedHeader& tail = *range.tail;
    switch (prng_.below(6)) {
        case 0:
            tail.header = tail.descendants.front();
            break;
        case 1:
            tail.descendants.erase(tail.descendants.begin());
            break;
        case 2:
            ++tail.descendants[prng_.below(tail.descendants.size())].time_ms;
            break;
        case 3:
            off_by_one(tail.certificate.epoch);
            break;
        case 4:
            tail.certificate.signers ^= 1;
            break;
        case 5:
            if (!finals_.empty()) tail.certificate = finals_.begin()->second;
            break;
    }
}

/// Too few signers, one signer's signature for two, or true signatures under another block's hash.
std::optional<Cert> Adversary::false_certificate() {
    if (notars_.empty() && skips_.empty()) return std::nullopt;
    const bool from_notar = !notars_.empty() && (skips_.empty() || prng_.chance(0.5));
    Cert out = from_notar ? notars_.rbegin()->second : skips_.rbegin()->second;
    switch (prng_.below(5)) {
        case 0:  // the lowest signer goes
            out.signers &= out.signers - 1;
            out.signatures.erase(out.signatures.begin());
            break;
        case 1:
            out.signatures.back() = out.signatures.front();
            break;
        case 2:
            if (out.kind != VoteKind::skip) out.hash = random_hash();
            break;
        case 3:
            ++out.view;
            break;
        case 4:
            if (out.kind == VoteKind::notar) out.kind = VoteKind::final;
            break;
    }
    return out;
}

}  // namespace kilter::consensus::simulation
