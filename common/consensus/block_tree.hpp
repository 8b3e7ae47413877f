/// Which block may follow which: the last final block, the blocks above it that are not final yet, and the ledger state
/// after each of them.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "common/consensus/block_execution.hpp"
#include "common/consensus/effects.hpp"
#include "common/consensus/replica.hpp"

namespace kilter::consensus {

/// count and payload root fit the entries. Whoever signed the header is not to blame for a body that does not.
bool body_fits(const Block& block);

/// Whether the certificates that travel with a block justify its place: a notar or final certificate of the parent (none
/// for the epoch's base), and the skip certificates of the newest min(gap, skips_attached_max) views between. Signatures are
/// checked through `valid`, so that certificates already held cost nothing.
bool justified(const Block& block,
               const EpochTable& epochs,
               const std::function<bool(const Cert&)>& valid);

class BlockTree {
  public:
    struct Node {
        BlockPtr block;
        StatePtr state;              ///< null until executed
        crypto::MerkleFrontier log;  ///< valid once executed
        bool invalid = false;        ///< execution contradicted the header
    };

    BlockTree(const Config& config, const Application& application, const DurableImage& image);

    [[nodiscard]] const Node& tip() const { return nodes_.at(tip_); }

    [[nodiscard]] const BlockHash& tip_hash() const { return tip_; }

    [[nodiscard]] BlockPtr find(const BlockHash& hash) const;
    /// A block whose body fits and that is justified; not executed yet.
    void insert(BlockPtr block);

    /// The block with its state. Executes what is missing on the way up from the tip. Null: the block or an ancestor is
    /// not here, or is invalid (is_invalid tells).
    const Node* executed(const BlockHash& hash);
    [[nodiscard]] bool is_invalid(const BlockHash& hash) const;
    /// Whether this program knows the rules for the block after the tip.
    [[nodiscard]] Result<void> understood() const;
    /// The header fits its parent's, in everything that needs no execution.
    [[nodiscard]] bool fits(const Header& header, const Header& parent) const;

    /// Entries applied on top of an executed parent. Must not outlive the epoch.
    [[nodiscard]] std::unique_ptr<BlockExecution> begin(const Node& parent, UnixMs time_ms) const;
    /// Whether only an empty block may follow in the same epoch.
    [[nodiscard]] bool closes(const Header& parent) const;
    /// A new block on top of an executed parent; its entries were applied to `execution` one by one.
    [[nodiscard]] BlockPtr build(const Node& parent,
                                 View view,
                                 UnixMs time_ms,
                                 std::vector<EntryPtr> entries,
                                 Justification justification,
                                 ReplicaIndex proposer,
                                 BlockExecution& execution);

    enum class Walk : std::uint8_t { complete, missing, fork };
    /// The blocks after the tip up to `hash`, oldest first. `missing`: the hash to fetch is in `gap`.
    Walk path_to(const BlockHash& hash, std::vector<BlockPtr>& path, BlockHash& gap) const;
    /// Makes an executed child of the tip the tip. Forgets what cannot become final any more.
    void advance_tip(const BlockHash& hash);
    /// The tip was the old epoch's last block: what else of that epoch is here is forgotten.
    void begin_epoch(Epoch epoch, const ValidatorSet& validators);
    /// A snapshot's block becomes the tip; everything else is forgotten.
    void adopt(const Header& header, StatePtr state, crypto::MerkleFrontier log);

  private:
    bool execute(Node& node, const Node& parent) const;

    Config config_;  // its validators are the current epoch's
    Epoch epoch_ = 0;
    Digest validators_;
    const Application& application_;
    std::unordered_map<BlockHash, Node> nodes_;
    BlockHash tip_;
    std::vector<BlockHash> recent_;  // final, oldest first: kept for peers that are a little behind
};

}  // namespace kilter::consensus
