/// kilter bench: instances of published size and kind, measured. A group; every subcommand is a file of its own.
#pragma once

#include <CLI/CLI.hpp>

namespace kilter::cli {

void add_bench(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
