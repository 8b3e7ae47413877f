/// `kilter bench audit`: what an auditor's run over a period costs, with everything but reading the store.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct BenchAudit {
    std::size_t homes = 99;
    std::size_t homes_per_net = 3;
    std::size_t days = 10;
    unsigned threads = 1;
    bool positions = false;
    std::filesystem::path json;

    [[nodiscard]] int run() const;
};

void add_bench_audit(CLI::App& bench, int& exit_code);

}  // namespace kilter::cli
