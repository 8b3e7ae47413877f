#include "coordinator/cli/market_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "common/cli/table.hpp"
#include "common/market/clearing.hpp"

namespace kilter::cli {

namespace {

bool ended(const MarketSession& one) {
    return one.cleared.outcome == market::Outcome::converged;
}

std::string ratio_text(const std::vector<double>& ratios) {
    const Ratio r = ratio_of(ratios);
    if (r.count == 0) return "-";
    std::string out = fixed(r.mean, 2);
    if (r.count > 1) out += " (" + fixed(r.least, 2) + " to " + fixed(r.most, 2) + ")";
    return out;
}

/// Rounds among owners of pieces behind a plus.
std::string iterations_text(const MarketSession& one) {
    return std::to_string(one.cleared.iterations) +
           (one.cleared.rounds > 0 ? "+" + std::to_string(one.cleared.rounds) : "") +
           (ended(one) ? "" : "!");
}

/// a/b where both are above 0.
void add_ratio(std::vector<double>& to, double a, double b) {
    if (a > 0 && b > 0) to.push_back(a / b);
}

void add_mode_ratio(Table& table,
                    const std::vector<MarketRun>& runs,
                    const std::string& left,
                    const std::string& right) {
    std::vector<double> cold, warm, cpu, wall;
    for (const MarketRun& a : runs) {
        if (a.mode != left) continue;
        for (const MarketRun& b : runs) {
            if (b.mode != right || !a.same_instance(b)) continue;
            add_ratio(cold, a.cold_iterations(), b.cold_iterations());
            add_ratio(warm, a.warm_iterations(), b.warm_iterations());
            add_ratio(cpu, a.sessions.front().cpu_s, b.sessions.front().cpu_s);
            add_ratio(wall, a.sessions.front().wall_s, b.sessions.front().wall_s);
        }
    }
    table.add({left + " / " + right, std::to_string(cold.size()), ratio_text(cold),
               ratio_text(warm), ratio_text(cpu), ratio_text(wall)});
}

void add_warm_ratio(Table& table, const std::vector<MarketRun>& runs, const std::string& mode) {
    std::vector<double> iterations, cpu, wall;
    for (const MarketRun& run : runs) {
        if (run.mode != mode || run.sessions.size() < 2) continue;
        add_ratio(iterations, run.cold_iterations(), run.warm_iterations());
        double warm_cpu = 0, warm_wall = 0;
        for (std::size_t s = 1; s < run.sessions.size(); ++s) {
            warm_cpu += run.sessions[s].cpu_s;
            warm_wall += run.sessions[s].wall_s;
        }
        const double count = static_cast<double>(run.sessions.size() - 1);
        add_ratio(cpu, run.sessions.front().cpu_s, warm_cpu / count);
        add_ratio(wall, run.sessions.front().wall_s, warm_wall / count);
    }
    if (!iterations.empty())
        table.add({mode + ": cold / warm", std::to_string(iterations.size()),
                   ratio_text(iterations), "", ratio_text(cpu), ratio_text(wall)});
}

void add_thread_ratios(Table& table,
                       const std::vector<MarketRun>& runs,
                       const std::string& mode,
                       unsigned threads) {
    std::map<unsigned, std::pair<std::vector<double>, std::vector<double>>> by_threads;
    for (const MarketRun& run : runs) {
        if (run.mode != mode) continue;
        for (const MarketAgain& one : run.again) {
            add_ratio(by_threads[one.threads].first, run.sessions.front().cpu_s, one.cpu_s);
            add_ratio(by_threads[one.threads].second, run.sessions.front().wall_s, one.wall_s);
        }
    }
    for (const auto& [count, ratios] : by_threads)
        table.add({mode + ": threads " + std::to_string(threads) + " / " + std::to_string(count),
                   std::to_string(ratios.first.size()), "", "", ratio_text(ratios.first),
                   ratio_text(ratios.second)});
}

}  // namespace

double MarketRun::warm_iterations() const {
    if (sessions.size() < 2) return 0;
    double sum = 0;
    for (std::size_t s = 1; s < sessions.size(); ++s)
        sum += sessions[s].cleared.exchanges();
    return sum / static_cast<double>(sessions.size() - 1);
}

Ratio ratio_of(const std::vector<double>& ratios) {
    if (ratios.empty()) return {};
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    double logs = 0;
    for (const double one : ratios)
        logs += std::log(one);
    return {*least, std::exp(logs / static_cast<double>(ratios.size())), *most, ratios.size()};
}

nlohmann::ordered_json market_json(const MarketRun& run) {
    auto sessions = nlohmann::ordered_json::array();
    for (const MarketSession& one : run.sessions)
        sessions.push_back({{"outcome", market::name_of(one.cleared.outcome)},
                            {"iterations", one.cleared.iterations},
                            {"rounds_of_owners", one.cleared.rounds},
                            {"primal_residual_kw", one.cleared.primal_residual_kw},
                            {"dual_residual_eur_per_kw", one.cleared.dual_residual_eur_per_kw},
                            {"objective_eur", one.objective_eur},
                            {"binding",
                             {{"voltage", one.binding.voltage},
                              {"lines", one.binding.lines},
                              {"tie", one.binding.tie}}},
                            {"wall_s", one.wall_s},
                            {"cpu_s", one.cpu_s}});
    auto again = nlohmann::ordered_json::array();
    for (const MarketAgain& one : run.again)
        again.push_back({{"threads", one.threads},
                         {"same_to_the_bit", one.same},
                         {"wall_s", one.wall_s},
                         {"cpu_s", one.cpu_s}});
    return {{"buses", run.of.buses}, {"seed", run.of.seed}, {"depth", run.depth},
            {"rated", run.rated},    {"homes", run.homes},  {"mode", run.mode},
            {"sessions", sessions},  {"cold_again", again}};
}

std::string market_table(const std::vector<MarketRun>& runs) {
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
            if (s > 0) warm += iterations_text(one) + " ";
            cpu += one.cpu_s;
            wall += one.wall_s;
        }
        const MarketSession& cold = run.sessions.front();
        table.add(
            {std::to_string(run.of.buses), std::to_string(run.of.seed), std::to_string(run.depth),
             std::to_string(run.homes), run.mode, iterations_text(cold), warm,
             std::to_string(cold.binding.voltage) + " / " + std::to_string(cold.binding.lines) +
                 " / " + std::to_string(cold.binding.tie),
             fixed(cold.objective_eur, 3), fixed(cpu, 2), fixed(wall, 2)});
    }
    return table.text() + "(! did not converge)\n";
}

