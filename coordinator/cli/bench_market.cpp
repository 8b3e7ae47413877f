#include "coordinator/cli/bench_market.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/table.hpp"
#include "common/market/clearing.hpp"
#include "coordinator/cli/worker_pool.hpp"
#include "coordinator/planner/suite_run.hpp"

namespace kilter::cli {

namespace {

constexpr const char* market_command = "kilter bench market";
const std::vector<std::string> market_modes{"plain", "accelerated", "paper"};

/// One session of one instance in one mode.
struct MarketSession {
    planner::SuiteSession cleared;
    planner::Binding binding;
    double objective_eur = 0;
    double wall_s = 0, cpu_s = 0;
};

struct MarketRun {
    planner::SuiteCase of;
    std::size_t depth = 0, rated = 0, homes = 0;
    std::string mode;
    std::vector<MarketSession> sessions;
};

market::Parameters parameters_of(const std::string& mode) {
    market::Parameters out = mode == "paper" ? market::Parameters::paper() : market::Parameters{};
    out.accelerated = mode == "accelerated";
    return out;
}

double process_cpu_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

MarketSession timed(planner::SuiteRun& run, std::int64_t first) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point wall = Clock::now();
    const double cpu = process_cpu_s();
    MarketSession out;
    out.cleared = run.clear(first);
    out.wall_s = std::chrono::duration<double>(Clock::now() - wall).count();
    out.cpu_s = process_cpu_s() - cpu;
    run.audit();
    out.binding = run.binding();
    out.objective_eur = run.objective_eur();
    return out;
}

nlohmann::ordered_json market_json(const MarketRun& run) {
    auto sessions = nlohmann::ordered_json::array();
    for (const MarketSession& one : run.sessions)
        sessions.push_back({{"outcome", market::name_of(one.cleared.outcome)},
                            {"iterations", one.cleared.iterations},
                            {"primal_residual_kw", one.cleared.primal_residual_kw},
                            {"dual_residual_eur_per_kw", one.cleared.dual_residual_eur_per_kw},
                            {"objective_eur", one.objective_eur},
                            {"binding",
                             {{"voltage", one.binding.voltage},
                              {"lines", one.binding.lines},
                              {"tie", one.binding.tie}}},
                            {"wall_s", one.wall_s},
                            {"cpu_s", one.cpu_s}});
    return {{"buses", run.of.buses}, {"seed", run.of.seed}, {"depth", run.depth},
            {"rated", run.rated},    {"homes", run.homes},  {"mode", run.mode},
            {"sessions", sessions}};
}

void print_market(const std::vector<MarketRun>& runs) {
    Table table({{"buses"},
                 {"seed"},
                 {"depth"},
                 {"homes"},
                 {"mode", false},
                 {"cold"},
                 {"warm", false},
                 {"binding V/lines/tie", false},
                 {"EUR, cold"},
                 {"CPU s"},
                 {"wall s"}});
    for (const MarketRun& run : runs) {
        std::string warm;
        double cpu = 0, wall = 0;
        for (std::size_t s = 0; s < run.sessions.size(); ++s) {
            const MarketSession& one = run.sessions[s];
            const bool ended = one.cleared.outcome == market::Outcome::converged;
            if (s > 0) warm += std::to_string(one.cleared.iterations) + (ended ? " " : "! ");
            cpu += one.cpu_s;
            wall += one.wall_s;
        }
        const MarketSession& cold = run.sessions.front();
        const bool ended = cold.cleared.outcome == market::Outcome::converged;
        table.add({std::to_string(run.of.buses), std::to_string(run.of.seed),
                   std::to_string(run.depth), std::to_string(run.homes), run.mode,
                   std::to_string(cold.cleared.iterations) + (ended ? "" : "!"), warm,
                   std::to_string(cold.binding.voltage) + " / " +
                       std::to_string(cold.binding.lines) + " / " +
                       std::to_string(cold.binding.tie),
                   fixed(cold.objective_eur, 3), fixed(cpu, 2), fixed(wall, 2)});
    }
    std::cout << table.text() << "(! did not converge)\n";
}

/// Worst and mean over all instances of a mode.
void print_modes(const std::vector<MarketRun>& runs, const std::vector<std::string>& modes) {
    Table table({{"mode", false}, {"cold mean"}, {"worst"}, {"warm mean"}, {"worst"}, {"CPU s"}});
    for (const std::string& mode : modes) {
        double cold = 0, warm = 0, cpu = 0;
        std::uint32_t cold_worst = 0, warm_worst = 0, cold_count = 0, warm_count = 0;
        for (const MarketRun& run : runs) {
            if (run.mode != mode) continue;
            for (std::size_t s = 0; s < run.sessions.size(); ++s) {
                const std::uint32_t iterations = run.sessions[s].cleared.iterations;
                (s == 0 ? cold : warm) += iterations;
                ++(s == 0 ? cold_count : warm_count);
                std::uint32_t& worst = s == 0 ? cold_worst : warm_worst;
                worst = std::max(worst, iterations);
                cpu += run.sessions[s].cpu_s;
            }
        }
        table.add({mode, fixed(cold / std::max(1U, cold_count), 1), std::to_string(cold_worst),
                   fixed(warm / std::max(1U, warm_count), 1), std::to_string(warm_worst),
                   fixed(cpu, 2)});
    }
    std::cout << '\n' << table.text();
}

}  // namespace

