#include "tests/simulator/checkers/chain.hpp"

#include "common/base/limits.hpp"
#include "common/crypto/merkle.hpp"
#include "tests/simulator/clock.hpp"

namespace kilter::consensus::simulation {

ChainChecker::ChainChecker(Report& report,
                           ChainId chain,
                           ValidatorSet validators,
                           std::size_t addresses)
    : report_(report),
      chain_id_(chain),
      validators_(std::move(validators)),
      validators_hash_(validators_.hash()),
      delivered_(addresses, 0) {}

void ChainChecker::complain(std::string_view invariant,
                            const Header& header,
                            const std::string& what) {
    report_.violation(invariant, "block " + std::to_string(header.height) + " of view " +
                                     std::to_string(header.view) + ": " + what);
}

void ChainChecker::on_final(Address address,
                            const Finalised& final,
                            UnixMs clock_max,
                            std::int64_t drift_ms) {
    const Header& header = final.block->header;
    if (header.height != delivered_[address] + 1)
        complain("S1", header,
                 "delivered by process " + std::to_string(address) + " after block " +
                     std::to_string(delivered_[address]));
    delivered_[address] = header.height;
    if (header.height <= chain_.size()) {
        if (hashes_[header.height - 1] != final.block->hash)
            complain("S1", header, "another block is final at this height");
        return;
    }
    if (header.height != chain_.size() + 1) return;
    if (header.time_ms > clock_max + drift_ms) complain("S16", header, "it is from the future");
    if (header.count > 0) check_receipt(final);
    extend(*final.block);
}

void ChainChecker::on_boot(Address address, const std::vector<BlockPtr>& chain) {
    delivered_[address] = chain.size();
    for (std::size_t i = chain_.size(); i < chain.size(); ++i)
        extend(*chain[i]);
}

void ChainChecker::extend(const Block& block) {
    check_place(block);
    check_entries(block);
    chain_.push_back(block.header);
    hashes_.push_back(block.hash);
}

void ChainChecker::check_place(const Block& block) {
    const Header& header = block.header;
    Header parent;
    parent.time_ms = genesis_ms;
    BlockHash parent_hash = genesis_hash(chain_id_);
    if (!chain_.empty()) {
        parent = chain_.back();
        parent_hash = hashes_.back();
    }
    if (header.parent_hash != parent_hash) complain("S1", header, "not on the final block below");
    if (header.parent_view != parent.view || header.view <= parent.view)
        complain("S6", header, "its views do not fit its parent's");
    if (header.first_index != parent.first_index + parent.count)
        complain("S6", header, "its first index does not fit its parent's");
    if (header.chain != chain_id_ || header.epoch != parent.epoch ||
        header.validators != validators_hash_)
        complain("S12", header, "of another chain, epoch or validator set");
    if (header.proposer != header.view % validators_.size())
        complain("S6", header, "proposed out of turn");
    if (header.time_ms <= parent.time_ms) complain("S16", header, "not later than its parent");
    const auto valid = [&](const Cert& cert, View view) {
        return cert.view == view && verify(cert, chain_id_, validators_) == CertVerdict::valid;
    };
    const Justification& why = block.justification;
    if (header.height > 1 && (!why.parent || why.parent->kind == VoteKind::skip ||
                              why.parent->hash != parent_hash || !valid(*why.parent, parent.view)))
        complain("S6", header, "its parent is not certified");
    const View gap = header.view - parent.view - 1;
    const View attached = std::min<View>(gap, limits::skips_attached_max);
    bool skipped = why.skips.size() == attached;
    for (std::size_t i = 0; skipped && i < attached; ++i)
        skipped =
            why.skips[i].kind == VoteKind::skip && valid(why.skips[i], header.view - attached + i);
    if (!skipped) complain("S6", header, "a view before it is not skipped");
}

void ChainChecker::check_entries(const Block& block) {
    const Header& header = block.header;
    if (header.count != block.entries.size() ||
        header.payload_root != crypto::merkle_root(leaves(block)))
        complain("S11", header, "its payload root is not that of its entries");
    std::vector<EntryId> ids;
    for (const EntryPtr& entry : block.entries) {
        ids.push_back(entry->id);
        const Entry& content = entry->entry;
        if (!entries_.insert(entry->id).second) complain("S10", header, "an entry a second time");
        if (!content.key.empty() && !keys_.insert(content.key).second)
            complain("S10", header, "a semantic key a second time");
        if (content.expires_ms < header.time_ms) complain("S10", header, "an expired entry");
        // Evidence is the replicas' own, and stands for itself.
        const bool proves_itself =
            content.type == evidence_entry && check_entry(*entry, chain_id_, SmallLedger{}).ok();
        if (!made_.contains(entry->id) && !proves_itself)
            complain("S10", header, "an entry nobody made");
        if (!verify(*entry, chain_id_)) complain("S10", header, "an entry its author did not sign");
        leaves_.push_back(entry->leaf);
        log_.append(entry->leaf);
    }
    if (header.log_root != log_.root()) complain("S11", header, "its log root is wrong");
    state_ = std::make_shared<const SmallState>(state_, std::move(ids), std::vector<Bytes>{});
    if (header.state_root != state_->root()) complain("S11", header, "its state root is wrong");
}

void ChainChecker::check_receipt(const Finalised& final) {
    const Header& header = final.block->header;
    const std::size_t position = header.height % header.count;
    const Bytes encoded = encode(make_receipt(final, position));
    const auto verdict = [&](const Bytes& bytes) {
        const Result<Receipt> receipt = decode_receipt(bytes);
        return receipt && verify(*receipt, chain_id_, validators_) == ReceiptVerdict::valid;
    };
    if (!verdict(encoded)) complain("S14", header, "a receipt does not verify");
    Bytes flipped = encoded;
    const std::size_t bit =
        static_cast<std::uint64_t>(header.time_ms) * 2'654'435'761u % (8 * flipped.size());
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (verdict(flipped))
        complain("S14", header, "a receipt verifies with bit " + std::to_string(bit) + " flipped");
}

void ChainChecker::at_the_end() {
    for (const Header& old : chain_) {
        const std::uint64_t old_size = old.first_index + old.count;
        if (old_size == 0 || chain_.empty()) continue;
        const Header& tip = chain_.back();
        const std::uint64_t size = tip.first_index + tip.count;
        const auto path = crypto::consistency_path(std::span(leaves_).first(size), old_size);
        if (!crypto::consistent(old_size, old.log_root, size, tip.log_root, path))
            complain("S11", old, "the last block's log does not extend its log");
    }
}

}  // namespace kilter::consensus::simulation
