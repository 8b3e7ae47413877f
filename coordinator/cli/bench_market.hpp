/// kilter bench market: sessions of the feeder suite (coordinator/planner/suite.hpp), plain, accelerated and as published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct BenchMarket {
    std::size_t buses_min = 33;
    std::size_t buses_max = 100;
    std::vector<std::uint64_t> seeds;  ///< empty: all of the suite's
    std::vector<std::string> modes{"plain", "accelerated"};
    std::uint32_t sessions = 3;      ///< the first one cold
    std::int64_t first = 1'978'148;  ///< UTC index of the first interval
    unsigned threads = 1;
    std::filesystem::path json;  ///< empty: a table; "-": standard output

    [[nodiscard]] int run() const;
};

void add_bench_market(CLI::App& bench, int& exit_code);

}  // namespace kilter::cli
