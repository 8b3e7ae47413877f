/// kilter correct: what a correction would change, its case on the docket, and, once that is in force, what it posts.
#pragma once

#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

struct CorrectCommand {
    DeskOptions desk;
    std::filesystem::path book;
    std::filesystem::path correction;
    std::string reason;
    bool dry_run = false;  ///< show the cascade, propose nothing
    bool post = false;     ///< the docket's case is in force: show what is posted
    bool json = false;

    [[nodiscard]] int run() const;
};

void add_correct(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
