/// The little of SQLite that the stores use: prepared statements, one transaction at a time, checksummed pages.
/// Reading reports errors; writing aborts the process with the reason, because a failed write cannot be retried.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace kilter::storage {

/// "kilter: FILE: WHAT" on standard error, then abort.
[[noreturn]] void die(const std::filesystem::path& file, const std::string& what);

/// What commit() promises. Without synchronisation a store is worth nothing after a power cut: for measurements.
enum class Durability : std::uint8_t { synchronised, none };

/// In which format stores are written. It and the kind are the two numbers that SQLite's header has for that:
///   1   user_version alone; what kind of store it is only its tables tell
///   2   application_id names the kind, so that no file is taken for another one put in its place
/// A writer brings older stores to this format, after it has kept a copy as FILE.format-N. Newer ones are left alone.
inline constexpr int store_format = 2;

struct StoreKind {
    std::int32_t application_id;  ///< four letters
    const char* name;             ///< for messages
    const char* table;            ///< that every store of this kind has, and no other
    std::string schema;           ///< runs on every open for writing (IF NOT EXISTS)
};

class Statement;

class Database {
  public:
    /// Creates or opens for writing. Holds FILE.lock while open. Error: damaged, of another kind or a newer format, locked by
    /// another process, not writable.
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file,
                                                  const StoreKind& kind,
                                                  Durability durability = Durability::synchronised);
    /// Never creates or writes the database. Error: none there, damaged, of another kind or a newer format.
    static Result<std::unique_ptr<Database>> open_read_only(const std::filesystem::path& file,
                                                            const StoreKind& kind);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Prepared once. REQUIRES: valid SQL for this schema. A writer aborts if it cannot be prepared, a reader gets the
    /// error with the first row.
    Statement prepare(const char* sql);
    /// begin ... commit; commit is durable on return and keeps the write-ahead log short.
    void begin();
    void commit();
    /// Everything read between these is of one moment.
    void begin_reading();
    void end_reading();
    /// Moves the write-ahead log into the file and cuts it to nothing.
    void checkpoint();

    /// From now on the write-ahead log keeps its length: when it is full it is moved into the file and written over from its
    /// start. A commit then writes over blocks that are the file's already, and synchronising it does not wait for the file
    /// system's own journal to note a longer file. For a store with commits on whose way others wait.
    void keep_log() { keeps_log_ = true; }

    /// Moves the log into the file, its length kept. REQUIRES: keep_log().
    void start_log_over();
    /// Lays out, in zeros, what the next commits will write over, while the log has not had its full length yet: some
    /// milliseconds, so call it when nobody waits. REQUIRES: keep_log(), no transaction.
    void make_room();

    /// Pages, log frames and SQLite's own integrity check.
    Result<void> check();

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    friend class Statement;
    Database() = default;
    void execute(const char* sql);
    void move_log(bool cut);
    Result<void> attempt(const std::string& sql);
    Result<std::int64_t> number(const char* sql);
    /// The format, 0 of an empty store. Error: a newer one, or of another kind.
    Result<std::int64_t> recognise(const StoreKind& kind);
    /// Tables, kind and format; of an older store a copy first.
    Result<void> claim(const StoreKind& kind);
    Result<void> keep_copy(std::int64_t of_format);

    std::filesystem::path file_;
    sqlite3* handle_ = nullptr;
    int lock_ = -1;
    bool writable_ = false;
    bool keeps_log_ = false;
    int wal_frames_ = 0;             // of this generation
    std::int64_t wal_laid_out_ = 0;  // bytes
    // A writer's: on the way of every commit.
    std::unique_ptr<Statement> begin_, commit_;
};

/// One prepared statement. bind in order, then step; reset by the next bind_first or by restart().
class Statement {
  public:
    Statement(Database& database, sqlite3_stmt* statement, std::string failure)
        : database_(&database), statement_(statement), failure_(std::move(failure)) {}

    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    Statement& restart();
    Statement& bind(std::int64_t value);
    Statement& bind(ByteView value);
    Statement& bind(std::string_view value);
    /// A row is there. Error: the file cannot be read.
    Result<bool> row();
    /// For writes: aborts on any error.
    void run();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] Bytes blob(int column) const;

  private:
    Database* database_;
    sqlite3_stmt* statement_;
    std::string failure_;  // why there is no statement
    int bound_ = 0;
};

}  // namespace kilter::storage
