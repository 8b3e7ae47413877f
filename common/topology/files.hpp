/// The one place of this folder that touches the disk and the environment; all else here is text ->
/// values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.hpp"

namespace kilter::topology {

/// A whole file of at most limits::config_file_bytes_max. Error: names the path and why it cannot
/// be read.
Result<std::string> read_text_file(const std::filesystem::path& path);

/// Where the measured series and published cases lie: $KILTER_DATA if set, else the build's own
/// KILTER_DATA, which is shared/data beside the source tree; nothing when the folder does not exist.
std::optional<std::filesystem::path> data_folder();

}  // namespace kilter::topology
