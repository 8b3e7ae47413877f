// What leaves the database of a log, and where it goes.
#include "common/storage/log_content.hpp"
#include "common/storage/log_rows.hpp"

namespace kilter::storage {

namespace {
constexpr std::size_t stretch_bytes = 4u << 20;  // of entries that leave the database at a time
}  // namespace

Height LogStore::Content::lowest_block() {
    if (lowest == 0) {
        Statement select = database->prepare(
            "SELECT ifnull(min(chain.height), 0) FROM chain JOIN block ON chain.hash = "
            "block.hash");
        if (sound(select.row())) lowest = static_cast<Height>(select.integer(0));
    }
    return lowest;
}

bool LogStore::Content::on_chain(Height height) {
    const bool there = sound(select_chain.restart().bind(as_integer(height)).row());
    select_chain.restart();
    return there;
}

std::vector<FinalBlock> LogStore::Content::old_stretch(Height last) {
    std::vector<FinalBlock> blocks;
    std::size_t bytes = 0;
    std::size_t certified = 0;
    if (lowest > 0 && !on_chain(lowest)) lowest = 0;  // below a received snapshot: look again
    Height h = lowest_block();
    for (; h > 0 && h <= last && on_chain(h); ++h) {
        if (bytes > stretch_bytes && certified > 0) break;
        blocks.push_back(sound(final_block(h)));
        for (const consensus::EntryPtr& entry : blocks.back().block->entries)
            bytes += entry->encoded.size();
        if (blocks.back().certificate) certified = blocks.size();
    }
    const bool gap = h > 0 && h <= last && !on_chain(h);
    if (certified > 0 || !gap) blocks.resize(certified);
    return blocks;
}

bool LogStore::Content::write_archive(std::vector<FinalBlock> blocks) {
    ArchiveFile stretch;
    const Height first = blocks.front().block->header.height;
    stretch.chain = genesis.chain_id();
    if (first > 1) {
        if (!archived_log || archived_log->first + 1 != first) {
            auto earlier = archive.after(first - 1);
            if (!earlier) return false;  // what is below is gone
            archived_log = {first - 1, *std::move(earlier)};
        }
        stretch.before = archived_log->second;
    }
    stretch.blocks = std::move(blocks);
    stretch.epochs = epochs();
    stretch.epochs.resize(
        std::min<std::size_t>(stretch.epochs.size(), stretch.blocks.back().block->header.epoch));
    archive.write(stretch);
    crypto::MerkleFrontier log = stretch.before;
    for (const FinalBlock& final : stretch.blocks)
        for (const consensus::EntryPtr& entry : final.block->entries)
            log.append(entry->leaf);
    archived_log = {stretch.blocks.back().block->header.height, std::move(log)};
    return true;
}

void LogStore::Content::write_snapshot(const consensus::Snapshot& snapshot) const {
    if (snapshot.received)
        archive.begin_above(snapshot.manifest.certified.header.height, snapshot.manifest.log);
    snapshots.write(snapshot);
}

bool LogStore::Content::prune(Height keep, bool into_archive) {
    settle();
    const auto heights = snapshots.heights();
    if (heights.size() < 2 || heights.front() <= keep) return false;
    std::vector<FinalBlock> blocks = old_stretch(heights.front() - keep);
    if (blocks.empty()) return false;
    const Height first = blocks.front().block->header.height;
    const Height last = blocks.back().block->header.height;
    const bool proved = blocks.back().certificate.has_value();
    if (into_archive && proved && !write_archive(std::move(blocks))) return false;
    database->begin();
    for (const char* table :
         {"DELETE FROM certificate WHERE kind = 3 AND view <= (SELECT view FROM chain WHERE "
          "height = ?)",
          "DELETE FROM block WHERE view <= (SELECT view FROM chain WHERE height = ?)"})
        database->prepare(table).bind(as_integer(last)).run();
    if (!into_archive) index.forget_through(last);
    if (!into_archive || !proved)
        database->prepare("DELETE FROM chain WHERE height BETWEEN ? AND ?")
            .bind(as_integer(into_archive ? first : 0))
            .bind(as_integer(last))
            .run();
    database->commit();
    lowest = last + 1;
    return true;
}

}  // namespace kilter::storage
