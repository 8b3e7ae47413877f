// A disk that loses power: SQLite's files behind a layer that knows what has been synchronised. Registered as SQLite's
// default before main(), so everything in common/storage runs on it; it only listens until armed.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/prng.hpp"

namespace kilter::storage::power_cut {

enum class Failure : std::uint8_t {
    power,  ///< the process ends here; what was not synchronised survives in part, torn at sectors
    io,     ///< the write or synchronisation reports EIO
    full,   ///< the write reports ENOSPC
};

/// From now on writes and synchronisations of the files in `folder` are counted; at number `operation` the failure happens.
/// After a power cut `survivors` holds the files as the disk has them, and the process has ended with exit code 0.
void arm(const std::filesystem::path& folder,
         const std::filesystem::path& survivors,
         std::uint64_t operation,
         Failure failure,
         Prng prng);

/// Operations since arm().
std::uint64_t operations();

}  // namespace kilter::storage::power_cut
