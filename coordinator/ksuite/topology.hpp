/// Where the nets lie and which of them a line joins: a random geometric network.
///
/// Nets are uniform in [0, √N]². Nets i, j are joined with probability 0.8 min(1, 0.11² / dist²); a net without a line
/// joins its nearest; then random pairs in different components are joined until the network is connected. Nets are
/// numbered in depth-first order, so that neighbours are mostly close in memory. O(N log N).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/prng.hpp"

namespace kilter::ksuite {

using NetPair = std::pair<std::uint32_t, std::uint32_t>;

struct Topology {
    std::size_t nets = 0;
    std::vector<NetPair> lines;  ///< first < second, sorted; no pair twice
};

/// REQUIRES: nets ≥ 2.
Topology draw_topology(std::size_t nets, Prng& random);

}  // namespace kilter::ksuite
