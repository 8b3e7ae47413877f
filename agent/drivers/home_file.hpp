/// The simulated home's file: a HomeSpec as TOML (docs/topology-format.md, "Home files"), private
/// to the home. Numbers are written in the shortest form that reads back to the same bits, so a
/// home run from its file and the same home simulated in one process compute the same schedules.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::drivers {

std::string write_home(const topology::HomeSpec& home);
/// Strict: unknown keys, wrong types and impossible values are errors with file:line:column.
Result<topology::HomeSpec> parse_home(std::string_view text, std::string_view source_name);

/// Replaces the file at `path` (written beside it, then renamed). Error: names the path and the
/// reason.
Result<void> save_home(const std::filesystem::path& path, const topology::HomeSpec& home);
Result<topology::HomeSpec> load_home(const std::filesystem::path& path);

}  // namespace kilter::drivers
