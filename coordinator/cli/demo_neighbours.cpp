#include "coordinator/cli/demo_neighbours.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "coordinator/cli/demo_files.hpp"
#include "coordinator/cli/process_usage.hpp"

namespace kilter::cli {

namespace {

constexpr auto stop_patience = std::chrono::seconds(10);

}  // namespace

Result<void> DemoProcess::start() {
    auto started = Process::start(command, directory / "log", niceness);
    if (!started) return started.error();
    process = std::move(*started);
    expected_down = false;
    return {};
}

void DemoProcess::kill() {
    process->kill();
    expected_down = true;
}

DemoNeighbours::DemoNeighbours(const Installation& installation, int agents_niceness) {
    const auto programs = own_directory();
    for (const auto& directory : installation.coordinators)
        coordinators.push_back({directory,
                                {(programs / "kilter-coordinator").string(), "run", "--config",
                                 (directory / "coordinator.toml").string()}});
    for (const auto& directory : installation.homes)
        agents.push_back({directory,
                          {(programs / "kilter-agent").string(), "run", "--config",
                           (directory / "agent.toml").string()},
                          agents_niceness});
}

Result<void> DemoNeighbours::start() {
    for (auto* group : {&coordinators, &agents})
        for (DemoProcess& child : *group)
            if (auto started = child.start(); !started) return started.error();
    return {};
}

std::optional<std::string> DemoNeighbours::casualty() {
    for (auto* group : {&coordinators, &agents})
        for (DemoProcess& child : *group) {
            if (child.expected_down) continue;
            if (const auto code = child.process->exited())
                return child.directory.filename().string() + " ended with code " +
                       std::to_string(*code) + ": " + last_line(child.directory / "log");
        }
    return std::nullopt;
}

std::size_t DemoNeighbours::stop() {
    for (auto* group : {&agents, &coordinators})
        for (const DemoProcess& child : *group)
            if (child.process) child.process->signal(SIGTERM);
    const auto until = std::chrono::steady_clock::now() + stop_patience;
    std::size_t stubborn = 0;
    for (auto* group : {&agents, &coordinators})
        for (DemoProcess& child : *group) {
            if (!child.process) continue;
            while (!child.process->exited() && std::chrono::steady_clock::now() < until)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            if (!child.process->exited()) ++stubborn;
            child.process->kill();
        }
    return stubborn;
}

AgentsMemory DemoNeighbours::agents_memory() const {
    constexpr double mb = 1024.0 * 1024.0;
    AgentsMemory out;
    for (const DemoProcess& agent : agents) {
        if (!agent.process) continue;
        const Memory its = memory_of(agent.process->pid());
        const double proportional_mb = static_cast<double>(its.proportional_bytes) / mb;
        out.proportional_mean_mb += proportional_mb / static_cast<double>(agents.size());
        out.proportional_max_mb = std::max(out.proportional_max_mb, proportional_mb);
        out.peak_max_mb = std::max(out.peak_max_mb, static_cast<double>(its.peak_bytes) / mb);
    }
    return out;
}

std::filesystem::path own_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace kilter::cli
