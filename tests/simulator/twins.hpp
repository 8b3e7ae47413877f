/// Twins (Bano et al., 2021): two unmodified copies of one key, and every way to cut the network in each of the first few
/// views. Exhaustive at this size, up to exchanging the twins.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/simulator/table.hpp"

namespace kilter::consensus::simulation {

struct TwinsScenario {
    ReplicaIndex twin = 0;  ///< this key runs as process `twin` and as process n
    std::vector<std::uint32_t>
        cuts;  ///< per view, from 1: bit i is the side of process i; bit 0 is 0
};

struct TwinsResult {
    std::string violation;  ///< empty: agreement, voting rules, and all entries final after healing
    Height height = 0;      ///< lowest of an honest replica at the end
    bool double_vote = false;  ///< the twins did contradict each other
};

TwinsResult play(const TwinsScenario& scenario);

/// Calls `visit` with every scenario of four replicas and `views` views; returns how many there are.
std::uint64_t for_each_twins_scenario(std::size_t views,
                                      const std::function<void(const TwinsScenario&)>& visit);

}  // namespace kilter::consensus::simulation
