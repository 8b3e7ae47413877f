#include "tests/common/storage/power_cut.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <sqlite3.h>

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
    sqlite3_file base;
    sqlite3_file* real;
    const char* path;
};

File* self(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}

sqlite3_file* real(sqlite3_file* file) {
    return self(file)->real;
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
    return real(file)->pMethods->xWrite(real(file), from, amount, offset);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    if (const auto name = kept(file)) {
        if (const int status = count(*disk()); status != SQLITE_OK) return status;
        disk()->cached[*name].push_back({static_cast<std::size_t>(size), {}, true});
    }
    return real(file)->pMethods->xTruncate(real(file), size);
}

int sync_file(sqlite3_file* file, int flags) {
    if (const auto name = kept(file)) {
        if (const int status = count(*disk()); status != SQLITE_OK) return SQLITE_IOERR_FSYNC;
        for (const Operation& operation : disk()->cached[*name])
            apply(disk()->durable[*name], operation);
        disk()->cached[*name].clear();
        return SQLITE_OK;  // what is durable is kept here; the machine's own disk need not be troubled
    }
    return real(file)->pMethods->xSync(real(file), flags);
}

const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods table = [] {
        sqlite3_io_methods m{};
        m.iVersion = 2;
        m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
        m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
            return real(f)->pMethods->xRead(real(f), to, n, at);
        };
        m.xWrite = write_file;
        m.xTruncate = truncate_file;
        m.xSync = sync_file;
        m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
            return real(f)->pMethods->xFileSize(real(f), n);
        };
        m.xLock = [](sqlite3_file* f, int level) {
            return real(f)->pMethods->xLock(real(f), level);
        };
        m.xUnlock = [](sqlite3_file* f, int level) {
            return real(f)->pMethods->xUnlock(real(f), level);
        };
        m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            return real(f)->pMethods->xCheckReservedLock(real(f), out);
        };
        m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
            return real(f)->pMethods->xFileControl(real(f), op, arg);
        };
        m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
        m.xDeviceCharacteristics = [](sqlite3_file* f) {
            return real(f)->pMethods->xDeviceCharacteristics(real(f));
        };
        m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
            return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
        };
        m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
            return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
        };
        m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
        m.xShmUnmap = [](sqlite3_file* f, int remove) {
            return real(f)->pMethods->xShmUnmap(real(f), remove);
        };
        return m;
    }();
    return table;
}

sqlite3_vfs* system_vfs = nullptr;

int open_file(
    sqlite3_vfs* /*vfs*/, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    File* mine = self(file);
    mine->real = reinterpret_cast<sqlite3_file*>(mine + 1);
    mine->path = name;
    mine->base.pMethods = nullptr;
    const int status = system_vfs->xOpen(system_vfs, name, mine->real, flags, out_flags);
    if (mine->real->pMethods != nullptr) mine->base.pMethods = &methods();
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
