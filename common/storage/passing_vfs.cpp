#include "common/storage/passing_vfs.hpp"

namespace kilter::storage {

sqlite3_io_methods passing_methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2;  // with shared memory, without xFetch
    m.xClose = [](sqlite3_file* f) { return real_file(f)->pMethods->xClose(real_file(f)); };
    m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
        return real_file(f)->pMethods->xRead(real_file(f), to, n, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
        return real_file(f)->pMethods->xWrite(real_file(f), from, n, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
        return real_file(f)->pMethods->xTruncate(real_file(f), n);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
        return real_file(f)->pMethods->xSync(real_file(f), flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
        return real_file(f)->pMethods->xFileSize(real_file(f), n);
    };
    m.xLock = [](sqlite3_file* f, int level) {
        return real_file(f)->pMethods->xLock(real_file(f), level);
    };
    m.xUnlock = [](sqlite3_file* f, int level) {
        return real_file(f)->pMethods->xUnlock(real_file(f), level);
    };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
        return real_file(f)->pMethods->xCheckReservedLock(real_file(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
        return real_file(f)->pMethods->xFileControl(real_file(f), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) {
        return real_file(f)->pMethods->xSectorSize(real_file(f));
    };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
        return real_file(f)->pMethods->xDeviceCharacteristics(real_file(f));
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, volatile void** out) {
        return real_file(f)->pMethods->xShmMap(real_file(f), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
        return real_file(f)->pMethods->xShmLock(real_file(f), offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { real_file(f)->pMethods->xShmBarrier(real_file(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) {
        return real_file(f)->pMethods->xShmUnmap(real_file(f), remove);
    };
    return m;
}

}  // namespace kilter::storage
