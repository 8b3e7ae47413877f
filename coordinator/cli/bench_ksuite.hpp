/// kilter bench ksuite: random networks as published, cleared by proximal message passing (docs/ksuite.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <CLI/CLI.hpp>

#include "coordinator/cli/ksuite_report.hpp"

namespace kilter::cli {

struct BenchKsuite {
    std::vector<std::size_t> nets;
    std::vector<std::uint64_t> seeds;
    ksuite::LineRule lines = ksuite::LineRule::lossy;
    KsuitePreset preset = KsuitePreset::standard;
    unsigned threads = 1;
    std::filesystem::path json;  ///< empty: a table; "-": standard output
    std::filesystem::path
        problem;  ///< where to write the instance and its solution; empty: nowhere

    [[nodiscard]] int run() const;
};

void add_bench_ksuite(CLI::App& bench, int& exit_code);

}  // namespace kilter::cli
