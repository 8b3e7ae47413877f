// The published IEEE radial feeders with neutral, as CSV tables (../shared/data/ieee_csv), and rows
// of any CSV file by column name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/model/three_phase.hpp"

namespace kilter::testing {

using CsvRow = std::map<std::string, std::string>;

/// The rows below the header line, by the header's names. Throws std::runtime_error without the file.
std::vector<CsvRow> read_csv(const std::filesystem::path& path);

/// A number of a CSV row; what Python writes as "(1.5-2j)" is complex.
model::Complex complex_of(const std::string& text);

/// line_segments, line_configurations, transformers, regulators (taps as given), switches, spot and
/// distributed loads, capacitors, substation. Normalised and valid, or throws.
model::ThreePhaseNetwork read_ieee_csv(const std::filesystem::path& folder);

}  // namespace kilter::testing
