/// `kilter audit`: an outsider's check of a period's money, from the log alone.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include "coordinator/cli/settled_log.hpp"

namespace kilter::cli {

struct AuditCommand {
    std::filesystem::path log;
    std::string period;
    unsigned threads = 2;
    std::filesystem::path csv;
    std::filesystem::path aggregates;
    std::filesystem::path bids;
    std::size_t floor = 10;
    std::filesystem::path json;

    [[nodiscard]] int run() const;
};

/// The result in one line each: what is owed, and what was checked.
std::string in_words(const settlement::FeederVerdict& verdict);

void add_audit(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
