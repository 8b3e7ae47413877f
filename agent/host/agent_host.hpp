/// One home's process: sockets, disk, clock and devices around the gateway core.
///
/// In the state directory: agent.db (what the agent must not forget). In the runtime directory: status.json (what it is doing,
/// its peers, and its plan in words; rewritten when a session ends and at most every two seconds else). Nothing leaves before what it rests on is durable.
#pragma once

#include <memory>

#include "agent/host/config.hpp"

namespace kilter::agent {

class AgentHost {
  public:
    /// Opens everything. Error: what is wrong with which file, key, address or store, and what to do.
    static Result<AgentHost> open(const Config& config);
    ~AgentHost();
    AgentHost(const AgentHost&) = delete;
    AgentHost& operator=(const AgentHost&) = delete;
    AgentHost(AgentHost&&) noexcept;
    AgentHost& operator=(AgentHost&&) noexcept;

    /// Until SIGTERM or SIGINT; returns the process's exit code.
    int run();

  private:
    struct State;
    explicit AgentHost(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::agent
