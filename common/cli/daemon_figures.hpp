/// What the metrics of both daemons have in common, in the same words (docs/operating/monitor.md lists them all).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/market/session.hpp"
#include "common/runtime/exposition.hpp"
#include "common/transport/hub.hpp"

namespace kilter::cli {

/// Sessions that are over.
struct SessionCounts {
    std::array<std::uint64_t, 4> by_outcome{};  ///< by market::Outcome
    std::uint64_t iterations = 0;               ///< of all of them

    void count(market::Outcome outcome, std::uint32_t session_iterations);
};

void add_links(runtime::Exposition& out,
               std::uint64_t roster_epoch,
               std::size_t peers,
               std::size_t peers_connected);
/// The counts, and the last session's interval (0: none yet) and iterations.
void add_sessions(runtime::Exposition& out,
                  const SessionCounts& counts,
                  IntervalIndex last_interval,
                  std::uint32_t last_iterations);
void add_traffic(runtime::Exposition& out, const transport::Counts& traffic);

}  // namespace kilter::cli
