/// Small files a daemon leaves for people and other programs: replaced whole, never seen half written.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.hpp"

namespace kilter::runtime {

/// Writes beside `path`, then renames over it. Not fsynced: for what can be made again.
/// Error: names the path and the reason.
Result<void> replace_file(const std::filesystem::path& path, std::string_view content);

/// The same for what cannot: on the disk, under its name, when this returns.
Result<void> replace_file_durably(const std::filesystem::path& path, std::string_view content);

/// Creates the directory and its parents, readable by their owner only. Error: names the path and the reason.
Result<void> make_private_directory(const std::filesystem::path& path);

}  // namespace kilter::runtime
