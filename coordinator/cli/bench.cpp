#include "coordinator/cli/bench.hpp"

#include "coordinator/cli/bench_audit.hpp"
#include "coordinator/cli/bench_ksuite.hpp"
#include "coordinator/cli/bench_log.hpp"
#include "coordinator/cli/bench_market.hpp"

namespace kilter::cli {

void add_bench(CLI::App& app, int& exit_code) {
    CLI::App* bench = app.add_subcommand(
        "bench", "Measure the market on published instances, the log under load, or an audit");
    bench->require_subcommand(1);
    add_bench_audit(*bench, exit_code);
    add_bench_ksuite(*bench, exit_code);
    add_bench_log(*bench, exit_code);
    add_bench_market(*bench, exit_code);
}

}  // namespace kilter::cli
