/// kilter bench market: sessions of the feeder suite (coordinator/planner/suite.hpp), as published, plain and accelerated,
/// and how they compare.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct BenchMarket {
    std::size_t buses_min = 33;
    std::size_t buses_max = 33;
    std::vector<std::uint64_t> seeds{1, 2, 3};
    std::vector<std::string> modes{"paper", "plain", "accelerated"};
    std::uint32_t sessions = 3;      ///< the first one cold
    std::int64_t first = 1'978'148;  ///< UTC index of the first interval
    std::vector<unsigned> threads{1, 2};
    std::filesystem::path json;      ///< empty: a table; "-": standard output
    std::filesystem::path problems;  ///< a directory for other solvers' input; empty: none

    [[nodiscard]] int run() const;
};

void add_bench_market(CLI::App& bench, int& exit_code);

}  // namespace kilter::cli
