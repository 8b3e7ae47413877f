#include "common/consensus/block_tree.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t recent_blocks_max = 8;

/// The parent node of the first block, or of a tip whose body is not at hand.
BlockPtr bare_block(const Header& header, const BlockHash& hash) {
    auto block = std::make_shared<Block>();
    block->header = header;
    block->hash = hash;
    return block;
}
}  // namespace

bool body_fits(const Block& block) {
    return block.header.count == block.entries.size() &&
           block.header.payload_root == crypto::merkle_root(leaves(block));
}

bool justified(const Block& block,
               const EpochTable& epochs,
               const std::function<bool(const Cert&)>& valid) {
    const Header& header = block.header;
    const Justification& why = block.justification;
    if (header.parent_view >= header.view) return false;
    const EpochTable::Member* epoch = epochs.find(header.epoch);
    if (epoch == nullptr || header.parent_view < epoch->base_view) return false;
    const bool first = header.parent_view == epoch->base_view;
    if (first != !why.parent) return false;
    if (first && header.parent_hash != epoch->base) return false;
    const View gap = header.view - header.parent_view - 1;
    const auto attached = std::min<View>(gap, limits::skips_attached_max);
    if (mutant == Mutant::unjustified_gap) return true;
    if (why.skips.size() != attached) return false;
    for (std::size_t i = 0; i < why.skips.size(); ++i) {
        const Cert& skip = why.skips[i];
        if (skip.kind != VoteKind::skip || skip.epoch != header.epoch ||
            skip.view != header.view - attached + i)
            return false;
    }
    if (!first) {
        const Cert& parent = *why.parent;
        if (parent.kind == VoteKind::skip || parent.epoch != header.epoch ||
            parent.view != header.parent_view || parent.hash != header.parent_hash)
            return false;
        if (!valid(parent)) return false;
    }
    return std::all_of(why.skips.begin(), why.skips.end(), valid);
}

BlockTree::BlockTree(const Config& config,
                     const Application& application,
                     const DurableImage& image)
    : config_(config), validators_(config.validators.hash()), application_(application) {
    Header tip = image.tip;
    if (tip.height == 0) {
        tip = Header{};
        tip.chain = config.chain;
        tip.time_ms = config.genesis_ms;
    }
    tip_ = tip.height == 0 ? genesis_hash(config.chain) : hash(tip);
    for (const BlockPtr& block : image.blocks) {
        if (block->header.height <= tip.height) recent_.push_back(block->hash);
        nodes_[block->hash].block = block;
    }
    Node& node = nodes_[tip_];
    if (!node.block) node.block = bare_block(tip, tip_);
    node.state = image.state ? image.state : application.initial();
    node.log = image.log;
    epoch_ = tip.epoch;
}

BlockPtr BlockTree::find(const BlockHash& hash) const {
    const auto found = nodes_.find(hash);
    return found == nodes_.end() ? nullptr : found->second.block;
}

void BlockTree::insert(BlockPtr block) {
    const BlockHash hash = block->hash;
    nodes_.try_emplace(hash, Node{std::move(block), nullptr, {}, false});
}

Result<void> BlockTree::understood() const {
    return application_.understands(*tip().state, tip().block->header.height + 1);
}

bool BlockTree::fits(const Header& header, const Header& parent) const {
    const bool closing = closes(parent);
    const bool adds_nothing = header.count == 0 && header.next_validators.is_zero() &&
                              header.log_root == parent.log_root &&
                              header.state_root == parent.state_root;
    return header.chain == config_.chain && header.epoch == epoch_ &&
           header.validators == validators_ && header.closing == closing &&
           (!closing || adds_nothing || mutant == Mutant::closing_entries) &&
           header.view > parent.view && header.parent_view == parent.view &&
           header.height == parent.height + 1 &&
           header.first_index == parent.first_index + parent.count &&
           header.time_ms > parent.time_ms &&
           header.proposer == config_.validators.leader(header.view);
}

bool BlockTree::closes(const Header& parent) const {
    return parent.epoch == epoch_ && (parent.closing || !parent.next_validators.is_zero());
}

std::unique_ptr<BlockExecution> BlockTree::begin(const Node& parent, UnixMs time_ms) const {
    return std::make_unique<BlockExecution>(
        application_.begin(parent.state, parent.block->header.height + 1, time_ms), parent.state,
        config_.chain, epoch_, config_.validators);
}

bool BlockTree::execute(Node& node, const Node& parent) const {
    const Header& header = node.block->header;
    if (!fits(header, parent.block->header)) return false;
    if (header.closing && mutant != Mutant::closing_entries) {
        node.state = parent.state;
        node.log = parent.log;
        return true;
    }
    if (!application_.understands(*parent.state, header.height)) return false;
    const auto execution = begin(parent, header.time_ms);
    for (const EntryPtr& entry : node.block->entries)
        if (execution->apply(*entry).admission != Admission::ready) return false;
    if (execution->next_validators() != header.next_validators) return false;
    StatePtr state = execution->finish();
    if (state->root() != header.state_root && mutant != Mutant::unchecked_state) return false;
    crypto::MerkleFrontier log = parent.log;
    for (const EntryPtr& entry : node.block->entries)
        log.append(entry->leaf);
    if (log.root() != header.log_root && mutant != Mutant::unchecked_log) return false;
    node.state = std::move(state);
    node.log = std::move(log);
    return true;
}

