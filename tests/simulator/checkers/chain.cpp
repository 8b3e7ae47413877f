#include "tests/simulator/checkers/chain.hpp"

#include "common/base/limits.hpp"
#include "common/crypto/merkle.hpp"
#include "tests/simulator/clock.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t certified_max = 12;

class SmallAccount final : public ChainChecker::Account {
  public:
    Digest after(const std::vector<EntryPtr>& entries,
                 const ValidatorSet* /*members*/,
                 const ValidatorSet* /*next*/) override {
        std::vector<EntryId> ids;
        for (const EntryPtr& entry : entries)
            ids.push_back(entry->id);
        state_ = std::make_shared<const SmallState>(state_, std::move(ids), std::vector<Bytes>{});
        return state_->root();
    }

  private:
    std::shared_ptr<const SmallState> state_ = std::make_shared<const SmallState>();
};

class MapAccount final : public ChainChecker::Account {
  public:
    Digest after(const std::vector<EntryPtr>& entries,
                 const ValidatorSet* members,
                 const ValidatorSet* next) override {
        const auto put = [&](std::string_view name, ByteView rest, Bytes value) {
            map_ = map_.with(ByteWriter{}.text(name).raw(rest).bytes(), std::move(value));
        };
        for (const EntryPtr& entry : entries) {
            put("id", entry->id.view(), {});
            put("count", {}, ByteWriter{}.u64(++count_).bytes());
            if (!entry->entry.key.empty()) put("key", entry->entry.key, {});
        }
        if (next != nullptr) {
            put("log|members", {}, next->encode());
            for (const Validator& validator : members->validators)
                put("log|was", validator.key.view(), {});
        }
        return map_.root();
    }

  private:
    crypto::MerkleMap map_;
    std::uint64_t count_ = 0;
};
}  // namespace

std::unique_ptr<ChainChecker::Account> map_account() {
    return std::make_unique<MapAccount>();
}

ChainChecker::ChainChecker(Report& report,
                           ChainId chain,
                           ValidatorSet validators,
                           std::size_t addresses,
                           std::unique_ptr<Account> account)
    : report_(report),
      chain_id_(chain),
      genesis_(validators),
      validators_(std::move(validators)),
      validators_hash_(validators_.hash()),
      account_(account ? std::move(account) : std::make_unique<SmallAccount>()),
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
    const UnixMs parent_ms = chain_.empty() ? genesis_ms : chain_.back().time_ms;
    if (header.time_ms > std::max(clock_max + drift_ms, parent_ms + 1))
        complain("S16", header, "it is from the future");
    extend(final);
}

void ChainChecker::on_final_elsewhere(const Finalised& final) {
    const Height height = final.block->header.height;
    if (height > chain_.size()) elsewhere_.try_emplace(height, final);
}

void ChainChecker::on_boot(Address address, Height height, const std::vector<BlockPtr>& chain) {
    delivered_[address] = height;
    for (const BlockPtr& block : chain)
        if (block->header.height == chain_.size() + 1) extend(*block);
}

void ChainChecker::on_jump(Address address, const Header& header) {
    if (header.height <= delivered_[address])
        complain("S7", header, "process " + std::to_string(address) + " goes back to it");
    delivered_[address] = header.height;
    if (header.height > chain_.size()) {
        ahead_[header.height] = hash(header);
        for (auto next = elsewhere_.find(chain_.size() + 1);
             next != elsewhere_.end() && chain_.size() < header.height;
             next = elsewhere_.find(chain_.size() + 1))
            extend(elsewhere_.extract(next).mapped());
    } else if (hashes_[header.height - 1] != hash(header)) {
        complain("S1", header, "a snapshot is of another block at its height");
    }
}

void ChainChecker::extend(const Finalised& final) {
    const Header& header = final.block->header;
    if (header.count > 0) check_receipt(final);
    const CertifiedHeader certified{header, final.descendants, final.certificate};
    if (certified_.size() < certified_max || !header.next_validators.is_zero())
        certified_.push_back(certified);
    else
        certified_.back() = certified;
    extend(*final.block);
}

void ChainChecker::extend(const Block& block) {
    check_place(block);
    check_entries(block);
    chain_.push_back(block.header);
    hashes_.push_back(block.hash);
    heights_[block.hash] = block.header.height;
    if (const auto ahead = ahead_.find(block.header.height);
        ahead != ahead_.end() && ahead->second != block.hash)
        complain("S1", block.header, "a snapshot was of another block at this height");
    if (!block.header.next_validators.is_zero()) end_epoch(block);
}

void ChainChecker::on_epoch_proof(const EpochProof& proof) {
    const Header& end = proof.end.header;
    if (end.epoch < proofs_.size()) {
        if (end != proofs_[end.epoch].end.header)
            complain("S12", end, "its epoch ended with another block");
        return;
    }
    EpochTable epochs(chain_id_, genesis_);
    for (const EpochProof& before : proofs_)
        (void)epochs.extend(before);
    if (!epochs.extend(proof)) complain("S12", end, "that it ended an epoch is not proved");
    proofs_.push_back(proof);
}

