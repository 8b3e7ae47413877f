/// The processes of a demo: its coordinators and its homes' agents.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/process.hpp"

namespace kilter::cli {

/// One of them.
struct DemoProcess {
    std::filesystem::path directory;
    std::vector<std::string> command;
    int niceness = 0;
    std::optional<Process> process = std::nullopt;
    bool expected_down = false;

    Result<void> start();
    /// With SIGKILL, until the next start().
    void kill();
};

struct AgentsMemory {
    double proportional_mean_mb = 0;  ///< PSS
    double proportional_max_mb = 0;
    double peak_max_mb = 0;  ///< resident
};

/// All of them, alive while this lives.
class DemoNeighbours {
  public:
    /// Nothing runs yet. `agents_niceness`: of a crowd, whose coordinators would otherwise wait for a thousand homes' turns
    /// on processors that they do not share with homes anywhere else.
    DemoNeighbours(const Installation& installation, int agents_niceness);

    Result<void> start();
    /// The first process that ended by itself, in words.
    std::optional<std::string> casualty();
    /// SIGTERM to all; those that do not end in time are killed and counted.
    std::size_t stop();
    [[nodiscard]] AgentsMemory agents_memory() const;

    std::vector<DemoProcess> coordinators;
    std::vector<DemoProcess> agents;
};

/// Where this program and the others lie.
std::filesystem::path own_directory();

}  // namespace kilter::cli
