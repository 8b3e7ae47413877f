/// A feeder's books and corrections as JSON files (docs/products.md#files).
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/products/books.hpp"
#include "common/settlement/correction.hpp"

namespace kilter::cli {

/// Error: it cannot be read, or is no JSON.
Result<nlohmann::ordered_json> json_in_file(const std::filesystem::path& file);

/// Learnt and settled, as the file says. Error: names the file and what is wrong in it.
Result<products::Books> load_books(const std::filesystem::path& file);
Result<settlement::Correction> load_correction(const std::filesystem::path& file);

}  // namespace kilter::cli