/// By its own account: a quorum of the members signed the next set, in which nobody is who left before.
void ChainChecker::end_epoch(const Block& block) {
    const Header& header = block.header;
    const auto change = block.entries.empty()
                            ? Result<EpochChange>(Error{"no entry"})
                            : decode_epoch_change(block.entries.back()->entry.body);
    if (!change || block.entries.back()->entry.type != epoch_change_entry ||
        change->epoch != epoch_ || change->next.hash() != header.next_validators) {
        complain("S12", header, "it ends an epoch without an entry that says so");
        return;
    }
    const Bytes agreed = epoch_change_bytes(chain_id_, epoch_, change->next);
    std::size_t at = 0;
    std::size_t signers = 0;
    for (std::size_t i = 0; i < 64 && at < change->signatures.size(); ++i) {
        if (((change->signers >> i) & 1) == 0) continue;
        const Signature& signature = change->signatures[at++];
        if (i < validators_.size() &&
            crypto::verify(validators_.validators[i].key, agreed, signature))
            ++signers;
    }
    if (signers < validators_.quorum()) complain("S12", header, "no quorum agreed to its change");
    for (const Validator& member : change->next.validators)
        if (left_.contains(member.key))
            complain("S12", header, "a key that left is a member again");
    for (const Validator& member : validators_.validators)
        if (!change->next.index_of(member.key)) left_.insert(member.key);
    validators_ = change->next;
    validators_hash_ = validators_.hash();
    ++epoch_;
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
    if (header.chain != chain_id_ || header.epoch != epoch_ ||
        header.validators != validators_hash_)
        complain("S12", header, "of another chain, epoch or validator set");
    if (header.closing) complain("S12", header, "a closing block stayed");
    const bool first_of_epoch = header.height == 1 || !parent.next_validators.is_zero();
    if (header.proposer != header.view % validators_.size())
        complain("S6", header, "proposed out of turn");
    if (header.time_ms <= parent.time_ms) complain("S16", header, "not later than its parent");
    const auto valid = [&](const Cert& cert, View view) {
        return cert.view == view && verify(cert, chain_id_, validators_) == CertVerdict::valid;
    };
    const Justification& why = block.justification;
    if (first_of_epoch && why.parent)
        complain("S6", header, "its epoch's base needs no certificate");
    if (!first_of_epoch && (!why.parent || why.parent->kind == VoteKind::skip ||
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
    const ValidatorSet* next = nullptr;
    Result<EpochChange> change = Error{"none"};
    for (const EntryPtr& entry : block.entries) {
        const Entry& content = entry->entry;
        if (!entries_.insert(entry->id).second) complain("S10", header, "an entry a second time");
        if (!content.key.empty() && !keys_.insert(content.key).second)
            complain("S10", header, "a semantic key a second time");
        if (content.expires_ms < header.time_ms) complain("S10", header, "an expired entry");
        // Evidence is the replicas' own, and stands for itself.
        const bool proves_itself = content.type == evidence_entry && evidence_proves(content);
        evidence_ += content.type == evidence_entry ? 1 : 0;
        if (!made_.contains(entry->id) && !proves_itself)
            complain("S10", header, "an entry nobody made");
        if (!verify(*entry, chain_id_)) complain("S10", header, "an entry its author did not sign");
        leaves_.push_back(entry->leaf);
        log_.append(entry->leaf);
        if (content.type != epoch_change_entry) continue;
        if (entry != block.entries.back()) complain("S12", header, "its epoch change is not last");
        change = decode_epoch_change(content.body);
        if (change) next = &change->next;
        if (header.next_validators.is_zero())
            complain("S12", header, "an epoch change changes nothing");
    }
    if (header.log_root != log_.root()) complain("S11", header, "its log root is wrong");
    if (header.state_root != account_->after(block.entries, &validators_, next))
        complain("S11", header, "its state root is wrong");
}

bool ChainChecker::evidence_proves(const Entry& entry) const {
    const auto evidence = decode_evidence(entry.body);
    return evidence && evidence->first.epoch == epoch_ && validators_.index_of(entry.author) &&
           contradict(evidence->first, evidence->second) &&
           verify(evidence->first, chain_id_, validators_) &&
           verify(evidence->second, chain_id_, validators_);
}

void ChainChecker::check_receipt(const Finalised& final) {
    const Header& header = final.block->header;
    const std::size_t position = header.height % header.count;
    if (proofs_.size() < header.epoch) return;  // its process died before it could prove the epoch
    std::vector<EpochProof> proofs = proofs_;
    proofs.resize(header.epoch, EpochProof{});
    const Bytes encoded = encode(make_receipt(final, position, std::move(proofs)));
    const auto verdict = [&](const Bytes& bytes) {
        const Result<Receipt> receipt = decode_receipt(bytes);
        return receipt && verify(*receipt, chain_id_, genesis_) == ReceiptVerdict::valid;
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
    for (std::size_t i = 0; i < certified_.size(); ++i)
        check_consistency(certified_[i], certified_.back());
}

/// Through the light client, as an outsider who knows only genesis.
void ChainChecker::check_consistency(const CertifiedHeader& older, const CertifiedHeader& newer) {
    const auto size = [](const Header& header) { return header.first_index + header.count; };
    const std::uint64_t old_size = size(older.header);
    const std::uint64_t new_size = size(newer.header);
    if (newer.header.epoch > proofs_.size() || new_size > leaves_.size()) return;
    ConsistencyProof proof{older, newer, {}, proofs_};
    proof.epochs.resize(newer.header.epoch, EpochProof{});
    if (old_size > 0)
        proof.path = crypto::consistency_path(std::span(leaves_).first(new_size), old_size);
    Bytes encoded = encode(proof);
    const auto verdict = [&] {
        const Result<ConsistencyProof> decoded = decode_consistency_proof(encoded);
        return decoded && verify(*decoded, chain_id_, genesis_) == ConsistencyVerdict::consistent;
    };
    if (!verdict()) complain("S14", older.header, "its consistency proof does not verify");
    const std::size_t bit =
        static_cast<std::uint64_t>(older.header.time_ms) * 2'654'435'761u % (8 * encoded.size());
    encoded[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (verdict())
        complain("S14", older.header,
                 "a consistency proof verifies with bit " + std::to_string(bit) + " flipped");
}

}  // namespace kilter::consensus::simulation
