#include "tests/common/storage/power_cut.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "common/storage/passing_vfs.hpp"

namespace kilter::storage::power_cut {

namespace {
constexpr std::size_t sector = 512;

struct Operation {
    std::size_t offset = 0;
    std::string bytes;
    bool truncates = false;  // to `offset`
};

struct Disk {
    std::filesystem::path folder, survivors;
    std::uint64_t fails_at = 0;
    Failure failure{};
    Prng prng{0};
    std::uint64_t operations = 0;
    std::map<std::string, std::string> durable;  // by file name
    std::map<std::string, std::vector<Operation>> cached;
};

std::optional<Disk>& disk() {
    static std::optional<Disk> armed;
    return armed;
}

void apply(std::string& file, const Operation& operation) {
    if (operation.truncates) {
        file.resize(std::min(file.size(), operation.offset));
        return;
    }
    const std::size_t end = operation.offset + operation.bytes.size();
    if (file.size() < end) file.resize(end, '\0');
    std::copy(operation.bytes.begin(), operation.bytes.end(),
              file.begin() + static_cast<std::ptrdiff_t>(operation.offset));
}

/// Any subset of the unsynchronised writes, sector by sector; truncations as a whole.
[[noreturn]] void lose_power(Disk& on) {
    const double survival = on.prng.uniform();
    for (auto& [name, operations] : on.cached) {
        std::string& file = on.durable[name];
        for (const Operation& operation : operations) {
            if (operation.truncates) {
                if (on.prng.chance(survival)) apply(file, operation);
                continue;
            }
            for (std::size_t at = 0; at < operation.bytes.size(); at += sector)
                if (on.prng.chance(survival))
                    apply(file, {operation.offset + at, operation.bytes.substr(at, sector), false});
        }
    }
    for (const auto& [name, bytes] : on.durable)
        std::ofstream(on.survivors / name, std::ios::binary) << bytes;
    ::_exit(0);
}

/// SQLITE_OK, or what the operation is to report.
int count(Disk& on) {
    if (on.operations++ < on.fails_at) return SQLITE_OK;
    switch (on.failure) {
        case Failure::power:
            lose_power(on);
        case Failure::io:
            return SQLITE_IOERR_WRITE;
        case Failure::full:
            return SQLITE_FULL;
    }
    return SQLITE_OK;
}

struct File {
    PassedFile passed;
    const char* path;
};

File* self(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}

/// The name under which the armed disk keeps this file; none: not its business.
std::optional<std::string> kept(sqlite3_file* file) {
    if (!disk() || self(file)->path == nullptr) return std::nullopt;
    const std::filesystem::path path(self(file)->path);
    if (path.parent_path() != disk()->folder) return std::nullopt;
    return path.filename().string();
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    if (const auto name = kept(file)) {
        if (const int status = count(*disk()); status != SQLITE_OK) return status;
        disk()->cached[*name].push_back(
            {static_cast<std::size_t>(offset),
             std::string(static_cast<const char*>(from), static_cast<std::size_t>(amount)), false});
    }
    return real_file(file)->pMethods->xWrite(real_file(file), from, amount, offset);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    if (const auto name = kept(file)) {
        if (const int status = count(*disk()); status != SQLITE_OK) return status;
        disk()->cached[*name].push_back({static_cast<std::size_t>(size), {}, true});
    }
    return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

int sync_file(sqlite3_file* file, int flags) {
    if (const auto name = kept(file)) {
        if (const int status = count(*disk()); status != SQLITE_OK) return SQLITE_IOERR_FSYNC;
        for (const Operation& operation : disk()->cached[*name])
            apply(disk()->durable[*name], operation);
        disk()->cached[*name].clear();
        return SQLITE_OK;  // what is durable is kept here; the machine's own disk need not be troubled
    }
    return real_file(file)->pMethods->xSync(real_file(file), flags);
}

const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods table = [] {
        sqlite3_io_methods m = passing_methods();
        m.xWrite = write_file;
        m.xTruncate = truncate_file;
        m.xSync = sync_file;
        return m;
    }();
    return table;
}

sqlite3_vfs* system_vfs = nullptr;

int open_file(
    sqlite3_vfs* /*vfs*/, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    File* mine = self(file);
    mine->passed.real = reinterpret_cast<sqlite3_file*>(mine + 1);
    mine->path = name;
    mine->passed.base.pMethods = nullptr;
    const int status = system_vfs->xOpen(system_vfs, name, mine->passed.real, flags, out_flags);
    if (mine->passed.real->pMethods != nullptr) mine->passed.base.pMethods = &methods();
    return status;
}

const bool installed = [] {
    system_vfs = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs vfs = *system_vfs;
    vfs.pNext = nullptr;
    vfs.zName = "power-cut";
    vfs.szOsFile = static_cast<int>(sizeof(File)) + system_vfs->szOsFile;
    vfs.xOpen = open_file;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}();
}  // namespace

void arm(const std::filesystem::path& folder,
         const std::filesystem::path& survivors,
         std::uint64_t operation,
         Failure failure,
         Prng prng) {
    Disk armed{folder, survivors, operation, failure, prng, 0, {}, {}};
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with("-shm") || name.ends_with(".lock")) continue;  // nothing durable in them
        std::ifstream in(entry.path(), std::ios::binary);
        armed.durable[name] = {std::istreambuf_iterator<char>(in), {}};
    }
    disk() = std::move(armed);
}

std::uint64_t operations() {
    return disk() ? disk()->operations : 0;
}

}  // namespace kilter::storage::power_cut