int BenchMarket::run() const {
    std::vector<MarketRun> runs;
    WorkerPool pool(threads);
    const planner::ForEach for_each = [&pool](std::size_t count,
                                              const std::function<void(std::size_t)>& work) {
        auto call = [&work](std::size_t i) { work(i); };
        pool.for_each(count, call);
    };
    bool converged = true;
    Progress progress;
    for (const planner::SuiteCase& of : planner::suite_cases()) {
        if (of.buses < buses_min || of.buses > buses_max) continue;
        if (!seeds.empty() && std::find(seeds.begin(), seeds.end(), of.seed) == seeds.end())
            continue;
        for (const std::string& mode : modes) {
            const planner::SuiteInstance instance = planner::draw(of);
            MarketRun run{of, instance.depth, instance.rated, instance.homes.size(), mode, {}};
            planner::SuiteRun sequence(instance, parameters_of(mode), for_each);
            for (std::uint32_t s = 0; s < sessions; ++s) {
                progress.show(std::to_string(of.buses) + " buses, seed " + std::to_string(of.seed) +
                              ", " + mode + ", session " + std::to_string(s + 1));
                run.sessions.push_back(timed(sequence, first + s));
                converged =
                    converged && run.sessions.back().cleared.outcome == market::Outcome::converged;
            }
            runs.push_back(std::move(run));
        }
    }
    progress.clear();
    if (runs.empty())
        return fail(market_command,
                    Error{"no instance of the suite has these sizes and seeds: it has 33 to 1000 "
                          "buses, seeds 1 to 8"});
    if (!json.empty()) {
        auto all = nlohmann::ordered_json::array();
        for (const MarketRun& run : runs)
            all.push_back(market_json(run));
        const nlohmann::ordered_json report{
            {"format", "kilter-bench-market-1"}, {"threads", threads}, {"runs", all}};
        if (const auto written = write_output(json, report.dump(2) + "\n"); !written)
            return fail(market_command, written.error());
    }
    if (json != "-") {
        print_market(runs);
        print_modes(runs, modes);
    }
    return to_int(converged ? ExitCode::success : ExitCode::not_converged);
}

void add_bench_market(CLI::App& bench, int& exit_code) {
    const auto options = std::make_shared<BenchMarket>();
    CLI::App* command = bench.add_subcommand(
        "market", "Clear generated feeders whose limits bind, cold and warm, 96 intervals");
    command->add_option("--buses-min", options->buses_min, "Instances of this size at least")
        ->capture_default_str();
    command->add_option("--buses-max", options->buses_max, "Instances of this size at most")
        ->capture_default_str();
    command->add_option("--seeds", options->seeds, "Only instances with these seeds")
        ->delimiter(',');
    command->add_option("--modes", options->modes, "How they are cleared, one after another")
        ->capture_default_str()
        ->delimiter(',')
        ->check(CLI::IsMember(market_modes));
    command->add_option("--sessions", options->sessions, "Consecutive sessions, the first one cold")
        ->capture_default_str()
        ->check(CLI::Range(1U, 1000U));
    command->add_option("--first", options->first, "First interval, counted from 1970 in UTC")
        ->capture_default_str();
    command
        ->add_option("--threads", options->threads,
                     "Threads; they do not change a bit of the result")
        ->capture_default_str()
        ->check(CLI::Range(1U, 256U));
    command->add_option("--json", options->json, "Write the figures to this file, '-' for stdout");
    command->footer(
        "Exit code 4 when a session did not converge.\nExample:\n  kilter bench market --buses-max "
        "33 --modes plain,accelerated,paper");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
