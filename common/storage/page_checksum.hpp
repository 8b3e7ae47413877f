/// No byte of a store goes unchecked. A thin SQLite VFS writes a BLAKE2b-128 checksum of every database page (and its
/// number) into the page's reserved bytes and verifies it on every read; a mismatch is an I/O error. Pages still in the
/// write-ahead log are covered by that log's own running checksum, which SQLite takes for an end of file when it does
/// not hold; check_files() takes it for damage. What lies in the log from before its last restart is not content.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/result.hpp"

namespace kilter::storage {

inline constexpr int page_bytes = 4096;
inline constexpr int page_reserved_bytes = 16;

// Of SQLite's write-ahead log: its header, then frames, each a head and a page.
inline constexpr int wal_header_bytes = 32;
inline constexpr int wal_head_bytes = 24;
inline constexpr std::int64_t wal_frame_bytes = wal_head_bytes + page_bytes;

/// Registers the VFS (once per process) and returns its name for sqlite3_open_v2.
const char* checksum_vfs();

/// What a power cut may leave behind: a last transaction of the log of which only some sectors were written (it was never
/// acknowledged, and SQLite ignores it), and pages of the database half overwritten that the log still holds whole.
enum class AfterPowerCut : std::uint8_t { is_damage, is_expected };

/// Every page of the database file and every frame of its write-ahead log, whether in use or not. The error names the
/// file and the place. REQUIRES: no writer is active, or the caller retries.
Result<void> check_files(const std::filesystem::path& database,
                         AfterPowerCut leftovers = AfterPowerCut::is_damage);

}  // namespace kilter::storage
