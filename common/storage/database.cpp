#include "common/storage/database.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <vector>

#include <sqlite3.h>

#include "common/storage/durable_file.hpp"
#include "common/storage/page_checksum.hpp"

namespace kilter::storage {

namespace {
constexpr int wal_frames_max = 4'000;
constexpr int frames_laid_out = 128;  // at a time
constexpr int frames_kept_ahead = 96;
constexpr int frames_per_write =
    16;  // SQLite's files take less than 128 KiB at a time, and call more a full disk
constexpr int busy_ms_max = 5'000;  // a reader that opens or closes holds a lock for a moment
}  // namespace

void die(const std::filesystem::path& file, const std::string& what) {
    std::fprintf(stderr, "kilter: %s: %s\n", file.c_str(), what.c_str());
    std::abort();
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file,
                                                 const StoreKind& kind,
                                                 Durability durability) {
    std::unique_ptr<Database> database(new Database);
    database->file_ = file;
    const std::string lock_name = file.string() + ".lock";
    database->lock_ = ::open(lock_name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (database->lock_ < 0)
        return Error{"cannot create " + lock_name + ": " + std::strerror(errno)};
    if (::flock(database->lock_, LOCK_EX | LOCK_NB) != 0)
        return Error{file.string() + " is in use by another process; stop that one first"};
    const bool fresh = !std::filesystem::exists(file);
    if (fresh && std::filesystem::exists(file.string() + "-wal"))
        return Error{file.string() + " is gone but its write-ahead log is there; restore it"};
    if (!fresh && std::filesystem::file_size(file) == 0)
        return Error{file.string() +
                     " is empty: cut short, or never written; remove it only if it is new"};
    if (!fresh)
        if (auto sound = check_files(file, AfterPowerCut::is_expected); !sound)
            return sound.error();
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &database->handle_, flags, checksum_vfs()) != SQLITE_OK)
        return Error{file.string() + ": cannot open: " + sqlite3_errmsg(database->handle_)};
    sqlite3_busy_timeout(database->handle_, busy_ms_max);
    int reserved = page_reserved_bytes;
    sqlite3_file_control(database->handle_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    for (const char* sql :
         {"PRAGMA page_size=4096", "PRAGMA journal_mode=WAL",
          durability == Durability::none ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=FULL",
          "PRAGMA wal_autocheckpoint=0", "PRAGMA mmap_size=0"})
        if (auto done = database->attempt(sql); !done) return done.error();
    if (auto claimed = database->claim(kind); !claimed) return claimed.error();
    database->writable_ = true;
    sqlite3_wal_hook(
        database->handle_,
        [](void* of, sqlite3*, const char*, int frames) {
            *static_cast<int*>(of) = frames;
            return SQLITE_OK;
        },
        &database->wal_frames_);
    // The schema reaches the main file at once, so that even an empty store is one whose damage shows; and what a power
    // cut left in the log does not stay there to look like damage.
    database->checkpoint();
    return database;
}

Result<std::unique_ptr<Database>> Database::open_read_only(const std::filesystem::path& file,
                                                           const StoreKind& kind) {
    std::unique_ptr<Database> database(new Database);
    database->file_ = file;
    if (!std::filesystem::exists(file)) return Error{"there is no store " + file.string()};
    // Without a write-ahead log nobody writes: SQLite need not create its shared memory beside the file.
    const bool at_rest = !std::filesystem::exists(file.string() + "-wal");
    std::string uri = "file:";
    for (const char c : file.string()) {
        if (c == '?' || c == '#' || c == '%') {
            constexpr const char* digits = "0123456789ABCDEF";
            uri += {'%', digits[(c >> 4) & 15], digits[c & 15]};
        } else {
            uri += c;
        }
    }
    if (at_rest) uri += "?immutable=1";
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(uri.c_str(), &database->handle_, flags, checksum_vfs()) != SQLITE_OK)
        return Error{file.string() + ": cannot open: " + sqlite3_errmsg(database->handle_)};
    sqlite3_busy_timeout(database->handle_, busy_ms_max);
    if (auto found = database->recognise(kind); !found) return found.error();
    return database;
}

