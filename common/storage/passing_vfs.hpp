/// What a SQLite VFS needs that stands before the system's own: every call on a file goes to the real file, until whoever
/// takes the table puts a function of its own in.
#pragma once

#include <sqlite3.h>

namespace kilter::storage {

/// The first member of such a VFS's file. The real file lies behind it, szOsFile of the system's VFS long.
struct PassedFile {
    sqlite3_file base;
    sqlite3_file* real;
};

inline sqlite3_file* real_file(sqlite3_file* file) {
    return reinterpret_cast<PassedFile*>(file)->real;
}

/// Shared memory for the write-ahead log, but no memory-mapped pages: those would pass unseen.
sqlite3_io_methods passing_methods();

}  // namespace kilter::storage
