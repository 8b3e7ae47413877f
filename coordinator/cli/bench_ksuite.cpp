#include "coordinator/cli/bench_ksuite.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/table.hpp"
#include "coordinator/cli/worker_pool.hpp"

namespace kilter::cli {

using ksuite::LineRule;

namespace {

constexpr const char* ksuite_command = "kilter bench ksuite";
constexpr unsigned threads_max = 256;

std::string scientific(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", value);
    return text;
}

void print(const KsuiteReport& report) {
    Table table({{"nets"},
                 {"seed"},
                 {"devices"},
                 {"variables"},
                 {"iterations"},
                 {"converged", false},
                 {"primal"},
                 {"dual"},
                 {"objective"},
                 {"error"},
                 {"solve s"},
                 {"CPU s"},
                 {"ms/iteration"},
                 {"sent GB"},
                 {"peak MiB"}});
    for (const KsuiteRun& run : report.runs)
        table.add(
            {std::to_string(run.recipe.nets), std::to_string(run.recipe.seed),
             std::to_string(run.size.devices), std::to_string(run.size.variables),
             std::to_string(run.end.iteration), run.converged ? "yes" : "no",
             scientific(run.end.primal), scientific(run.end.dual), fixed(run.end.objective, 2),
             run.reference ? scientific(run.end.objective / run.reference->objective - 1) : "-",
             fixed(run.solve.wall_s, 3), fixed(run.solve.cpu_s, 3),
             fixed(1e3 * run.solve.cpu_s / run.end.iteration, 3),
             fixed(1e-9 * static_cast<double>(run.traffic.bytes), 2),
             std::to_string(run.peak_memory_bytes >> 20U)});
    std::cout << name_of(report.preset) << " preset, " << name_of(report.lines) << " lines, "
              << report.threads << (report.threads == 1 ? " thread\n\n" : " threads\n\n")
              << table.text();
    if (const auto growth = growth_of(report.runs))
        std::cout << "\ntime grows as nets^" << fixed(growth->wall, 3) << " (CPU "
                  << fixed(growth->cpu, 3) << ", CPU per iteration "
                  << fixed(growth->cpu_per_iteration, 3) << ")\n";
}

}  // namespace

int BenchKsuite::run() const {
    KsuiteReport report{preset, lines, threads, {}};
    WorkerPool workers(threads);
    Progress progress;
    std::string instance;
    const std::size_t total = nets.size() * seeds.size();
    for (const std::size_t count : nets)
        for (const std::uint64_t seed : seeds) {
            progress.show(std::to_string(count) + " nets, seed " + std::to_string(seed),
                          static_cast<double>(report.runs.size()), static_cast<double>(total));
            const auto run = run_ksuite({count, seed, lines}, preset, workers,
                                        problem.empty() ? nullptr : &instance);
            if (!run) return fail(ksuite_command, run.error());
            report.runs.push_back(*run);
        }
    progress.clear();

    if (!problem.empty())
        if (const auto written = write_output(problem, instance + "\n"); !written)
            return fail(ksuite_command, written.error());
    if (!json.empty())
        if (const auto written = write_output(json, to_json(report) + "\n"); !written)
            return fail(ksuite_command, written.error());
    if (json != "-") print(report);
    const bool converged = std::all_of(report.runs.begin(), report.runs.end(),
                                       [](const KsuiteRun& run) { return run.converged; });
    return to_int(converged ? ExitCode::success : ExitCode::not_converged);
}

void add_bench_ksuite(CLI::App& bench, int& exit_code) {
    const auto options = std::make_shared<BenchKsuite>();
    CLI::App* command = bench.add_subcommand(
        "ksuite",
        "Clear the random networks of Kraning, Chu, Lavaei and Boyd (2013), 96 intervals");
    command
        ->add_option("--nets", options->nets,
                     "Nets of the network; several sizes show how time grows")
        ->required()
        ->delimiter(',')
        ->check(CLI::Range(ksuite::nets_min, ksuite::nets_max));
    command
        ->add_option("--seed", options->seeds,
                     "The network is drawn from this seed; several are run in turn")
        ->required()
        ->delimiter(',');
    const auto lines = std::make_shared<std::string>(name_of(options->lines));
    const auto preset = std::make_shared<std::string>(name_of(options->preset));
    command->add_option("--lines", *lines, "How much lines lose: 5 to 15 % at capacity, or less")
        ->capture_default_str()
        ->check(CLI::IsMember(
            {std::string(name_of(LineRule::lossy)), std::string(name_of(LineRule::low_loss))}));
    command->add_option("--preset", *preset, "The iteration as tuned here, or as published")
        ->capture_default_str()
        ->check(CLI::IsMember({std::string(name_of(KsuitePreset::standard)),
                               std::string(name_of(KsuitePreset::paper))}));
    command
        ->add_option("--threads", options->threads,
                     "Threads; they do not change a bit of the result")
        ->capture_default_str()
        ->check(CLI::Range(1U, threads_max));
    command->add_option("--json", options->json, "Write the figures to this file, '-' for stdout");
    command->add_option("--problem", options->problem,
                        "Write the last instance and its prices to this file");
    command->footer(
        "Exit code 4 when a run did not converge.\nExample:\n  kilter bench ksuite --nets "
        "1000,10000 --seed 1 --lines "
        "lossy --threads 2");
    command->callback([options, lines, preset, &exit_code] {
        for (const LineRule rule : {LineRule::lossy, LineRule::low_loss})
            if (*lines == name_of(rule)) options->lines = rule;
        for (const KsuitePreset one : {KsuitePreset::standard, KsuitePreset::paper})
            if (*preset == name_of(one)) options->preset = one;
        exit_code = options->run();
    });
}

}  // namespace kilter::cli
