/// What an instance amounts to when people talk about its size, and what its messages would be without a common
/// memory.
#pragma once

#include <cstdint>

#include "coordinator/ksuite/arrangement.hpp"

namespace kilter::ksuite {

struct Size {
    std::size_t devices = 0;    ///< lines included
    std::size_t terminals = 0;  ///< lines have two
    std::size_t variables =
        0;  ///< a power per terminal and a phase per net with alternating current, times T
};

Size size_of(const Instance& instance);

/// One iteration among separate computers: every terminal tells its net a schedule and its net answers with one, both
/// of doubles; where phases are agreed on, as many again.
struct Traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

Traffic traffic_per_iteration(const Arrangement& arrangement);

}  // namespace kilter::ksuite
