/// Where a command's result goes: standard output or a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace kilter::cli {

/// "-" is standard output. Error: names the path and the reason; for standard output too (a full
/// disk behind a redirection, a closed pipe).
Result<void> write_output(const std::filesystem::path& path, std::string_view text);

/// "2026-05-01 18:15" in UTC.
std::string utc_text(std::int64_t unix_ms);

}  // namespace kilter::cli
