/// One coordinator's process: sockets, disk and clock around two pure cores, the log's replica and the feeder's host.
///
/// One loop turn: take what has arrived, step the cores, commit what the replica wants durable in one transaction, only
/// then send; deliver what became final to the feeder's host and, with its proof, to the homes it concerns.
///
/// In the runtime directory: status.json (what it is doing; rewritten at most five times a second). In the state directory:
/// log.db (the replica's store), reports/<interval>-<opening>.json (one per session chaired), submit/*.entry (signed entries an operator puts
/// there; each is removed once final, or renamed *.refused), roster.receipt (the proof of the newest roster).
#pragma once

#include <memory>

#include "coordinator/host/config.hpp"

namespace kilter::coordinator {

class CoordinatorHost {
  public:
    /// Opens everything. Error: what is wrong with which file, key, address or store, and what to do.
    static Result<CoordinatorHost> open(const Config& config);
    ~CoordinatorHost();
    CoordinatorHost(const CoordinatorHost&) = delete;
    CoordinatorHost& operator=(const CoordinatorHost&) = delete;
    CoordinatorHost(CoordinatorHost&&) noexcept;
    CoordinatorHost& operator=(CoordinatorHost&&) noexcept;

    /// Until SIGTERM or SIGINT (returns 0), or until the log halts (returns 1).
    int run();

  private:
    struct State;
    explicit CoordinatorHost(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::coordinator
