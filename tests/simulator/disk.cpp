#include "tests/simulator/disk.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/consensus/block_tree.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t snapshots_kept = 2;
// Blocks are small here; as if they were large, an answer may end at any of them.
constexpr std::size_t served_blocks = 2;

Epoch epoch_after(const Header& header) {
    return header.epoch + (header.next_validators.is_zero() ? 0 : 1);
}

const Header& header_of(const Snapshot& snapshot) {
    return snapshot.manifest.certified.header;
}
}  // namespace

Image::Image(const Config& genesis, const Application& application)
    : genesis_(&genesis), application_(&application), epochs_(genesis.chain, genesis.validators) {}

bool Image::apply(const Write& write) {
    if (const auto* own = std::get_if<OwnVote>(&write)) {
        journal_.emplace(own->vote().view, own->vote());
    } else if (const auto* block = std::get_if<BlockPtr>(&write)) {
        blocks_.emplace((*block)->hash, *block);
    } else if (const auto* cert = std::get_if<Cert>(&write)) {
        if (cert->kind == VoteKind::final)
            finals_.emplace(cert->view, *cert);
        else
            certificates_.emplace(cert->view, *cert);
    } else if (const auto* mark = std::get_if<FinalMark>(&write)) {
        return finalise(*mark);
    } else if (const auto* proof = std::get_if<EpochProof>(&write)) {
        return end_epoch(*proof);
    } else {
        keep(std::get<Snapshot>(write));
    }
    return true;
}

bool Image::finalise(const FinalMark& mark) {
    const auto found = blocks_.find(mark.hash);
    if (found == blocks_.end()) return false;
    if (mark.height != chain_height() + 1) {
        if (mark.height != height() + 1) return false;
        chain_.clear();  // a snapshot stands for what is missing
    }
    chain_.push_back(found->second);
    std::erase_if(blocks_, [&](const auto& b) { return b.second->header.view <= mark.view; });
    journal_.erase(journal_.begin(), journal_.upper_bound(mark.view));
    certificates_.erase(certificates_.begin(), certificates_.upper_bound(mark.view));
    return true;
}

bool Image::end_epoch(const EpochProof& proof) {
    const Header& end = proof.end.header;
    journal_.erase(journal_.upper_bound(end.view), journal_.end());
    certificates_.erase(certificates_.upper_bound(end.view), certificates_.end());
    finals_.erase(finals_.upper_bound(end.view), finals_.end());
    std::erase_if(blocks_, [&](const auto& b) { return b.second->header.view > end.view; });
    if (end.epoch == epochs_.newest()) return epochs_.extend(proof);
    const EpochTable::Member* known = epochs_.find(end.epoch + 1);
    return known != nullptr && known->proof->end.header == end;
}

void Image::keep(const Snapshot& snapshot) {
    const auto height_of = [](const Snapshot& each) { return header_of(each).height; };
    std::erase_if(snapshots_,
                  [&](const Snapshot& each) { return height_of(each) == height_of(snapshot); });
    const auto place =
        std::find_if(snapshots_.begin(), snapshots_.end(),
                     [&](const Snapshot& each) { return height_of(each) > height_of(snapshot); });
    snapshots_.insert(place, snapshot);
    if (snapshots_.size() > snapshots_kept) snapshots_.erase(snapshots_.begin());
}

const Snapshot* Image::newest_snapshot() const {
    for (auto at = snapshots_.rbegin(); at != snapshots_.rend(); ++at)
        if (epoch_after(header_of(*at)) <= epochs_.newest()) return &*at;
    return nullptr;
}

Height Image::height() const {
    const Snapshot* snapshot = newest_snapshot();
    return std::max(chain_height(), snapshot == nullptr ? 0 : header_of(*snapshot).height);
}

View Image::tip_view() const {
    const Snapshot* snapshot = newest_snapshot();
    return std::max(chain_.empty() ? 0 : chain_.back()->header.view,
                    snapshot == nullptr ? 0 : header_of(*snapshot).view);
}

std::size_t Image::journal_size() const {
    return static_cast<std::size_t>(
        std::distance(journal_.upper_bound(tip_view()), journal_.end()));
}

