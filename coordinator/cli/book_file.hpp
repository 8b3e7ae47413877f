/// A feeder's books and corrections as JSON files (docs/products.md#files).
#pragma once

#include <filesystem>

#include "common/products/books.hpp"
#include "common/settlement/correction.hpp"

namespace kilter::cli {

/// Learnt and settled, as the file says. Error: names the file and what is wrong in it.
Result<products::Books> load_books(const std::filesystem::path& file);
Result<settlement::Correction> load_correction(const std::filesystem::path& file);

}  // namespace kilter::cli
