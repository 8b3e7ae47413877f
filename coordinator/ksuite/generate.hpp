/// Draws an instance of the K-suite. The same recipe gives the same instance, to the bit, for any workers.
///
/// On each net one of: nothing .4, generator .4, curtailable load .1, deferrable load .05, battery .05. A net with a load
/// has a fixed load as well, served through the same terminal. Lines are drawn by topology.hpp and sized by
/// capacities.hpp; 90 % carry alternating current. What the authors leave open is as docs/ksuite.md says.
#pragma once

#include <cstdint>

#include "common/base/result.hpp"
#include "coordinator/ksuite/instance.hpp"
#include "coordinator/ksuite/workers.hpp"

namespace kilter::ksuite {

enum class LineRule : std::uint8_t {
    lossy,     ///< C = max(10, 4 F_max), 5 to 15 % lost at capacity
    low_loss,  ///< C = max(30, 10 F_max), 1.4 to 4.2 %
};

constexpr std::size_t nets_min = 10;
constexpr std::size_t nets_max = 1'000'000;

struct Recipe {
    std::size_t nets = 0;
    std::uint64_t seed = 0;
    LineRule lines = LineRule::lossy;
};

/// Error: too few or too many nets, or a draw whose generators cannot serve its loads (only small networks).
Result<Instance> generate(const Recipe& recipe, Workers& workers);

}  // namespace kilter::ksuite