Result<void> Database::attempt(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return Error{file_.string() + ": cannot be set up: " + sqlite3_errmsg(handle_)};
}

Result<std::int64_t> Database::number(const char* sql) {
    Statement one = prepare(sql);
    const Result<bool> row = one.row();
    if (!row) return row.error();
    return one.integer(0);
}

Result<std::int64_t> Database::recognise(const StoreKind& kind) {
    const Result<std::int64_t> tables = number("SELECT count(*) FROM sqlite_master");
    const Result<std::int64_t> written = number("PRAGMA user_version");
    const Result<std::int64_t> application = number("PRAGMA application_id");
    for (const auto* read : {&tables, &written, &application})
        if (!*read) return read->error();
    if (*written > store_format)
        return Error{file_.string() + " was written by a newer version (format " +
                     std::to_string(*written) + ", this one knows " + std::to_string(store_format) +
                     "): install that version again, or go back to a backup from before it"};
    if (*tables == 0) return 0;
    bool same = *application == kind.application_id;
    if (*written < 2) {
        Statement named = prepare("SELECT count(*) FROM sqlite_master WHERE name = ?");
        const Result<bool> row = named.bind(std::string_view(kind.table)).row();
        if (!row) return row.error();
        same = named.integer(0) == 1;
    }
    if (!same)
        return Error{file_.string() + " is not " + kind.name +
                     ": another store was put in its place; restore the one that belongs here"};
    return std::max<std::int64_t>(*written, 1);
}

Result<void> Database::claim(const StoreKind& kind) {
    const Result<std::int64_t> found = recognise(kind);
    if (!found) return found.error();
    if (*found == store_format) return attempt(kind.schema);
    if (*found > 0)
        if (auto kept = keep_copy(*found); !kept) return kept;
    auto claimed = attempt("BEGIN IMMEDIATE;" + kind.schema +
                           ";PRAGMA application_id=" + std::to_string(kind.application_id) +
                           ";PRAGMA user_version=" + std::to_string(store_format) + ";COMMIT");
    return claimed;
}

Result<void> Database::keep_copy(std::int64_t of_format) {
    const std::string kept = file_.string() + ".format-" + std::to_string(of_format);
    const std::string beside = kept + ".new";
    std::error_code error;
    std::filesystem::remove(beside, error);  // of an attempt that was killed
    Statement copy = prepare("VACUUM INTO ?");
    if (auto done = copy.bind(std::string_view{beside}).row(); !done) {
        std::filesystem::remove(beside, error);
        return Error{"no copy of " + file_.string() +
                     " could be kept before it is brought to format " +
                     std::to_string(store_format) + "; it is unchanged: " + done.error().message};
    }
    rename_durably(beside, kept);
    std::fprintf(stderr, "kilter: %s: brought from format %lld to %d; as it was: %s\n",
                 file_.c_str(), static_cast<long long>(of_format), store_format, kept.c_str());
    return {};
}

Database::~Database() {
    begin_.reset();
    commit_.reset();
    if (handle_ != nullptr) sqlite3_close_v2(handle_);
    if (lock_ >= 0) ::close(lock_);
}

void Database::execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        die(file_, std::string(sql) + " failed: " + sqlite3_errmsg(handle_));
}

Statement Database::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) == SQLITE_OK)
        return {*this, statement, {}};
    const std::string why = sqlite3_errmsg(handle_);
    if (writable_) die(file_, std::string("cannot prepare \"") + sql + "\": " + why);
    return {*this, nullptr, why};
}

void Database::begin() {
    if (!begin_) begin_ = std::make_unique<Statement>(prepare("BEGIN IMMEDIATE"));
    begin_->run();
}

void Database::begin_reading() {
    execute("BEGIN");
}

void Database::end_reading() {
    execute("ROLLBACK");
}

