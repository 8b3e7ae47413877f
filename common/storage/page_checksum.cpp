#include "common/storage/page_checksum.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "common/base/bytes.hpp"
#include "common/crypto/digest_parts.hpp"
#include "common/storage/passing_vfs.hpp"

namespace kilter::storage {

namespace {
constexpr std::size_t content_bytes = page_bytes - page_reserved_bytes;
using Checksum = std::array<std::uint8_t, page_reserved_bytes>;

/// Pages are numbered from 1 as in SQLite; the number keeps a page from standing in for another one.
Checksum checksum(ByteView content, std::uint64_t number) {
    const Bytes place = ByteWriter{}.u64(number).bytes();
    const crypto::Digest digest = crypto::digest_of_parts("page", {place, content});
    Checksum out;
    std::memcpy(out.data(), digest.bytes.data(), out.size());
    return out;
}

bool checksum_holds(const std::uint8_t* page, std::uint64_t number) {
    const Checksum expected = checksum({page, content_bytes}, number);
    return std::memcmp(expected.data(), page + content_bytes, expected.size()) == 0;
}

// ---- the VFS: every call goes to the system's own, reads and writes of whole pages pass through here ---------------

/// SQLite writes a frame of the write-ahead log as its head and then its page. The head is held until the page follows, so
/// that both are one write, or until anything else is asked of the file.
struct HeldHead {
    bool held = false;
    sqlite3_int64 at = 0;
    std::array<std::uint8_t, wal_head_bytes> bytes{};
};

struct File {
    PassedFile passed{};
    bool database = false;
    bool log = false;
    HeldHead head;
};

File* self(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}

sqlite3_vfs* system_vfs() {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    KILTER_CHECK(vfs != nullptr, "SQLite has no VFS");
    return vfs;
}

bool whole_page(int amount, sqlite3_int64 offset) {
    return amount == page_bytes && offset % page_bytes == 0;
}

std::uint64_t page_number(sqlite3_int64 offset) {
    return static_cast<std::uint64_t>(offset / page_bytes) + 1;
}

int let_go(sqlite3_file* file) {
    HeldHead& head = self(file)->head;
    if (!std::exchange(head.held, false)) return SQLITE_OK;
    return real_file(file)->pMethods->xWrite(real_file(file), head.bytes.data(), wal_head_bytes,
                                             head.at);
}

int read_file(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
    if (const int let = let_go(file); let != SQLITE_OK) return let;
    const int status = real_file(file)->pMethods->xRead(real_file(file), to, amount, offset);
    if (status == SQLITE_OK && self(file)->database && whole_page(amount, offset) &&
        !checksum_holds(static_cast<std::uint8_t*>(to), page_number(offset)))
        return SQLITE_IOERR_DATA;
    return status;
}

int write_log(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    HeldHead& head = self(file)->head;
    if (head.held && amount == page_bytes && offset == head.at + wal_head_bytes) {
        std::array<std::uint8_t, wal_frame_bytes> frame{};
        std::memcpy(frame.data(), head.bytes.data(), wal_head_bytes);
        std::memcpy(frame.data() + wal_head_bytes, from, page_bytes);
        head.held = false;
        return real_file(file)->pMethods->xWrite(real_file(file), frame.data(),
                                                 static_cast<int>(frame.size()), head.at);
    }
    if (const int let = let_go(file); let != SQLITE_OK) return let;
    if (amount != wal_head_bytes)
        return real_file(file)->pMethods->xWrite(real_file(file), from, amount, offset);
    head.held = true;
    head.at = offset;
    std::memcpy(head.bytes.data(), from, wal_head_bytes);
    return SQLITE_OK;
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    if (self(file)->log) return write_log(file, from, amount, offset);
    if (!self(file)->database || !whole_page(amount, offset))
        return real_file(file)->pMethods->xWrite(real_file(file), from, amount, offset);
    std::array<std::uint8_t, page_bytes> page{};
    std::memcpy(page.data(), from, content_bytes);
    const Checksum sum = checksum({page.data(), content_bytes}, page_number(offset));
    std::memcpy(page.data() + content_bytes, sum.data(), sum.size());
    return real_file(file)->pMethods->xWrite(real_file(file), page.data(), amount, offset);
}

const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods table = [] {
        sqlite3_io_methods m = passing_methods();
        m.xRead = read_file;
        m.xWrite = write_file;
        m.xSync = [](sqlite3_file* f, int flags) {
            const int let = let_go(f);
            return let != SQLITE_OK ? let : real_file(f)->pMethods->xSync(real_file(f), flags);
        };
        m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
            const int let = let_go(f);
            return let != SQLITE_OK ? let : real_file(f)->pMethods->xTruncate(real_file(f), n);
        };
        m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
            const int let = let_go(f);
            return let != SQLITE_OK ? let : real_file(f)->pMethods->xFileSize(real_file(f), n);
        };
        m.xClose = [](sqlite3_file* f) {
            const int let = let_go(f);
            const int closed = real_file(f)->pMethods->xClose(real_file(f));
            return let != SQLITE_OK ? let : closed;
        };
        return m;
    }();
    return table;
}

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    File* mine = self(file);
    mine->passed.real = reinterpret_cast<sqlite3_file*>(mine + 1);
    mine->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    mine->log = (flags & SQLITE_OPEN_WAL) != 0;
    mine->head = {};
    mine->passed.base.pMethods = nullptr;
    sqlite3_vfs* const vfs = system_vfs();
    const int status = vfs->xOpen(vfs, name, mine->passed.real, flags, out_flags);
    if (mine->passed.real->pMethods != nullptr) mine->passed.base.pMethods = &methods();
    return status;
}

