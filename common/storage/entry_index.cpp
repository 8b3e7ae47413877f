#include "common/storage/entry_index.hpp"

#include <algorithm>

namespace kilter::storage {

using consensus::EntryId;
using consensus::Height;

namespace {
constexpr std::size_t run_entries = 16'384;
constexpr std::size_t key_bytes = 16;  // of the id: no two entries share them but by 2^64 attempts

ByteView key_of(const EntryId& id) {
    return id.view().first(key_bytes);
}
}  // namespace

EntryIndex::EntryIndex(Database& database)
    : insert_run_(database.prepare("INSERT INTO entry_run VALUES (?)")),
      insert_place_(database.prepare("INSERT OR REPLACE INTO entry_place VALUES (?, ?, ?, ?)")),
      select_runs_(database.prepare("SELECT last_height FROM entry_run ORDER BY last_height DESC")),
      select_place_(
          database.prepare("SELECT height, position FROM entry_place WHERE run = ? AND id = ?")),
      select_new_(database.prepare("SELECT height FROM chain WHERE height > ? ORDER BY height")),
      delete_run_(database.prepare("DELETE FROM entry_run WHERE last_height <= ?")),
      delete_places_(database.prepare("DELETE FROM entry_place WHERE run <= ?")) {}

Result<void> EntryIndex::catch_up(const ReadBlock& read) {
    const Result<bool> run = select_runs_.restart().row();
    if (!run) return run.error();
    const Height written = *run ? static_cast<Height>(select_runs_.integer(0)) : 0;
    select_runs_.restart();
    if (written > top_) {
        tail_ = {};
        top_ = written;
    }
    for (select_new_.restart().bind(static_cast<std::int64_t>(top_));;) {
        const Result<bool> row = select_new_.row();
        if (!row) return row.error();
        if (!*row) break;
        const Result<consensus::BlockPtr> block = read(static_cast<Height>(select_new_.integer(0)));
        if (!block) return block.error();
        take(**block);
    }
    select_new_.restart();
    return {};
}

void EntryIndex::take(const consensus::Block& block) {
    for (std::size_t i = 0; i < block.entries.size(); ++i)
        tail_[block.entries[i]->id] = {block.header.height, i};
    top_ = block.header.height;
}

void EntryIndex::add(const consensus::Block& block) {
    take(block);
    if (tail_.size() >= run_entries) write_run();
}

void EntryIndex::write_run() {
    std::vector<std::pair<EntryId, Place>> sorted(tail_.begin(), tail_.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto run = static_cast<std::int64_t>(top_);
    insert_run_.restart().bind(run).run();
    for (const auto& [id, place] : sorted)
        insert_place_.restart()
            .bind(run)
            .bind(key_of(id))
            .bind(static_cast<std::int64_t>(place.height))
            .bind(static_cast<std::int64_t>(place.position))
            .run();
    tail_ = {};
}

Result<std::optional<EntryIndex::Place>> EntryIndex::find(const EntryId& id) {
    const auto recent = tail_.find(id);
    if (recent != tail_.end()) return std::optional<Place>(recent->second);
    std::vector<std::int64_t> runs;
    for (select_runs_.restart();;) {
        const Result<bool> row = select_runs_.row();
        if (!row) return row.error();
        if (!*row) break;
        runs.push_back(select_runs_.integer(0));
    }
    select_runs_.restart();
    for (const std::int64_t run : runs) {
        const Result<bool> row = select_place_.restart().bind(run).bind(key_of(id)).row();
        if (!row) return row.error();
        if (!*row) continue;
        const Place place{static_cast<Height>(select_place_.integer(0)),
                          static_cast<std::size_t>(select_place_.integer(1))};
        select_place_.restart();
        return std::optional<Place>(place);
    }
    select_place_.restart();
    return std::optional<Place>();
}

void EntryIndex::forget_through(Height height) {
    delete_places_.restart().bind(static_cast<std::int64_t>(height)).run();
    delete_run_.restart().bind(static_cast<std::int64_t>(height)).run();
}

}  // namespace kilter::storage