BlockPtr Image::block_at(Height height) const {
    const Height top = chain_height();
    if (height == 0 || height > top || top - height >= chain_.size()) return nullptr;
    return chain_[chain_.size() - 1 - (top - height)];
}

std::optional<DurableImage> Image::load() const {
    DurableImage image;
    image.epochs = epochs_.proofs_after(0);
    if (const Snapshot* snapshot = newest_snapshot()) {
        image.tip = header_of(*snapshot);
        image.log = snapshot->manifest.log;
        image.state = snapshot->state;
        image.tip_certificate = snapshot->manifest.certified.certificate;
    }
    BlockTree tree(*genesis_, *application_, image);
    const auto enter = [&](const Header& tip) {
        const Epoch epoch = epoch_after(tip);
        if (epochs_.find(epoch) == nullptr) return false;
        tree.begin_epoch(epoch, epochs_.find(epoch)->validators);
        return true;
    };
    if (!enter(tree.tip().block->header)) return std::nullopt;
    for (Height h = image.tip.height + 1; h <= height(); ++h) {
        const BlockPtr block = block_at(h);
        if (!block || block->header.parent_hash != tree.tip_hash()) return std::nullopt;
        tree.insert(block);
        if (tree.executed(block->hash) == nullptr) return std::nullopt;
        tree.advance_tip(block->hash);
        if (!block->header.next_validators.is_zero() && !enter(block->header)) return std::nullopt;
        if (h == height()) image.blocks.push_back(block);
    }
    if (height() > 0) {
        image.tip = tree.tip().block->header;
        image.log = tree.tip().log;
        image.state = tree.tip().state;
    }
    if (!finals_.empty() &&
        (!image.tip_certificate || newer(finals_.rbegin()->second, *image.tip_certificate)))
        image.tip_certificate = finals_.rbegin()->second;
    for (auto at = journal_.upper_bound(image.tip.view); at != journal_.end(); ++at)
        image.journal.push_back(at->second);
    for (auto at = certificates_.upper_bound(image.tip.view); at != certificates_.end(); ++at)
        image.certificates.push_back(at->second);
    for (const auto& [hash, block] : blocks_)
        if (block->header.view > image.tip.view) image.blocks.push_back(block);
    return image;
}

bool Image::holds(const Vote& vote) const {
    if (is_past(vote.epoch, vote.view)) return true;
    const auto [begin, end] = journal_.equal_range(vote.view);
    return std::any_of(begin, end, [&](const auto& held) { return held.second == vote; });
}

bool Image::is_past(Epoch epoch, View view) const {
    return (height() > 0 && view <= tip_view()) || epoch < epochs_.newest();
}

bool Image::holds_body(const BlockHash& hash) const {
    if (blocks_.contains(hash)) return true;
    return std::any_of(chain_.rbegin(), chain_.rend(),
                       [&](const BlockPtr& block) { return block->hash == hash; });
}

FinalBlock Image::final_block(const BlockPtr& block) const {
    const auto cert = finals_.find(block->header.view);
    if (cert == finals_.end() || cert->second.hash != block->hash) return {block, std::nullopt};
    return {block, cert->second};
}

std::optional<Range> Image::range(const GetRange& range) const {
    Range out;
    std::size_t certified = 0;
    for (Height h = range.from; h <= range.to && out.blocks.size() < served_blocks; ++h) {
        const BlockPtr block = block_at(h);
        if (!block) break;
        out.blocks.push_back(final_block(block));
        if (!needs_tail(out.blocks)) certified = out.blocks.size();
    }
    if (certified > 0) out.blocks.resize(certified);
    if (out.blocks.empty()) return std::nullopt;
    if (certified == 0) out.tail = tail(*out.blocks.back().block);
    if (certified == 0 && !out.tail) return std::nullopt;
    return out;
}

