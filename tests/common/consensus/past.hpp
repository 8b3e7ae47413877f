// A chain of certified blocks made with keys that the test has: what peers may show a replica that was not there.
#pragma once

#include "common/consensus/block_tree.hpp"
#include "common/consensus/snapshot.hpp"
#include "tests/common/consensus/lone_replica.hpp"

namespace kilter::consensus {

class Past {
  public:
    explicit Past(const LoneReplica& lone)
        : config_(lone.config),
          epochs_(config_.chain, config_.validators),
          tree_(config_, lone.ledger, DurableImage{}) {}

    /// A block in the next view on the last one, with a final certificate by members 1 ... q.
    FinalBlock add(std::vector<EntryPtr> entries) {
        const View view = tree_.executed(last_)->block->header.view + 1;
        return add(std::move(entries), LoneReplica::start_ms + static_cast<UnixMs>(view));
    }

    FinalBlock add(std::vector<EntryPtr> entries, UnixMs time) {
        const BlockTree::Node& parent = *tree_.executed(last_);
        const Header& before = parent.block->header;
        const View view = before.view + 1;
        const auto execution = tree_.begin(parent, time);
        for (const EntryPtr& entry : entries)
            KILTER_CHECK(execution->apply(*entry).admission == Admission::ready, "admissible");
        Justification why;
        if (last_ != epochs_.find(epoch_)->base) why.parent = cert(VoteKind::notar, before.view);
        const BlockPtr block = tree_.build(parent, view, time, std::move(entries), std::move(why),
                                           config_.validators.leader(view), *execution);
        tree_.insert(block);
        last_ = block->hash;
        above_.push_back(last_);
        return {block, cert(VoteKind::final, view)};
    }

    /// `end`, which holds an epoch change, is final: the next epoch goes on from it.
    EpochProof turn(const FinalBlock& end, const ValidatorSet& next) {
        const EpochProof proof{{end.block->header, {}, *end.certificate}, next};
        KILTER_CHECK(epochs_.extend(proof), "it ends the epoch");
        last_ = end.block->hash;
        for (const BlockHash& hash : std::exchange(above_, {}))
            if (tree_.find(hash)->header.height <= end.block->header.height)
                tree_.advance_tip(hash);
        tree_.begin_epoch(++epoch_, next);
        config_.validators = next;
        return proof;
    }

    [[nodiscard]] Manifest manifest(const FinalBlock& final) {
        const BlockTree::Node& node = *tree_.executed(final.block->hash);
        return {{final.block->header, {}, *final.certificate},
                node.log,
                node.state->map()->outline(1'000).encoded()};
    }

    [[nodiscard]] Bytes piece(const FinalBlock& final,
                              const Manifest& manifest,
                              std::uint32_t number) {
        const Header& header = manifest.certified.header;
        const auto outline = crypto::MerkleOutline::decode(manifest.outline, header.state_root);
        return tree_.executed(final.block->hash)->state->map()->piece(*outline, number);
    }

    /// Members 1 ... q of the running epoch sign.
    [[nodiscard]] Cert cert(VoteKind kind, View view) const {
        Cert out{kind, epoch_, view, last_, 0, {}};
        for (std::size_t i = 1; i <= config_.validators.quorum(); ++i) {
            out.signers |= std::uint64_t{1} << i;
            out.signatures.push_back(
                key_of(config_.validators.validators[i].key)
                    .sign(vote_bytes(config_.chain, kind, epoch_, view, last_)));
        }
        return out;
    }

    /// Of that epoch, signed by these members of `members`.
    [[nodiscard]] EntryPtr change(Epoch epoch,
                                  const ValidatorSet& members,
                                  const ValidatorSet& next,
                                  const std::vector<std::size_t>& signers) const {
        EpochChange made{epoch, next, 0, {}};
        for (const std::size_t place : signers) {
            made.signers |= std::uint64_t{1} << place;
            made.signatures.push_back(key_of(members.validators[place].key)
                                          .sign(epoch_change_bytes(config_.chain, epoch, next)));
        }
        Entry entry;
        entry.type = epoch_change_entry;
        entry.key = epoch_change_key(epoch);
        entry.body = encode(made);
        entry.expires_ms = LoneReplica::start_ms + 3'600'000;
        sign(entry, config_.chain, key_of(members.validators[signers[0]].key));
        return seal(std::move(entry));
    }

    static ValidatorSet set_of(const std::vector<ReplicaIndex>& keys) {
        ValidatorSet out;
        for (const ReplicaIndex number : keys)
            out.validators.push_back({LoneReplica::key(number).public_key(), ""});
        return out;
    }

    [[nodiscard]] const ValidatorSet& validators() const { return config_.validators; }

  private:
    static const crypto::Identity& key_of(const PublicKey& key) {
        static const std::vector<crypto::Identity> keys = [] {
            std::vector<crypto::Identity> out;
            for (ReplicaIndex number = 0; number < 120; ++number)
                out.push_back(LoneReplica::key(number));
            return out;
        }();
        const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& identity) {
            return identity.public_key() == key;
        });
        KILTER_CHECK(found != keys.end(), "not a test's key");
        return *found;
    }

    Config config_;
    EpochTable epochs_;
    BlockTree tree_;
    Epoch epoch_ = 0;
    BlockHash last_ = genesis_hash(config_.chain);
    std::vector<BlockHash> above_;  // the tree's tip
};

}  // namespace kilter::consensus
