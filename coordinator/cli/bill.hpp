/// `kilter bill`: a home's own bill, from its own books and a log; and the entry that puts it on the log.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct BillCommand {
    std::filesystem::path home;
    std::filesystem::path log;
    std::string period;
    std::filesystem::path entry;
    std::filesystem::path csv;
    std::filesystem::path green_button;
    std::filesystem::path json;

    [[nodiscard]] int run() const;
};

void add_bill(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
