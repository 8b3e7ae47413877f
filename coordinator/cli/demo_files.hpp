/// What kilter demo reads of the files that its processes write.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace kilter::cli {

/// Nothing: not there, or not JSON.
std::optional<nlohmann::ordered_json> read_json(const std::filesystem::path& file);

/// The newest one that is not empty; empty when there is none.
std::string last_line(const std::filesystem::path& file);

}  // namespace kilter::cli
