/// The neighbourhood that simulate and demo clear: a feeder's file, homes drawn from a seed, measured series where the
/// data is there. The same arguments give the same neighbourhood, so the two can be compared bit for bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {

struct DrawnNeighbourhood {
    planner::Neighbourhood neighbourhood;
    std::string series;  ///< for people: where loads, panels and prices come from
};

/// Error: the feeder's file, with file:line:column.
Result<DrawnNeighbourhood> draw_neighbourhood(const std::filesystem::path& topology,
                                              std::size_t homes_per_net,
                                              std::uint64_t homes_seed,
                                              std::int64_t interval_s);

/// So many homes on a feeder drawn from the seed (topology/generated.hpp), `homes_per_net` on every net and the rest one more
/// each. REQUIRES: homes ≥ homes_per_net ≥ 1.
DrawnNeighbourhood draw_generated(std::size_t homes, std::size_t homes_per_net, std::uint64_t seed);

}  // namespace kilter::cli
