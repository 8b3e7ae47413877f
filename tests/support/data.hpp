// Where the published cases lie when they are there.
#pragma once

#include <filesystem>
#include <optional>

#include "common/topology/files.hpp"

namespace kilter::testing {

/// A folder below the data folder; nothing where it is missing.
inline std::optional<std::filesystem::path> published(const std::string& below) {
    const auto data = topology::data_folder();
    if (!data || !std::filesystem::exists(*data / below)) return std::nullopt;
    return *data / below;
}

}  // namespace kilter::testing
