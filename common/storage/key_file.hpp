/// A party's secret key on disk: 64 hexadecimal digits and a newline, mode 0600, owned by the user
/// that runs.
#pragma once

#include <filesystem>

#include "common/crypto/identity.hpp"

namespace kilter::storage {

/// Creates the file exclusively (never overwrites) and makes it and its directory durable.
Result<void> write_key_file(const std::filesystem::path& file, const crypto::Identity& identity);

/// Error: missing, readable by others, not a regular file, wrong size, not hexadecimal; each says
/// what to do.
Result<crypto::Identity> read_key_file(const std::filesystem::path& file);

/// The identity in `file`, which is made if there is none; an existing file is never overwritten.
Result<crypto::Identity> read_or_make_key_file(const std::filesystem::path& file);

}  // namespace kilter::storage
