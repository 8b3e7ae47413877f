/// A whole neighbourhood's files under one directory, as an operator and the installers would lay them out on many
/// machines: keys, genesis, the feeder, the operator's first grants, and one configuration per process. What `kilter demo` runs.
///
///     DIR/genesis.bin  feeder.toml  operator.key  regulator.key
///     DIR/coordinator-<i>/  coordinator.toml  key  state/
///     DIR/home-<net>-<n>/   agent.toml  home.toml  key  meter.key  state/
///
/// Of several feeders on one log the further ones have DIR/feeder-<number>.toml and DIR/feeder-<number>-home-<net>-<n>/; the
/// coordinators host them in turn.
#pragma once

#include <filesystem>
#include <set>

#include "common/settlement/genesis.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {

struct InstallationOptions {
    std::filesystem::path directory;
    std::size_t coordinators = 4;
    int first_port = 0;  ///< on 127.0.0.1: coordinators first, then homes
    int reached_at = 0;  ///< so much above its own is the port that others reach a process at
    int lanes = 1;       ///< connections from each process to each of its peers
    std::set<std::size_t>
        unreachable_homes;  ///< by their places in Installation::homes: these listen nowhere
    market::Parameters parameters;
    std::uint32_t ledger_version = settlement::newest_ledger();
    coordinator::Pace pace;
    std::string log_level = "info";
};

/// Of one feeder.
struct InstalledFeeder {
    std::vector<std::filesystem::path> coordinators;  ///< that host it; one directory each
    std::vector<std::filesystem::path> homes;  ///< one directory each, in the neighbourhood's order
};

struct Installation {
    settlement::Genesis genesis;
    std::vector<std::filesystem::path> coordinators;  ///< one directory each
    std::vector<std::filesystem::path> homes;         ///< of all feeders, one after the other
    std::vector<InstalledFeeder> feeders;
};

/// REQUIRES: a feeder at least, no more than coordinators; their numbers and names differ.
/// Error: the directory is not empty, a file cannot be written.
Result<Installation> install(const std::vector<planner::Neighbourhood>& feeders,
                             const InstallationOptions& options);

/// A port, `from` or above, from which `count` consecutive ones are free on 127.0.0.1, below the range the system hands out
/// itself.
Result<int> free_ports(int count, int from);
/// From 20000 or somewhat above, elsewhere in each process: two that look at the same time do not find the same ones.
Result<int> free_ports(int count);

}  // namespace kilter::cli
