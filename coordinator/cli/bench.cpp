#include "coordinator/cli/bench.hpp"

#include "coordinator/cli/bench_ksuite.hpp"

namespace kilter::cli {

void add_bench(CLI::App& app, int& exit_code) {
    CLI::App* bench =
        app.add_subcommand("bench", "Measure on instances of published size and kind");
    bench->require_subcommand(1);
    add_bench_ksuite(*bench, exit_code);
}

}  // namespace kilter::cli
