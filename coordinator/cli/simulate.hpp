/// kilter simulate: a whole neighbourhood in one process, the same sessions and devices as in the
/// field.
#pragma once

#include <cstdint>
#include <filesystem>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct Simulate {
    std::filesystem::path topology;
    std::uint64_t homes_seed = 0;
    std::size_t homes_per_net = 3;
    std::uint32_t intervals = 1;  ///< market intervals to clear, one session each
    std::int64_t first =
        1'978'080;  ///< UTC index of the first interval; default 2026-06-01 00:00 at 900 s
    bool accelerated = false;  ///< homes say how they answer prices and the feeder's host sets them
    bool proximal = false;     ///< every net moves its own prices
    bool paper = false;        ///< the algorithm as published instead of the weighted one
    bool cold = false;         ///< no warm start
    bool unmasked = false;     ///< the same results without the masks' work
    std::filesystem::path json;  ///< empty: a table; "-": standard output

    [[nodiscard]] int run() const;
};

void add_simulate(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
