/// kilter log show: what a store holds, block by block. Shows, does not verify.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct LogShow {
    std::filesystem::path store;
    std::optional<std::uint64_t> height;  ///< none: every block
    bool json = false;

    [[nodiscard]] int run() const;
};

void add_log_show(CLI::App& log, int& exit_code);

}  // namespace kilter::cli