// ---- files at rest -------------------------------------------------------------------------------------------------

std::uint32_t big_endian(const std::uint8_t* at) {
    return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) |
           (std::uint32_t{at[2]} << 8) | std::uint32_t{at[3]};
}

std::uint32_t little_endian(const std::uint8_t* at) {
    return (std::uint32_t{at[3]} << 24) | (std::uint32_t{at[2]} << 16) |
           (std::uint32_t{at[1]} << 8) | std::uint32_t{at[0]};
}

/// SQLite file format, section 4.2: the running checksum of a write-ahead log.
struct RunningChecksum {
    bool big = false;
    std::uint32_t s0 = 0, s1 = 0;

    void add(const std::uint8_t* bytes, std::size_t size) {
        for (std::size_t i = 0; i < size; i += 8) {
            s0 += (big ? big_endian(bytes + i) : little_endian(bytes + i)) + s1;
            s1 += (big ? big_endian(bytes + i + 4) : little_endian(bytes + i + 4)) + s0;
        }
    }

    [[nodiscard]] bool is(const std::uint8_t* at) const {
        return s0 == big_endian(at) && s1 == big_endian(at + 4);
    }
};

/// Where a log that does not hold from some frame on still may be taken as whole: if that frame belongs to the last
/// transaction. A transaction is begun only after the one before was synchronised and acknowledged, so a later frame of
/// this generation behind the next commit frame shows that what is broken had been whole.
bool only_last_transaction(std::ifstream& in, const std::uint8_t* salts, const std::uint8_t* bad) {
    std::array<std::uint8_t, wal_frame_bytes> frame{};
    std::copy_n(bad, frame.size(), frame.data());
    bool committed = false;
    for (;;) {
        const bool current = std::memcmp(frame.data() + 8, salts, 8) == 0;
        if (current && committed) return false;
        committed = committed || (current && big_endian(frame.data() + 4) != 0);
        in.read(reinterpret_cast<char*>(frame.data()), frame.size());
        if (in.gcount() != static_cast<std::streamsize>(frame.size())) return true;
    }
}

/// A frame of another generation: what an earlier one left, in the file since, and nobody's; or what the log was laid out
/// with, which is zero throughout. No salt is zero but there.
bool laid_out_or_older(const std::array<std::uint8_t, wal_frame_bytes>& frame) {
    const bool zero1 = big_endian(frame.data() + 8) == 0;
    const bool zero2 = big_endian(frame.data() + 12) == 0;
    if (!zero1 && !zero2) return true;
    return zero1 && zero2 && std::all_of(frame.begin(), frame.end(), [](auto b) { return b == 0; });
}

