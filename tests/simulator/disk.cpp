#include "tests/simulator/disk.hpp"

namespace kilter::consensus::simulation {

bool Image::apply(const Write& write) {
    if (const auto* own = std::get_if<OwnVote>(&write)) {
        journal_.emplace(own->vote().view, own->vote());
    } else if (const auto* block = std::get_if<BlockPtr>(&write)) {
        blocks_.emplace((*block)->hash, *block);
    } else if (const auto* cert = std::get_if<Cert>(&write)) {
        if (cert->kind == VoteKind::final) {
            if (!newest_ || cert->view > newest_->view) newest_ = *cert;
            finals_.emplace(cert->hash, *cert);
        } else {
            certificates_.emplace(cert->view, *cert);
        }
    } else if (const auto* mark = std::get_if<FinalMark>(&write)) {
        return finalise(*mark);
    }
    return true;
}

bool Image::finalise(const FinalMark& mark) {
    const auto found = blocks_.find(mark.hash);
    if (found == blocks_.end() || mark.height != chain_.size() + 1) return false;
    const BlockPtr block = found->second;
    const auto execution =
        application_->begin(state_ ? state_ : application_->initial(), block->header.time_ms);
    for (const EntryPtr& entry : block->entries) {
        if (execution->apply(*entry).admission != Admission::ready) return false;
        log_.append(entry->leaf);
    }
    state_ = execution->finish();
    chain_.push_back(block);
    std::erase_if(blocks_, [&](const auto& b) { return b.second->header.view <= mark.view; });
    journal_.erase(journal_.begin(), journal_.upper_bound(mark.view));
    certificates_.erase(certificates_.begin(), certificates_.upper_bound(mark.view));
    return true;
}

DurableImage Image::load() const {
    DurableImage image;
    if (!chain_.empty()) {
        image.tip = chain_.back()->header;
        image.state = state_;
        image.log = log_;
        image.blocks.push_back(chain_.back());
    }
    image.tip_certificate = newest_;
    for (const auto& [view, vote] : journal_)
        image.journal.push_back(vote);
    for (const auto& [view, cert] : certificates_)
        image.certificates.push_back(cert);
    for (const auto& [hash, block] : blocks_)
        image.blocks.push_back(block);
    return image;
}

bool Image::holds(const Vote& vote) const {
    if (is_past(vote.view)) return true;
    const auto [begin, end] = journal_.equal_range(vote.view);
    for (auto at = begin; at != end; ++at)
        if (at->second == vote) return true;
    return false;
}

bool Image::is_past(View view) const {
    return !chain_.empty() && view <= tip_view();
}

bool Image::holds_body(const BlockHash& hash) const {
    if (blocks_.contains(hash)) return true;
    for (auto at = chain_.rbegin(); at != chain_.rend(); ++at)
        if ((*at)->hash == hash) return true;
    return false;
}

std::optional<Range> Image::range(const GetRange& range) const {
    Range out;
    for (Height h = range.from; h <= range.to && h <= chain_.size(); ++h) {
        FinalBlock final{chain_[h - 1], std::nullopt};
        if (const auto cert = finals_.find(final.block->hash); cert != finals_.end())
            final.certificate = cert->second;
        out.blocks.push_back(std::move(final));
    }
    while (!out.blocks.empty() && !out.blocks.back().certificate)
        out.blocks.pop_back();
    if (out.blocks.empty()) return std::nullopt;
    return out;
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
    for (const auto& [hash, cert] : finals_)
        out.push_back(cert);
    return out;
}

bool Disk::sync() {
    bool sound = true;
    for (const Write& write : cached_)
        sound = durable_.apply(write) && sound;
    cached_.clear();
    return sound;
}

bool Disk::power_cut(bool survives) {
    if (survives) return sync();
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
            durable_ = Image(durable_.application());
            break;
        case Damage::stale_backup:
        case Damage::lost_writes:
            if (backup_) durable_ = *backup_;
            break;
    }
}

}  // namespace kilter::consensus::simulation
