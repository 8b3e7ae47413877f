/// A radial MATPOWER case (version 2) as a feeder: text -> Network.
///
/// Only the tables bus, gen and branch and the reference bus matter; costs are not read. Many distribution cases hold
/// ohm, kW and kvar and end with MATLAB statements that convert them: those in MATPOWER's own cases are recognised (ohm
/// to per unit, kW to MW, apparent power at a power factor) and applied, any other statement on the tables is refused
/// rather than ignored. Branches out of service are left out; what remains must be a tree. Loads, shunts, charging, taps,
/// ratings and voltage bands carry over; every bus with active load becomes a net. The root is the reference bus, held at
/// its generator's voltage; generators elsewhere are left out, for homes and devices take their place.
/// The case has neither a daily shape nor a tariff: shape 1 and price 0 until the caller sets them.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.hpp"
#include "common/model/network.hpp"

namespace kilter::topology {

/// Error: not a case of this kind, a table that is missing or ragged, a statement not understood, not a tree; names the
/// item. `source_name` is what errors call the text.
Result<model::Network> parse_matpower(std::string_view text, std::string_view source_name);
Result<model::Network> load_matpower(const std::filesystem::path& path);

}  // namespace kilter::topology
