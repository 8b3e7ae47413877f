#include "coordinator/cli/ksuite_report.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "coordinator/cli/ksuite_problem.hpp"

namespace kilter::cli {
using Json = nlohmann::ordered_json;

namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

rusage usage() {
    rusage now{};
    getrusage(RUSAGE_SELF, &now);
    return now;
}

class Stopwatch {
  public:
    [[nodiscard]] Spent spent() const {
        const std::chrono::duration<double> wall = Clock::now() - started_;
        return {wall.count(), cpu_s() - cpu_started_s_};
    }

  private:
    using Clock = std::chrono::steady_clock;

    static double cpu_s() {
        const rusage now = usage();
        return seconds(now.ru_utime) + seconds(now.ru_stime);
    }

    Clock::time_point started_ = Clock::now();
    double cpu_started_s_ = cpu_s();
};

KsuiteReference solve_long(const ksuite::Instance& instance, ksuite::Workers& workers) {
    ksuite::Settings settings = ksuite::Settings::standard();
    settings.tolerance = 1e-6;
    settings.iterations_max = 100'000;
    const ksuite::Iterate end = ksuite::Solver(instance, settings, workers).solve();
    return {end.iteration, end.objective, std::max(end.primal, end.dual)};
}

double slope(const std::vector<double>& x, const std::vector<double>& y) {
    const auto count = static_cast<double>(x.size());
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        sum_x += x[i];
        sum_y += y[i];
        sum_xx += x[i] * x[i];
        sum_xy += x[i] * y[i];
    }
    return (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
}

Json spent_json(const Spent& spent) {
    return {{"wall_s", spent.wall_s}, {"cpu_s", spent.cpu_s}};
}

Json run_json(const KsuiteRun& run) {
    Json reference = nullptr;
    if (run.reference) {
        const double exact = run.reference->objective;
        reference = {{"iterations", run.reference->iterations},
                     {"residual", run.reference->residual},
                     {"objective", exact},
                     {"objective_error", run.end.objective / exact - 1},
                     {"cost_error", run.end.cost / exact - 1}};
    }
    return {{"nets", run.recipe.nets},
            {"seed", run.recipe.seed},
            {"devices", run.size.devices},
            {"lines", run.lines},
            {"terminals", run.size.terminals},
            {"variables", run.size.variables},
            {"converged", run.converged},
            {"iterations", run.end.iteration},
            {"primal_residual", run.end.primal},
            {"dual_residual", run.end.dual},
            {"objective", run.end.objective},
            {"cost", run.end.cost},
            {"reference", reference},
            {"generate", spent_json(run.generate)},
            {"solve", spent_json(run.solve)},
            {"messages", run.traffic.messages},
            {"message_bytes", run.traffic.bytes},
            {"row_bytes", run.row_bytes},
            {"peak_memory_bytes", run.peak_memory_bytes}};
}

}  // namespace

std::string_view name_of(KsuitePreset preset) {
    return preset == KsuitePreset::paper ? "paper" : "default";
}

std::string_view name_of(ksuite::LineRule rule) {
    return rule == ksuite::LineRule::lossy ? "lossy" : "low-loss";
}

Result<KsuiteRun> run_ksuite(const ksuite::Recipe& recipe,
                             KsuitePreset preset,
                             ksuite::Workers& workers,
                             std::string* problem) {
    KsuiteRun run;
    run.recipe = recipe;
    const Stopwatch generating;
    const auto instance = ksuite::generate(recipe, workers);
    if (!instance) return instance.error();
    run.generate = generating.spent();
    run.size = ksuite::size_of(*instance);
    run.lines = instance->lines.count();

    const ksuite::Settings settings =
        preset == KsuitePreset::paper ? ksuite::Settings::paper() : ksuite::Settings::standard();
    {
        const Stopwatch solving;
        ksuite::Solver solver(*instance, settings, workers);
        run.end = solver.solve();
        run.solve = solving.spent();
        run.row_bytes = solver.bytes();
        run.traffic = ksuite::traffic_per_iteration(solver.arrangement());
        if (problem != nullptr) *problem = ksuite_problem_json(*instance, solver, run.end);
    }
    run.traffic.messages *= run.end.iteration;
    run.traffic.bytes *= run.end.iteration;
    run.converged = run.end.within(settings.tolerance);
    run.peak_memory_bytes = static_cast<std::uint64_t>(usage().ru_maxrss) * 1024;
    if (recipe.nets <= reference_nets_max) run.reference = solve_long(*instance, workers);
    return run;
}

std::optional<Growth> growth_of(const std::vector<KsuiteRun>& runs) {
    std::vector<double> nets, wall, cpu, cpu_per_iteration;
    for (const KsuiteRun& run : runs) {
        nets.push_back(std::log(static_cast<double>(run.recipe.nets)));
        wall.push_back(std::log(run.solve.wall_s));
        cpu.push_back(std::log(run.solve.cpu_s));
        cpu_per_iteration.push_back(std::log(run.solve.cpu_s / run.end.iteration));
    }
    if (nets.empty() ||
        std::all_of(nets.begin(), nets.end(), [&](double n) { return n == nets.front(); }))
        return std::nullopt;
    return Growth{slope(nets, wall), slope(nets, cpu), slope(nets, cpu_per_iteration)};
}

std::string to_json(const KsuiteReport& report) {
    Json runs = Json::array();
    for (const KsuiteRun& run : report.runs)
        runs.push_back(run_json(run));
    Json growth = nullptr;
    if (const auto of = growth_of(report.runs))
        growth = {
            {"wall", of->wall}, {"cpu", of->cpu}, {"cpu_per_iteration", of->cpu_per_iteration}};
    return Json{{"format", "kilter-bench-ksuite-1"},
                {"preset", name_of(report.preset)},
                {"lines", name_of(report.lines)},
                {"threads", report.threads},
                {"runs", runs},
                {"growth_exponent", growth}}
        .dump(2);
}

}  // namespace kilter::cli