void Database::commit() {
    if (!commit_) commit_ = std::make_unique<Statement>(prepare("COMMIT"));
    commit_->run();
    if (wal_frames_ >= wal_frames_max) move_log(!keeps_log_);
}

void Database::make_room() {
    const std::int64_t used = wal_header_bytes + wal_frames_ * wal_frame_bytes;
    if (wal_frames_ == 0 || wal_frames_ >= wal_frames_max ||
        used + frames_kept_ahead * wal_frame_bytes <= wal_laid_out_)
        return;
    sqlite3_file* log = nullptr;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log == nullptr || log->pMethods == nullptr) return;
    static const std::vector<std::uint8_t> zeros(frames_per_write * wal_frame_bytes);
    wal_laid_out_ = std::max(used, wal_laid_out_);
    for (int frames = 0; frames < frames_laid_out; frames += frames_per_write) {
        const auto size = static_cast<int>(zeros.size());
        const int written = log->pMethods->xWrite(log, zeros.data(), size, wal_laid_out_);
        if (written == SQLITE_FULL) return;  // the next commits may still find room
        if (written != SQLITE_OK) die(file_, "the write-ahead log cannot be made longer");
        wal_laid_out_ += size;
    }
    if (log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        die(file_, "the write-ahead log cannot be made longer");
}

void Database::checkpoint() {
    move_log(true);
}

void Database::start_log_over() {
    move_log(false);
}

/// Not cut, the log is written over by the next commit, from its start, under other salts.
void Database::move_log(bool cut) {
    sqlite3_busy_timeout(handle_, 0);
    const int mode = cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    const int status = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
    sqlite3_busy_timeout(handle_, busy_ms_max);
    // A reader that is in the way is no failure: the log stays, and the next checkpoint takes it.
    if (status == SQLITE_OK && cut) wal_frames_ = 0, wal_laid_out_ = 0;
    if (status != SQLITE_OK && status != SQLITE_BUSY)
        die(file_, std::string("checkpoint failed: ") + sqlite3_errmsg(handle_));
}

Result<void> Database::check() {
    // A writer's checkpoint may be in the middle of a page, and its commit in the middle of a frame: look again.
    Result<void> sound = check_files(file_);
    for (int again = 0; !sound && !writable_ && again < 3; ++again)
        sound = check_files(file_);
    if (!sound) return sound;
    Statement integrity = prepare("PRAGMA integrity_check");
    const Result<bool> row = integrity.row();
    if (!row) return row.error();
    const Bytes text = integrity.blob(0);
    const std::string verdict(text.begin(), text.end());
    if (!*row || verdict != "ok") return Error{file_.string() + " is damaged: " + verdict};
    return {};
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      failure_(std::move(other.failure_)) {}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

Statement& Statement::restart() {
    sqlite3_reset(statement_);
    bound_ = 0;
    return *this;
}

Statement& Statement::bind(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
}

Statement& Statement::bind(ByteView value) {
    // An empty view may have no address, and no address would bind NULL.
    const void* from = value.empty() ? static_cast<const void*>("") : value.data();
    sqlite3_bind_blob64(statement_, ++bound_, from, value.size(), SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind(std::string_view value) {
    sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    return *this;
}

Result<bool> Statement::row() {
    if (statement_ == nullptr)
        return Error{database_->file_.string() + " cannot be read (damaged?): " + failure_};
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    return Error{database_->file_.string() +
                 " cannot be read (damaged?): " + sqlite3_errmsg(database_->handle_)};
}

void Statement::run() {
    if (sqlite3_step(statement_) != SQLITE_DONE)
        die(database_->file_, std::string("write failed: ") + sqlite3_errmsg(database_->handle_));
    sqlite3_reset(statement_);
    bound_ = 0;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

Bytes Statement::blob(int column) const {
    const auto* from = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return from == nullptr ? Bytes{} : Bytes(from, from + size);
}

}  // namespace kilter::storage
