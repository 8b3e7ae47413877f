/// kilter log follow: each block of a running coordinator's store, verified as it becomes final.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace CLI {
class App;
}  // namespace CLI

namespace kilter::cli {

struct LogFollow {
    std::filesystem::path store;
    std::optional<std::uint64_t> until;  ///< stop after this height; else go on until interrupted

    /// Prints what it verified; returns the exit code.
    [[nodiscard]] int run() const;
};

void add_log_follow(CLI::App& log, int& exit_code);

}  // namespace kilter::cli
