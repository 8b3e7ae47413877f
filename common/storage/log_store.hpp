/// A replica's durable half: one SQLite file (WAL, synchronous=FULL). One writer; any number of
/// read-only openers. Not thread-safe. A write that fails aborts the process with the reason: a
/// failed fsync cannot be retried.
///
/// Nothing in the file goes unchecked: every page carries a BLAKE2b checksum in its reserved bytes (page_checksum.hpp),
/// whether it is in use or not, and what the rows say is hashed or signed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "common/consensus/light_client.hpp"
#include "common/consensus/replica.hpp"
#include "common/settlement/audit.hpp"
#include "common/storage/database.hpp"

namespace kilter::storage {

class LogStore {
  public:
    /// Opens or creates. A new file is bound to this genesis; an existing one must be.
    /// Error: cannot be created, is another chain's, is locked by another process, is damaged.
    static Result<LogStore> open(const std::filesystem::path& file,
                                 const settlement::Genesis& genesis,
                                 Durability durability = Durability::synchronised);
    /// For `log verify` and `log show`, also while a replica runs. Never creates, never writes.
    static Result<LogStore> open_read_only(const std::filesystem::path& file);

    /// The genesis document in the file.
    [[nodiscard]] const settlement::Genesis& genesis() const;

    /// What a replica starts from. Re-executes the chain from the newest snapshot on (checking links and roots, not
    /// signatures). Error: damage, with the place.
    [[nodiscard]] Result<consensus::DurableImage> load(
        const consensus::Application& application) const;

    /// A turn's writes in one transaction, durable on return. Aborts the process on any error.
    /// No-op when empty.
    void apply(const std::vector<consensus::Write>& writes);
    /// Writes that promise nothing to anybody (certificates, final marks: others have them too) join the next transaction:
    /// visible here at once, durable with the next apply(), settle() or checkpoint().
    void stage(const std::vector<consensus::Write>& writes);
    void settle();
    /// Takes the oldest blocks that are more than `keep` heights below the older of the two snapshots out of the database:
    /// into the archive beside it, or, unless `archived`, away for good (receipts for their entries then come from others).
    /// About 4 MiB at a time, some ten milliseconds: false when there is nothing to take. Aborts the process on any error.
    bool prune(consensus::Height keep, bool archived);
    /// Moves the write-ahead log into the file and cuts it to nothing: at a clean stop.
    void checkpoint();
    /// The same in passing, when idle: the log keeps its length and is written over.
    void start_log_over();
    /// Room in the write-ahead log for the next turns' writes, if there is not enough: some milliseconds, while the log has
    /// not had its full length yet. Call it after a turn's messages are on their way.
    void make_room();

    /// Final blocks for a peer: from `range.from` on, at most range_blocks_max and range_bytes_max, but at least one. They end
    /// at a block with a certificate of its own where one is in reach, else with the proof through descendants. Shorter than
    /// a message in any case. None: not held, or not to be proved from here.
    [[nodiscard]] std::optional<consensus::Range> range(const consensus::GetRange& range) const;
    /// What a replica's Serve asks for: final blocks; the newest snapshot's manifest if they are not held any more; a
    /// snapshot's piece. None: not held.
    [[nodiscard]] std::optional<consensus::Message> answer(const consensus::Ask& ask) const;
    /// None: not final here.
    [[nodiscard]] std::optional<consensus::Receipt> receipt(const consensus::EntryId& id) const;
    /// Of the final entry with this semantic key, e.g. settlement::cleared_key(interval, net).
    [[nodiscard]] std::optional<consensus::Receipt> receipt_for_key(ByteView key) const;
    /// Between two final headers; reads the blocks up to the newer. None: some are not held.
    [[nodiscard]] std::optional<consensus::ConsistencyProof> consistency(
        consensus::Height older, consensus::Height newer) const;
    [[nodiscard]] std::vector<consensus::EpochProof> epochs() const;
    [[nodiscard]] consensus::Height height() const;
    /// The final block at a height. Error: none there, or damaged.
    [[nodiscard]] Result<consensus::FinalBlock> block(consensus::Height height) const;

    /// Sets an audit that has seen nothing at the start of what is here: genesis, or the snapshot above which all blocks are.
    /// The first height that it wants. Error: damage.
    [[nodiscard]] Result<consensus::Height> begin(settlement::Audit& audit) const;

    /// The outsider's check: every page, every row of every table, then settlement::Audit over all
    /// blocks. The error names the place. `on_entry` sees each entry checked.
    Result<settlement::AuditReport> verify(
        const std::function<void(const settlement::CheckedEntry&)>& on_entry = {}) const;

    LogStore(const LogStore&) = delete;
    LogStore& operator=(const LogStore&) = delete;
    LogStore(LogStore&&) noexcept;
    LogStore& operator=(LogStore&&) noexcept;
    ~LogStore();

  private:
    struct Content;
    explicit LogStore(std::unique_ptr<Content> content);
    std::unique_ptr<Content> content_;
};

}  // namespace kilter::storage
