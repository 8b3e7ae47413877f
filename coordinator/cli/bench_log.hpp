/// kilter bench log: the replicated log under load, every replica a process of its own (docs/cli.md).
#pragma once

#include <cstdint>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "coordinator/log/log_host.hpp"
#include "coordinator/logbench/site.hpp"

namespace kilter::cli {

struct BenchLog {
    std::size_t replicas = 4;
    coordinator::Mode mode = coordinator::Mode::full;
    std::size_t outstanding = 0;  ///< 0: 256 in full mode, 1,600 in order mode
    double warm_up_s = 2;
    double seconds = 10;
    std::uint64_t soak_entries = 0;  ///< 0: none
    unsigned workers = 1;
    consensus::Parameters parameters = coordinator::log_parameters;
    std::filesystem::path directory;  ///< empty: a temporary one
    bool keep = false;
    bool only_throughput = false;
    std::filesystem::path json;

    [[nodiscard]] int run() const;
};

void add_bench_log(CLI::App& bench, int& exit_code);

}  // namespace kilter::cli
