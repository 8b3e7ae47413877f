/// What every feeder's file has, whatever its physics: daily series and the tie. Private to the
/// readers of this folder.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/model/network.hpp"
#include "common/topology/toml_reader.hpp"

namespace kilter::topology {

inline constexpr Range voltage_pu = Range::between(0.5, 1.5);  ///< of any voltage in a file

/// One value per interval of a day from fewer, each held constant for its part of the day.
std::vector<double> read_daily(TomlTable table,
                               std::string_view key,
                               Range range,
                               std::int64_t interval_s);

void read_tie(TomlTable table, model::Tie& tie, std::int64_t interval_s);

}  // namespace kilter::topology
