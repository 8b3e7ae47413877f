/// A replica's disk: what a store (common/storage) makes of a turn's writes, in memory. One image is durable; a turn that
/// was handed over but not yet synchronised survives a power cut as a whole or not at all, which is what the store's
/// checksummed transactions turn torn and reordered sectors into.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/consensus/replica.hpp"

namespace kilter::consensus::simulation {

/// What the file says.
class Image {
  public:
    explicit Image(const Application& application) : application_(&application) {}

    /// False: a store that keeps its promises never gets here (a final mark without its block, out of order, or of a
    /// block that does not apply).
    [[nodiscard]] bool apply(const Write& write);
    [[nodiscard]] DurableImage load() const;
    /// The vote is in the journal, or of a view that is final and forgotten.
    [[nodiscard]] bool holds(const Vote& vote) const;
    [[nodiscard]] bool holds_body(const BlockHash& hash) const;
    /// The view is final and forgotten.
    [[nodiscard]] bool is_past(View view) const;
    [[nodiscard]] std::optional<Range> range(const GetRange& range) const;

    [[nodiscard]] Height height() const { return chain_.size(); }

    [[nodiscard]] View tip_view() const { return chain_.empty() ? 0 : chain_.back()->header.view; }

    [[nodiscard]] std::size_t journal_size() const { return journal_.size(); }

    [[nodiscard]] const std::vector<BlockPtr>& chain() const { return chain_; }

    /// All in the file, those inside blocks included.
    [[nodiscard]] std::vector<Cert> certificates() const;

    [[nodiscard]] const Application& application() const { return *application_; }

  private:
    [[nodiscard]] bool finalise(const FinalMark& mark);

    const Application* application_;
    std::multimap<View, Vote> journal_;
    std::map<BlockHash, BlockPtr> blocks_;
    std::multimap<View, Cert> certificates_;
    std::vector<BlockPtr> chain_;
    std::map<BlockHash, Cert> finals_;
    std::optional<Cert> newest_;
    StatePtr state_;
    crypto::MerkleFrontier log_;
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
    explicit Disk(const Application& application) : durable_(application) {}

    /// To the page cache.
    void write(std::vector<Write> turn) { cached_ = std::move(turn); }

    /// What was written is durable. False: see Image::apply.
    [[nodiscard]] bool sync();

    /// The process ends or the power fails with a turn not synchronised: it `survives` or it never was.
    [[nodiscard]] bool power_cut(bool survives);

    /// Keeps a copy for a later stale_backup or lost_writes.
    void back_up() { backup_ = durable_; }

    void damage(Damage damage);

    /// The image, unless the store would refuse to open.
    [[nodiscard]] bool opens() const { return !unreadable_; }

    [[nodiscard]] const Image& durable() const { return durable_; }

  private:
    Image durable_;
    std::vector<Write> cached_;
    std::optional<Image> backup_;
    bool unreadable_ = false;
};

}  // namespace kilter::consensus::simulation
