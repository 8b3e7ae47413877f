/// What an operator may see of an agent (docs/operating/monitor.md lists it): how it fares, nothing of the home.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/core/gateway.hpp"
#include "common/cli/daemon_figures.hpp"
#include "common/transport/hub.hpp"

namespace kilter::agent {

/// Kept by the host from one session's report to the next.
struct SessionTally {
    cli::SessionCounts over;
    UnixMs certified_ms = 0;  ///< when the last one's proof was checked; 0: none

    void count(const SessionReport& report, UnixMs now);
};

struct Figures {
    std::uint64_t roster_epoch = 0;
    std::size_t peers = 0;
    std::size_t peers_connected = 0;
    std::size_t awaited = 0;
    transport::Counts traffic;
    std::optional<SessionReport> last;
    SessionTally sessions;
};

std::string metrics_page(const Figures& figures, const std::filesystem::path& state_dir);

}  // namespace kilter::agent