std::optional<CertifiedHeader> Image::tail(const Block& last) const {
    CertifiedHeader out{last.header, {}, {}};
    while (out.descendants.size() < limits::descendants_max) {
        const BlockPtr child = block_at(last.header.height + out.descendants.size() + 1);
        if (!child) break;
        const Header& header = child->header;
        out.descendants.push_back(header);
        const EpochTable::Member* next = epochs_.find(header.epoch + 1);
        if (const auto own = final_block(child).certificate) {
            out.certificate = *own;
            return out;
        }
        if (next == nullptr || next->proof->end.header != header) continue;
        const CertifiedHeader& end = next->proof->end;
        out.certificate = end.certificate;
        out.descendants.insert(out.descendants.end(), end.descendants.begin(),
                               end.descendants.end());
        return out;
    }
    return std::nullopt;
}

std::optional<Message> Image::answer(const Ask& ask) const {
    if (const auto* get = std::get_if<GetPiece>(&ask)) {
        for (const Snapshot& snapshot : snapshots_) {
            if (header_of(snapshot).height != get->height) continue;
            const auto outline = crypto::MerkleOutline::decode(snapshot.manifest.outline,
                                                               header_of(snapshot).state_root);
            if (!outline || get->number >= outline->pieces()) return std::nullopt;
            return Piece{get->height, get->number,
                         snapshot.state->map()->piece(*outline, get->number)};
        }
        return std::nullopt;
    }
    const auto& get = std::get<GetRange>(ask);
    if (auto blocks = range(get)) return *std::move(blocks);
    if (snapshots_.empty() || header_of(snapshots_.back()).height < get.from) return std::nullopt;
    return snapshots_.back().manifest;
}

void Image::prune() {
    if (snapshots_.size() < snapshots_kept) return;
    Height last = header_of(snapshots_.front()).height;
    while (block_at(last) && !finals_.contains(block_at(last)->header.view))
        --last;
    const BlockPtr newest = block_at(last);
    if (!newest || newest == chain_.back()) return;
    std::erase_if(chain_, [&](const BlockPtr& block) { return block->header.height <= last; });
    finals_.erase(finals_.begin(), finals_.upper_bound(newest->header.view));
}

bool Image::lose_snapshot() {
    if (snapshots_.size() < snapshots_kept) return false;
    const Height top = height();
    for (Height h = header_of(snapshots_.front()).height + 1; h <= top; ++h)
        if (!block_at(h)) return false;
    if (chain_height() != top) return false;
    snapshots_.pop_back();
    return true;
}

std::vector<Cert> Image::certificates() const {
    std::vector<Cert> out;
    const auto keep = [&](const Block& block) {
        if (block.justification.parent) out.push_back(*block.justification.parent);
        out.insert(out.end(), block.justification.skips.begin(), block.justification.skips.end());
    };
    for (const BlockPtr& block : chain_)
        keep(*block);
    for (const auto& [hash, block] : blocks_)
        keep(*block);
    for (const auto& [view, cert] : certificates_)
        out.push_back(cert);
    for (const auto& [view, cert] : finals_)
        out.push_back(cert);
    return out;
}

bool Disk::sync() {
    // As the store: a snapshot that came is a file before the transaction, an own one after it.
    bool sound = true;
    const auto apply = [&](const auto& which) {
        for (const Write& write : cached_)
            if (which(std::get_if<Snapshot>(&write))) sound = durable_.apply(write) && sound;
    };
    apply([](const Snapshot* snapshot) { return snapshot != nullptr && snapshot->received; });
    apply([](const Snapshot* snapshot) { return snapshot == nullptr; });
    apply([](const Snapshot* snapshot) { return snapshot != nullptr && !snapshot->received; });
    cached_.clear();
    return sound;
}

bool Disk::power_cut(bool survives, bool snapshot_survives) {
    if (survives) return sync();
    for (const Write& write : cached_) {
        const auto* snapshot = std::get_if<Snapshot>(&write);
        if (snapshot != nullptr && snapshot->received && snapshot_survives)
            (void)durable_.apply(*snapshot);
    }
    cached_.clear();
    return true;
}

void Disk::damage(Damage damage) {
    switch (damage) {
        case Damage::none:
            break;
        case Damage::bit_flip:
            unreadable_ = true;
            break;
        case Damage::missing:
            durable_ = Image(*genesis_, *application_);
            break;
        case Damage::stale_backup:
        case Damage::lost_writes:
            if (backup_) durable_ = *backup_;
            break;
    }
}

}  // namespace kilter::consensus::simulation