std::string mode_table(const std::vector<MarketRun>& runs, const std::vector<std::string>& modes) {
    Table table({{"mode", false}, {"cold mean"}, {"worst"}, {"warm mean"}, {"worst"}, {"CPU s"}});
    for (const std::string& mode : modes) {
        double cold = 0, warm = 0, cpu = 0;
        std::uint32_t cold_worst = 0, warm_worst = 0, cold_count = 0, warm_count = 0;
        for (const MarketRun& run : runs) {
            if (run.mode != mode) continue;
            for (std::size_t s = 0; s < run.sessions.size(); ++s) {
                const std::uint32_t iterations = run.sessions[s].cleared.exchanges();
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
    return table.text();
}

std::string ratio_table(const std::vector<MarketRun>& runs,
                        const std::vector<std::string>& modes,
                        unsigned threads) {
    Table table({{"ratio", false},
                 {"instances"},
                 {"iterations cold", false},
                 {"iterations warm", false},
                 {"CPU, cold", false},
                 {"wall, cold", false}});
    for (std::size_t left = 0; left < modes.size(); ++left)
        for (std::size_t right = left + 1; right < modes.size(); ++right)
            add_mode_ratio(table, runs, modes[left], modes[right]);
    for (const std::string& mode : modes)
        add_warm_ratio(table, runs, mode);
    for (const std::string& mode : modes)
        add_thread_ratios(table, runs, mode, threads);
    return table.rows() == 0 ? std::string{} : table.text();
}

}  // namespace kilter::cli
