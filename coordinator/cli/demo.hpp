/// kilter demo: a real neighbourhood of separate processes on this machine. Lays out keys, genesis, feeder and homes in a
/// directory, starts the coordinators and one agent per home, waits until the asked intervals are cleared and final, stops
/// them, verifies every replica's log as an outsider, compares the prices bit for bit with the same neighbourhood in one
/// process, and prints what came of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>

#include "common/settlement/genesis.hpp"

namespace kilter::cli {

struct Demo {
    std::filesystem::path topology;   ///< empty: the Baran & Wu feeder that comes with kilter
    std::filesystem::path directory;  ///< empty: a new one under the system's temporary directory
    std::size_t homes_total = 0;  ///< not 0: so many on a generated feeder, in place of a topology
    std::size_t feeders = 1;      ///< that share the log, each with homes of its own
    bool accelerated = false;     ///< also if links are slow, but for `plain`
    bool plain = false;
    std::uint32_t ledger_version = settlement::newest_ledger();
    std::uint64_t homes_seed = 1;
    std::size_t homes_per_net = 3;
    std::size_t coordinators = 4;
    std::uint32_t intervals = 4;
    std::int64_t first =
        1'978'148;  ///< UTC index of the first interval; default 2026-06-01 17:00 at 900 s
    std::optional<std::size_t>
        kill_coordinator;                   ///< kill -9 within the second session, restart after it
    std::optional<std::size_t> kill_agent;  ///< likewise
    std::optional<std::int64_t>
        seconds_max;            ///< then it gives up; default: 180, and more for a crowd
    std::int64_t delay_ms = 0;  ///< one way, between any two processes
    double loss_percent = 0;    ///< of TCP's segments between them
    std::optional<int>
        lanes;          ///< connections between any two; default: more than one if there is loss
    bool keep = false;  ///< leave the directory for inspection
    std::filesystem::path json;  ///< empty: the table; "-": standard output

    [[nodiscard]] int run() const;
};

void add_demo(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