/// The pages that the log holds whole, in committed transactions.
Result<std::set<std::uint64_t>> check_wal(const std::filesystem::path& path,
                                          AfterPowerCut leftovers) {
    std::ifstream in(path, std::ios::binary);
    const std::string name = path.string();
    std::array<std::uint8_t, wal_header_bytes> header{};
    std::set<std::uint64_t> pages;
    if (!in || in.peek() == std::ifstream::traits_type::eof()) return pages;
    const auto read = [&](std::uint8_t* to, std::size_t size) {
        in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(size));
        return static_cast<std::size_t>(in.gcount()) == size;
    };
    const Error damaged{name +
                        " is damaged in its header; do not start from it, restore the replica "
                        "under a new key"};
    const bool whole = read(header.data(), header.size());
    const std::uint32_t magic = big_endian(header.data());
    RunningChecksum running{(magic & 1) != 0};
    running.add(header.data(), 24);
    if (!whole || (magic & ~1u) != 0x377f0682u || big_endian(header.data() + 8) != page_bytes ||
        !running.is(header.data() + 24)) {
        // The header is synchronised before the first frame is written, so without frames it may be torn.
        if (leftovers == AfterPowerCut::is_expected &&
            std::filesystem::file_size(path) <= wal_header_bytes)
            return pages;
        return damaged;
    }
    std::array<std::uint8_t, wal_frame_bytes> frame{};
    bool older = false;  // past the end of the current generation
    std::vector<std::uint64_t> uncommitted;
    for (std::size_t number = 1; read(frame.data(), frame.size()); ++number) {
        const bool salt1 = std::memcmp(frame.data() + 8, header.data() + 16, 4) == 0;
        const bool salt2 = std::memcmp(frame.data() + 12, header.data() + 20, 4) == 0;
        bool holds = false;
        if (salt1 && salt2 && !older) {
            running.add(frame.data(), 8);
            running.add(frame.data() + wal_head_bytes, page_bytes);
            holds = running.is(frame.data() + 16);
        } else {
            older = true;
            holds = !salt1 && !salt2 && laid_out_or_older(frame);
        }
        if (holds && !older) {
            uncommitted.push_back(big_endian(frame.data()));
            if (big_endian(frame.data() + 4) != 0) {
                pages.insert(uncommitted.begin(), uncommitted.end());
                uncommitted.clear();
            }
        }
        if (!holds && leftovers == AfterPowerCut::is_expected &&
            only_last_transaction(in, header.data() + 16, frame.data()))
            return pages;
        if (!holds)
            return Error{name + " is damaged in frame " + std::to_string(number) +
                         "; do not start from it, restore the replica under a new key"};
    }
    return pages;
}
}  // namespace

const char* checksum_vfs() {
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs v = *system_vfs();
        v.pNext = nullptr;
        v.zName = "kilter-checksum";
        v.szOsFile = static_cast<int>(sizeof(File)) + system_vfs()->szOsFile;
        v.xOpen = open_file;
        return v;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    KILTER_CHECK(registered == SQLITE_OK, "SQLite refused the checksum VFS");
    return vfs.zName;
}

Result<void> check_files(const std::filesystem::path& database, AfterPowerCut leftovers) {
    const auto logged = check_wal(database.string() + "-wal", leftovers);
    if (!logged) return logged.error();
    const auto rewritten = [&](std::uint64_t page) {
        return leftovers == AfterPowerCut::is_expected && logged->contains(page);
    };
    std::ifstream in(database, std::ios::binary);
    if (!in) return Error{"cannot read " + database.string()};
    std::array<std::uint8_t, page_bytes> page{};
    std::uint32_t pages = 0;  // what the header says
    for (std::uint64_t number = 1;; ++number) {
        in.read(reinterpret_cast<char*>(page.data()), page_bytes);
        if (in.gcount() == 0) {
            // An interrupted checkpoint may leave the file short, with the rest still in the write-ahead log.
            std::error_code none;
            const auto wal = std::filesystem::file_size(database.string() + "-wal", none);
            if ((none || wal == 0) && number != pages + 1)
                return Error{database.string() + " is cut short: " + std::to_string(number - 1) +
                             " of " + std::to_string(pages) + " pages are there"};
            break;
        }
        if (in.gcount() != page_bytes && !rewritten(number))
            return Error{database.string() + " is cut short in page " + std::to_string(number)};
        if (!checksum_holds(page.data(), number) && !rewritten(number))
            return Error{database.string() + " is damaged in page " + std::to_string(number) +
                         ": its checksum does not hold"};
        if (number == 1) pages = big_endian(page.data() + 28);
    }
    return {};
}

}  // namespace kilter::storage
