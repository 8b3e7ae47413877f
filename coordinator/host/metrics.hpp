/// What an operator needs to see of a coordinator (docs/operating/monitor.md lists it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/cli/daemon_figures.hpp"
#include "common/consensus/replica.hpp"
#include "common/transport/hub.hpp"
#include "coordinator/core/outputs.hpp"

namespace kilter::coordinator {

/// Kept by the host from one chaired session's report to the next.
struct SessionTally {
    cli::SessionCounts over;
    std::optional<SessionReport> last;

    void count(const SessionReport& report);
};

struct Figures {
    std::uint64_t roster_epoch = 0;
    std::size_t peers = 0;
    std::size_t peers_connected = 0;
    std::size_t coordinators_connected = 0;
    consensus::ReplicaStatus log;
    transport::Stats traffic;
};

std::string metrics_page(const Figures& figures,
                         const SessionTally& sessions,
                         const std::filesystem::path& state_dir);

}  // namespace kilter::coordinator
