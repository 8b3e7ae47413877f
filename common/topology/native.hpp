/// kilter's own description of a feeder: TOML, docs/topology-format.md. Text -> Network and back.
///
/// The result is directed away from the root, parents before children (Network::normalise) and
/// valid (Network::validate). Daily series of 24, 48, 96, ... numbers are held constant within
/// their step and cut to `interval_s`. Errors have file:line:column and name the item and the key;
/// nothing is guessed or repaired.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/model/network.hpp"

namespace kilter::topology {

/// Error: not TOML, an unknown key, a missing or impossible value, a duplicate name, an unconnected
/// bus, a loop. `source_name` is what errors call the text. REQUIRES: interval_s divides a day.
Result<model::Network> parse_network(std::string_view text,
                                     std::string_view source_name,
                                     std::int64_t interval_s = 900);
Result<model::Network> load_network(const std::filesystem::path& path,
                                    std::int64_t interval_s = 900);

/// The network in the native format; parse_network gives it back bit for bit. REQUIRES: normalised
/// and valid.
std::string write_network(const model::Network& network);

}  // namespace kilter::topology
