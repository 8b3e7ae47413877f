/// How feeders that share a log are told apart: each has a number, which its file says, and a net's id holds it beside the net's
/// position in that file. A coordinator's certificate has the id of its feeder's first net.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.hpp"

namespace kilter::settlement {

using FeederNumber = std::uint16_t;

inline constexpr std::size_t feeder_nets_max = 1u << 16;

/// REQUIRES: position < feeder_nets_max.
constexpr NetId net_id(FeederNumber feeder, std::size_t position) {
    return {static_cast<std::uint32_t>(feeder * feeder_nets_max + position)};
}

constexpr FeederNumber feeder_of(NetId net) {
    return static_cast<FeederNumber>(net.value / feeder_nets_max);
}

constexpr std::size_t position_of(NetId net) {
    return net.value % feeder_nets_max;
}

/// "7", and on a feeder with another number than 0, "2:7".
std::string name_of(NetId net);

}  // namespace kilter::settlement
