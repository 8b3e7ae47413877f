/// `kilter bundle`: what a person needs who is to help with a daemon on another machine, as one archive.
///
/// Nothing secret and nothing private can be in it, by construction: except for the daemon's configuration every file is
/// written from fields that are named one by one here. Keys, readings, schedules, prices, the home's file and the
/// contents of stores are never read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/base/result.hpp"

namespace kilter::cli {

struct DiagnosticBundle {
    std::filesystem::path config;  ///< of an agent or a coordinator; empty: the installed one
    std::filesystem::path out;     ///< empty: named after program and time
    std::uint32_t log_lines = 2'000;
    std::string version;

    [[nodiscard]] int run() const;
};

void add_bundle(CLI::App& app, const std::string& version, int& exit_code);

}  // namespace kilter::cli
