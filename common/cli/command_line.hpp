/// Parsing a program's arguments, the same for all programs: --help and --version succeed, anything
/// that CLI11 refuses is ExitCode::usage with one line that says what is wrong and where to read
/// more.
#pragma once

#include <string_view>

#include <CLI/CLI.hpp>

#include "common/base/result.hpp"
#include "common/cli/exit_code.hpp"

namespace kilter::cli {

/// Parses, which runs the callback of the chosen subcommand; callbacks leave their result in
/// `exit_code`. Returns the process's exit code.
int run(CLI::App& app, int argc, const char* const* argv, const int& exit_code);

/// "kilter keygen: <message>" on standard error, and the code to return.
int fail(std::string_view command, const Error& error, ExitCode code = ExitCode::failure);

}  // namespace kilter::cli
