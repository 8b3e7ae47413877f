/// kilter import matpower: a MATPOWER distribution case as a feeder in kilter's own format.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct ImportMatpower {
    std::filesystem::path file;
    std::string out = "-";

    [[nodiscard]] int run() const;
};

void add_import(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