const BlockTree::Node* BlockTree::executed(const BlockHash& hash) {
    std::vector<Node*> pending;
    const Node* parent = nullptr;
    for (BlockHash at = hash; parent == nullptr;) {
        const auto found = nodes_.find(at);
        if (found == nodes_.end()) return nullptr;
        Node& node = found->second;
        if (node.invalid) return nullptr;
        if (node.state) {
            parent = &node;
        } else {
            pending.push_back(&node);
            at = node.block->header.parent_hash;
        }
    }
    for (auto at = pending.rbegin(); at != pending.rend(); ++at) {
        if (!execute(**at, *parent)) {
            (*at)->invalid = true;
            return nullptr;
        }
        parent = *at;
    }
    return parent;
}

bool BlockTree::is_invalid(const BlockHash& hash) const {
    const auto found = nodes_.find(hash);
    return found != nodes_.end() && found->second.invalid;
}

BlockPtr BlockTree::build(const Node& parent,
                          View view,
                          UnixMs time_ms,
                          std::vector<EntryPtr> entries,
                          Justification justification,
                          ReplicaIndex proposer,
                          BlockExecution& execution) {
    const Header& before = parent.block->header;
    Node node;
    const bool closing = closes(before);
    node.state = closing && mutant != Mutant::closing_entries ? parent.state : execution.finish();
    node.log = parent.log;
    for (const EntryPtr& entry : entries)
        node.log.append(entry->leaf);

    auto block = std::make_shared<Block>();
    block->entries = std::move(entries);
    block->justification = std::move(justification);
    Header& header = block->header;
    header.chain = config_.chain;
    header.epoch = epoch_;
    header.view = view;
    header.parent_view = before.view;
    header.parent_hash = parent.block->hash;
    header.height = before.height + 1;
    header.first_index = before.first_index + before.count;
    header.count = static_cast<std::uint32_t>(block->entries.size());
    header.payload_root = crypto::merkle_root(leaves(*block));
    header.log_root = node.log.root();
    header.state_root = node.state->root();
    header.time_ms = time_ms;
    header.proposer = proposer;
    header.validators = validators_;
    header.next_validators = execution.next_validators();
    header.closing = closing;
    block->hash = hash(header);
    node.block = block;
    nodes_.try_emplace(block->hash, std::move(node));
    return block;
}

BlockTree::Walk BlockTree::path_to(const BlockHash& hash,
                                   std::vector<BlockPtr>& path,
                                   BlockHash& gap) const {
    path.clear();
    const Height floor = tip().block->header.height;
    for (BlockHash at = hash; at != tip_;) {
        const BlockPtr block = find(at);
        if (!block) {
            gap = at;
            return Walk::missing;
        }
        if (block->header.height <= floor) return Walk::fork;
        path.push_back(block);
        at = block->header.parent_hash;
    }
    std::reverse(path.begin(), path.end());
    return Walk::complete;
}

void BlockTree::advance_tip(const BlockHash& hash) {
    const Node& node = nodes_.at(hash);
    KILTER_CHECK(node.state && node.block->header.parent_hash == tip_, "not a child of the tip");
    nodes_.at(tip_).state = nullptr;  // only the tip's and later states are of use
    tip_ = hash;
    recent_.push_back(hash);
    std::vector<BlockHash> forget;
    if (recent_.size() > recent_blocks_max) {
        forget.push_back(recent_.front());
        recent_.erase(recent_.begin());
    }
    const Header& header = node.block->header;
    for (const auto& [other, at] : nodes_)
        if (at.block->header.view <= header.view &&
            std::find(recent_.begin(), recent_.end(), other) == recent_.end())
            forget.push_back(other);
    for (const BlockHash& other : forget)
        nodes_.erase(other);
}

void BlockTree::begin_epoch(Epoch epoch, const ValidatorSet& validators) {
    epoch_ = epoch;
    config_.validators = validators;
    validators_ = validators.hash();
    std::erase_if(nodes_, [&](const auto& node) {
        const Header& header = node.second.block->header;
        return header.epoch < epoch && header.height > tip().block->header.height;
    });
}

void BlockTree::adopt(const Header& header, StatePtr state, crypto::MerkleFrontier log) {
    nodes_.clear();
    recent_.clear();
    tip_ = hash(header);
    nodes_[tip_] = {bare_block(header, tip_), std::move(state), std::move(log), false};
}

}  // namespace kilter::consensus
