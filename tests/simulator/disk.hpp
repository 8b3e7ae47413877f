/// A replica's disk: what a store (common/storage) makes of a turn's writes, in memory. One image is durable; a turn that
/// was handed over but not yet synchronised survives a power cut as a whole or not at all, which is what the store's
/// checksummed transactions turn torn and reordered sectors into.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/consensus/replica.hpp"

namespace kilter::consensus::simulation {

/// What the files say: the database, and the snapshots and archives beside it.
class Image {
  public:
    Image(const Config& genesis, const Application& application);

    /// False: a store that keeps its promises never gets here (a final mark without its block or out of order, a proof of
    /// an epoch that it does not prove).
    [[nodiscard]] bool apply(const Write& write);
    /// From the newest snapshot on, as LogStore::load. None: what is here leads nowhere.
    [[nodiscard]] std::optional<DurableImage> load() const;
    /// The vote is in the journal, or of a view or an epoch that is over and forgotten.
    [[nodiscard]] bool holds(const Vote& vote) const;
    [[nodiscard]] bool holds_body(const BlockHash& hash) const;
    [[nodiscard]] bool is_past(Epoch epoch, View view) const;
    /// As LogStore::answer.
    [[nodiscard]] std::optional<Message> answer(const Ask& ask) const;
    /// Blocks below the older of two snapshots go for good.
    void prune();
    /// The newest snapshot goes, if the older one and all blocks since are there.
    bool lose_snapshot();

    /// Of the newest final state here.
    [[nodiscard]] Height height() const;
    [[nodiscard]] View tip_view() const;

    /// The newest whose beginning is proved here.
    [[nodiscard]] Epoch epoch() const { return epochs_.newest(); }

    /// Votes that are not forgotten yet.
    [[nodiscard]] std::size_t journal_size() const;

    /// The final blocks above those that were pruned, or never here.
    [[nodiscard]] const std::vector<BlockPtr>& chain() const { return chain_; }

    /// All in the file, those inside blocks included.
    [[nodiscard]] std::vector<Cert> certificates() const;

    /// Of the epochs that have ended.
    [[nodiscard]] std::vector<EpochProof> proofs() const { return epochs_.proofs_after(0); }

    [[nodiscard]] std::size_t snapshots() const { return snapshots_.size(); }

  private:
    [[nodiscard]] bool finalise(const FinalMark& mark);
    [[nodiscard]] bool end_epoch(const EpochProof& proof);
    void keep(const Snapshot& snapshot);
    /// The newest one whose epoch is proved here: one that came is on disk before the proofs that came with it.
    [[nodiscard]] const Snapshot* newest_snapshot() const;

    [[nodiscard]] Height chain_height() const {
        return chain_.empty() ? 0 : chain_.back()->header.height;
    }

    [[nodiscard]] BlockPtr block_at(Height height) const;
    [[nodiscard]] FinalBlock final_block(const BlockPtr& block) const;
    [[nodiscard]] std::optional<Range> range(const GetRange& range) const;
    /// That this block is final through its descendants; none: not to be proved from here.
    [[nodiscard]] std::optional<CertifiedHeader> tail(const Block& last) const;

    const Config* genesis_;
    const Application* application_;
    EpochTable epochs_;
    std::multimap<View, Vote> journal_;
    std::map<BlockHash, BlockPtr> blocks_;
    std::multimap<View, Cert> certificates_;
    std::vector<BlockPtr> chain_;  // without a gap
    std::map<View, Cert> finals_;
    std::vector<Snapshot> snapshots_;  // ascending, at most two
};

enum class Damage : std::uint8_t {
    none,
    bit_flip,      ///< found by a checksum: the store does not open again
    missing,       ///< the file is gone: an empty store under the old key
    stale_backup,  ///< an older file was put back
    lost_writes,   ///< synchronisation lied for a while before a power cut
};

class Disk {
  public:
    Disk(const Config& genesis, const Application& application)
        : genesis_(&genesis), application_(&application), durable_(genesis, application) {}

    /// To the page cache.
    void write(std::vector<Write> turn) { cached_ = std::move(turn); }

    /// What was written is durable. False: see Image::apply.
    [[nodiscard]] bool sync();

    /// The process ends or the power fails with a turn not synchronised: it `survives` or it never was. A snapshot that
    /// came with it is a file of its own, written before: it may be there without the rest.
    [[nodiscard]] bool power_cut(bool survives, bool snapshot_survives);

    /// Keeps a copy for a later stale_backup or lost_writes.
    void back_up() { backup_ = durable_; }

    void damage(Damage damage);

    /// The image, unless the store would refuse to open.
    [[nodiscard]] bool opens() const { return !unreadable_; }

    [[nodiscard]] const Image& durable() const { return durable_; }

    void prune() { durable_.prune(); }

    bool lose_snapshot() { return durable_.lose_snapshot(); }

  private:
    const Config* genesis_;
    const Application* application_;
    Image durable_;
    std::vector<Write> cached_;
    std::optional<Image> backup_;
    bool unreadable_ = false;
};

}  // namespace kilter::consensus::simulation
