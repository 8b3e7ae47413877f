/// Signed entries as files: what commands leave for a coordinator's submit folder or for `kilter submit`.
#pragma once

#include <filesystem>

#include "common/consensus/entry.hpp"

namespace kilter::cli {

Result<void> write_entry(const std::filesystem::path& file, const consensus::SealedEntry& entry);
/// Error: it cannot be read, or is no entry.
Result<consensus::EntryPtr> read_entry(const std::filesystem::path& file);

}  // namespace kilter::cli
