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
#include "coordinator/cli/market_report.hpp"
#include "coordinator/cli/worker_pool.hpp"
#include "coordinator/planner/problem_json.hpp"

namespace kilter::cli {

namespace {

constexpr const char* market_command = "kilter bench market";
const std::vector<std::string> market_modes{"paper",      "proximal",   "plain",     "accelerated",
                                            "segments-2", "segments-4", "segments-8"};

/// Owners of the feeder.
std::size_t pieces_of(const std::string& mode) {
    const std::string prefix = "segments-";
    return mode.starts_with(prefix) ? std::stoul(mode.substr(prefix.size())) : 1;
}

market::Parameters parameters_of(const std::string& mode) {
    market::Parameters out = mode == "paper" ? market::Parameters::paper() : market::Parameters{};
    if (mode == "proximal") out.method = market::Method::proximal;
    if (mode == "accelerated" || pieces_of(mode) > 1) out.method = market::Method::accelerated;
    return out;
}

planner::ForEach spread_over(WorkerPool& pool) {
    return [&pool](std::size_t count, const std::function<void(std::size_t)>& work) {
        auto call = [&work](std::size_t i) { work(i); };
        pool.for_each(count, call);
    };
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
    return out;
}

void audit(planner::SuiteRun& run, MarketSession& session) {
    run.audit();
    session.binding = run.binding();
    session.objective_eur = run.objective_eur();
}

MarketAgain once_more(const planner::SuiteInstance& instance,
                      const std::string& mode,
                      const MarketSession& cold,
                      std::int64_t first,
                      unsigned threads) {
    WorkerPool pool(threads);
    planner::SuiteRun run(instance, parameters_of(mode), spread_over(pool), pieces_of(mode));
    const MarketSession again = timed(run, first);
    return {threads, again.wall_s, again.cpu_s,
            again.cleared.iterations == cold.cleared.iterations &&
                again.cleared.price_eur_per_kwh == cold.cleared.price_eur_per_kwh &&
                again.cleared.home_kw == cold.cleared.home_kw};
}

/// The cold session's problem, and what the modes made of it.
nlohmann::ordered_json problem_json(const planner::SuiteRun& run) {
    auto homes = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < run.known().size(); ++i) {
        nlohmann::ordered_json home{{"net", run.instance().homes[i].spec.net.value}};
        home.update(planner::equipment_json(run.known()[i]));
        homes.push_back(std::move(home));
    }
    return {{"format", "kilter-market-problem-1"},
            {"buses", run.instance().of.buses},
            {"seed", run.instance().of.seed},
            {"network", planner::network_json(run.instance().network)},
            {"interval_h", run.feeder_horizon().interval_h},
            {"feeder", planner::horizon_json(run.feeder_horizon())},
            {"home", homes},
            {"cleared", nlohmann::ordered_json::array()}};
}

nlohmann::ordered_json cleared_json(const std::string& mode, const MarketSession& cold) {
    return {{"mode", mode},
            {"iterations", cold.cleared.iterations},
            {"cpu_s", cold.cpu_s},
            {"objective_eur", cold.objective_eur},
            {"price_eur_per_kwh", planner::rows_json(cold.cleared.price_eur_per_kwh)},
            {"home_kw", planner::rows_json(cold.cleared.home_kw)}};
}

}  // namespace

int BenchMarket::run() const {
    std::vector<MarketRun> runs;
    WorkerPool pool(threads.front());
    bool converged = true;
    bool same = true;
    Progress progress;
    for (const planner::SuiteCase& of : planner::suite_cases()) {
        if (of.buses < buses_min || of.buses > buses_max) continue;
        if (std::find(seeds.begin(), seeds.end(), of.seed) == seeds.end()) continue;
        const planner::SuiteInstance instance = planner::draw(of);
        const std::string name =
            std::to_string(of.buses) + " buses, seed " + std::to_string(of.seed) + ", ";
        nlohmann::ordered_json problem;
        for (const std::string& mode : modes) {
            MarketRun run{of, instance.depth, instance.rated, instance.homes.size(), mode, {}, {}};
            planner::SuiteRun sequence(instance, parameters_of(mode), spread_over(pool),
                                       pieces_of(mode));
            for (std::uint32_t s = 0; s < sessions; ++s) {
                progress.show(name + mode + ", session " + std::to_string(s + 1));
                run.sessions.push_back(timed(sequence, first + s));
                audit(sequence, run.sessions.back());
                converged =
                    converged && run.sessions.back().cleared.outcome == market::Outcome::converged;
                if (s == 0 && !problems.empty() && problem.is_null())
                    problem = problem_json(sequence);
            }
            const MarketSession& cold = run.sessions.front();
            if (!problems.empty()) problem["cleared"].push_back(cleared_json(mode, cold));
            for (std::size_t i = 1; i < threads.size(); ++i) {
                progress.show(name + mode + ", " + std::to_string(threads[i]) + " threads");
                run.again.push_back(once_more(instance, mode, cold, first, threads[i]));
                same = same && run.again.back().same;
            }
            runs.push_back(std::move(run));
        }
        if (problems.empty()) continue;
        const auto file = problems / ("market-" + std::to_string(of.buses) + "-" +
                                      std::to_string(of.seed) + ".json");
        if (const auto written = write_output(file, problem.dump() + "\n"); !written)
            return fail(market_command, written.error());
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
    if (json != "-")
        std::cout << market_table(runs) << '\n'
                  << mode_table(runs, modes) << '\n'
                  << ratio_table(runs, modes, threads.front());
    if (!same)
        return fail(market_command, Error{"another number of threads gave another result: this is "
                                          "a fault of the program; report the instance"});
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
    command->add_option("--seeds", options->seeds, "Instances with these seeds, of 1 to 8")
        ->capture_default_str()
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
                     "Threads; with each further number the cold session is cleared once more "
                     "and must be the same, to the bit")
        ->capture_default_str()
        ->delimiter(',')
        ->check(CLI::Range(1U, 256U));
    command->add_option("--json", options->json, "Write the figures to this file, '-' for stdout");
    command
        ->add_option("--problems", options->problems,
                     "Write each instance's cold problem and results into this directory")
        ->check(CLI::ExistingDirectory);
    command->footer(
        "Exit code 4 when a session did not converge.\nExample:\n  kilter bench market --buses-max "
        "33 --modes plain,accelerated,paper");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
