/// `kilter disclose`: a home opens chosen intervals to somebody, and the log says that it did; `--check`: what the other one
/// does with the document.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct DiscloseCommand {
    std::filesystem::path home;
    std::filesystem::path log;
    std::string period;
    std::string to;
    std::filesystem::path out;
    std::filesystem::path entry;
    std::filesystem::path check;
    std::filesystem::path reads;  ///< corrected ones, as given to `kilter reread`
    bool positions = false;       ///< instead of reads

    [[nodiscard]] int run() const;

  private:
    [[nodiscard]] int disclose() const;
    [[nodiscard]] int examine() const;
};

void add_disclose(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
