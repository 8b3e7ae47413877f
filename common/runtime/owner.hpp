/// A daemon's files belong to the daemon's user, also when root types its commands.
#pragma once

#include <filesystem>

#include "common/base/result.hpp"

namespace kilter::runtime {

/// As root: from now on this process is the user that owns `directory`, for good. Does nothing for other users, where root
/// is the owner, and where there is no such directory yet. Call it after reading what only root may read.
/// Error: the system refuses; names the directory.
Result<void> continue_as_owner_of(const std::filesystem::path& directory);

}  // namespace kilter::runtime
