/// Whole files that are there completely or not at all: written beside their place, synchronised, renamed into it, and the
/// directory synchronised. Any failure ends the process with the reason, as with the database.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/consensus/types.hpp"

namespace kilter::storage {

void write_durably(const std::filesystem::path& file, ByteView bytes);
/// Of a file that somebody else wrote, in the same directory; for the owner alone from now on.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
/// Error: not readable, or larger than `bytes_max`.
Result<Bytes> read_whole(const std::filesystem::path& file, std::uintmax_t bytes_max);

/// The first bytes, fewer if there are not so many.
Bytes read_head(const std::filesystem::path& file, std::size_t bytes_max);

/// Files named by a height, e.g. "000000001024.snapshot".
std::filesystem::path file_of_height(const std::filesystem::path& directory,
                                     consensus::Height height,
                                     const char* suffix);
/// Ascending; names that are not of this form are ignored.
std::vector<consensus::Height> heights_in(const std::filesystem::path& directory,
                                          const char* suffix);

}  // namespace kilter::storage
