/// Pure folders take values and return values: no clock, socket, disk, thread, random source or log
/// inside. The replicated log and the settlement moreover use no floating point, so that every
/// machine computes the same bits.
#pragma once

#include <string_view>
#include <vector>

#include "tests/lint/source_file.hpp"

namespace kilter::lint {

/// A library folder is pure unless it is one of the shells listed in purity.cpp; a new folder
/// starts out pure.
bool is_pure(std::string_view folder);

/// Headers and calls of the outside world in a file of the pure `folder`.
std::vector<Finding> check_purity(const SourceFile& file, std::string_view folder);

/// `float` and `double` in a file; for the folders where money and votes are counted.
std::vector<Finding> check_integers_only(const SourceFile& file);

}  // namespace kilter::lint
