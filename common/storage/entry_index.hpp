/// Where each final entry stands, by its id. Ids are random, so a row per entry in one tree would dirty a page per entry:
/// the newest entries are kept in memory and written in sorted runs of 16,384. What is in no run yet is found again from the
/// blocks. A look-up tries every run, newest first: some microseconds each.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/consensus/block.hpp"
#include "common/storage/database.hpp"

namespace kilter::storage {

class EntryIndex {
  public:
    struct Place {
        consensus::Height height = 0;
        std::size_t position = 0;
    };

    using ReadBlock =
        std::function<Result<consensus::BlockPtr>(consensus::Height)>;  ///< final ones

    static constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS entry_run (last_height INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS entry_place (run INTEGER, id BLOB, height INTEGER NOT NULL, position INTEGER NOT NULL,
                                        PRIMARY KEY (run, id)) WITHOUT ROWID;
)";

    explicit EntryIndex(Database& database);

    /// Takes in the final blocks that are in no run and were not seen yet. Call before the others, and after another process
    /// may have written. REQUIRES: table chain.
    Result<void> catch_up(const ReadBlock& read);
    /// The block that became final. Inside a transaction: may write a run.
    void add(const consensus::Block& block);
    /// None: no final entry here has this id.
    Result<std::optional<Place>> find(const consensus::EntryId& id);
    /// Forgets whole runs at or below a height. Inside a transaction.
    void forget_through(consensus::Height height);

  private:
    void take(const consensus::Block& block);
    void write_run();

    std::unordered_map<consensus::EntryId, Place> tail_;  // of blocks above the last run
    consensus::Height top_ = 0;                           // of the tail
    Statement insert_run_, insert_place_, select_runs_, select_place_, select_new_, delete_run_,
        delete_places_;
};

}  // namespace kilter::storage
