/// kilter's own description of an unbalanced three-phase feeder: TOML with system = "three-phase",
/// docs/topology-format.md. Text -> ThreePhaseNetwork.
///
/// The result is normalised and valid. Errors have file:line:column and name the item and the key;
/// nothing is guessed or repaired.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <variant>

#include "common/base/result.hpp"
#include "common/model/three_phase.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::topology {

/// REQUIRES: interval_s divides a day.
Result<model::ThreePhaseNetwork> parse_three_phase(std::string_view text,
                                                   std::string_view source_name,
                                                   std::int64_t interval_s = 900);

using Feeder = std::variant<model::Network, model::ThreePhaseNetwork>;

/// A feeder of either kind, as its file's `system` says.
Result<Feeder> load_feeder(const std::filesystem::path& path, std::int64_t interval_s = 900);

/// The feeder once these homes trade for themselves: the loads at a home's connection less its mean
/// load, not below zero. The reactive part stays with the feeder. REQUIRES: homes' nets are the
/// network's.
model::ThreePhaseNetwork without_homes(model::ThreePhaseNetwork network,
                                       const std::vector<HomeSpec>& homes);

}  // namespace kilter::topology
