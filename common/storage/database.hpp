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

class Statement;

class Database {
  public:
    /// Creates or opens for writing. `schema` runs on every open (IF NOT EXISTS). Holds FILE.lock while open.
    /// Error: damaged, locked by another process, not writable.
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file,
                                                  const char* schema,
                                                  Durability durability = Durability::synchronised);
    /// Never creates or writes the database.
    static Result<std::unique_ptr<Database>> open_read_only(const std::filesystem::path& file);
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
    void checkpoint();
    /// Pages, log frames and SQLite's own integrity check.
    Result<void> check();

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    friend class Statement;
    Database() = default;
    void execute(const char* sql);
    /// An older program must not write into what a newer one keeps in another way.
    Result<void> claim_format();

    std::filesystem::path file_;
    sqlite3* handle_ = nullptr;
    int lock_ = -1;
    bool writable_ = false;
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
