/// `kilter submit`: signed entries from files onto a log, by the network.
#pragma once

#include <filesystem>
#include <vector>

#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

struct SubmitCommand {
    DeskOptions desk;  ///< its key is the courier's: who carries an entry need not be who signed it
    std::vector<std::filesystem::path> entries;

    [[nodiscard]] int run() const;
};

void add_submit(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
