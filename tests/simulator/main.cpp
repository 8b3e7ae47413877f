// kilter-sim: many runs of the fault simulators of the log and of a whole neighbourhood.
#include <ctime>
#include <iomanip>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "common/consensus/mutation.hpp"
#include "tests/simulator/cluster.hpp"
#include "tests/simulator/neighbourhood/town.hpp"
#include "tests/simulator/twins.hpp"

namespace {
using namespace kilter::consensus;
using namespace kilter::consensus::simulation;

struct Arguments {
    std::uint64_t seed = 1;
    std::uint64_t seeds = 1;
    std::optional<std::size_t> replicas;
    std::optional<double> break_s;
    std::optional<double> heal_s;
    std::string mutant;
    bool verbose = false;
    bool keep_going = false;
    bool story = false;
};

Options options_of(const Arguments& arguments, std::uint64_t seed) {
    Options options = swarm(seed, arguments.replicas);
    if (arguments.break_s) options.break_ms = static_cast<std::int64_t>(*arguments.break_s * 1'000);
    if (arguments.heal_s) options.heal_ms = static_cast<std::int64_t>(*arguments.heal_s * 1'000);
    return options;
}

void print(const Options& options, const Outcome& outcome) {
    std::cout << "seed " << options.seed << (outcome.report.clean() ? " PASS" : " FAIL")
              << " trace " << std::hex << std::setw(16) << std::setfill('0') << outcome.trace
              << std::dec << " height " << outcome.height << " entries " << outcome.entries
              << " restarts " << outcome.restarts << " accusations " << outcome.accusations
              << " epochs " << outcome.epochs << " transfers " << outcome.transfers << " events "
              << outcome.steps << " simulated " << outcome.ended / second << " s  "
              << describe(options) << '\n';
    for (const Violation& violation : outcome.report.violations())
        std::cout << "  " << violation.invariant << ": " << violation.what << '\n';
    if (outcome.report.clean()) return;
    for (std::size_t i = 0; i < outcome.status.size(); ++i) {
        const auto& status = outcome.status[i];
        std::cout << "  process " << i << ": ";
        if (status)
            std::cout << outcome.places[i] << ", view " << status->view << ", final view "
                      << status->final_view << ", height " << status->final_height << ", entries "
                      << status->entries << ", mempool " << status->mempool
                      << (status->has_work ? ", at work" : "") << (status->halted ? ", halted" : "")
                      << '\n';
        else
            std::cout << "down\n";
    }
}

int run_log(const Arguments& arguments) {
    if (!arguments.mutant.empty()) {
        const auto chosen = mutant_named(arguments.mutant);
        if (!chosen) {
            std::cerr << "there is no mutant " << arguments.mutant
                      << "; common/consensus/mutation.hpp lists them\n";
            return 2;
        }
        mutant = *chosen;
    }
    std::uint64_t failed = 0;
    std::uint64_t done = 0;
    std::uint64_t blocks = 0;
    std::uint64_t events = 0;
    std::map<std::string, std::uint64_t> found;
    const std::clock_t start = std::clock();
    for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
        const Options options = options_of(arguments, seed);
        const Outcome outcome = run(options);
        ++done;
        blocks += outcome.height;
        events += outcome.steps;
        if (!outcome.report.clean()) {
            ++failed;
            ++found[outcome.report.violations().front().invariant];
        }
        if (arguments.verbose || !outcome.report.clean()) print(options, outcome);
        if (failed > 0 && !arguments.keep_going && arguments.mutant.empty()) break;
        if (failed > 0 && !arguments.mutant.empty()) break;
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << done << " schedules, " << failed << " failed";
    for (const auto& [invariant, times] : found)
        std::cout << ", " << invariant << ' ' << times;
    std::cout << "; " << blocks << " blocks, " << events << " events, " << seconds << " s of CPU, "
              << static_cast<double>(done) / seconds << " schedules/s\n";
    return failed == 0 ? 0 : 1;
}

int run_neighbourhood(const Arguments& arguments) {
    namespace simulation = kilter::simulation;
    std::uint64_t failed = 0;
    std::uint64_t done = 0;
    std::uint64_t records = 0;
    std::uint64_t messages = 0;
    std::map<std::string, std::uint64_t> found;
    const std::clock_t start = std::clock();
    for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
        const simulation::Options options = simulation::draw(seed);
        const simulation::Outcome outcome = simulation::run(options);
        ++done;
        records += outcome.records;
        messages += outcome.messages;
        const bool clean = outcome.report.clean();
        if (!clean) {
            ++failed;
            ++found[outcome.report.violations().front().invariant];
        }
        if (clean && !arguments.verbose) continue;
        std::cout << "seed " << seed << (clean ? " PASS" : " FAIL") << " trace " << std::hex
                  << std::setw(16) << std::setfill('0') << outcome.trace << std::dec << " homes "
                  << outcome.homes << " records " << outcome.records << " sessions "
                  << outcome.sessions << " restarts " << outcome.restarts << " messages "
                  << outcome.messages << " points " << outcome.points << " simulated "
                  << outcome.ended / second << " s  " << simulation::describe(options) << '\n';
        for (const Violation& violation : outcome.report.violations())
            std::cout << "  " << violation.invariant << ": " << violation.what << '\n';
        if (arguments.story)
            for (const std::string& line : outcome.story)
                std::cout << "  " << line << '\n';
        if (!clean && !arguments.keep_going) break;
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << done << " neighbourhoods, " << failed << " failed";
    for (const auto& [invariant, times] : found)
        std::cout << ", " << invariant << ' ' << times;
    std::cout << "; " << records << " records, " << messages << " messages, " << seconds
              << " s of CPU, " << static_cast<double>(done) / seconds << " a second\n";
    return failed == 0 ? 0 : 1;
}

int run_twins(std::size_t views) {
    std::uint64_t failed = 0;
    std::uint64_t contradictions = 0;
    const std::clock_t start = std::clock();
    const std::uint64_t scenarios =
        for_each_twins_scenario(views, [&](const TwinsScenario& scenario) {
            const TwinsResult result = play(scenario);
            contradictions += result.double_vote ? 1 : 0;
            if (result.violation.empty()) return;
            ++failed;
            std::cout << "FAIL twin " << scenario.twin << " cuts";
            for (const std::uint32_t cut : scenario.cuts)
                std::cout << ' ' << cut;
            std::cout << "  " << result.violation << '\n';
        });
    std::cout << scenarios << " scenarios, " << failed << " failed, " << contradictions
              << " with contradictory votes; "
              << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC << " s of CPU\n";
    return failed == 0 ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"kilter's fault simulators"};
    app.require_subcommand(1);
    Arguments arguments;
    CLI::App* log =
        app.add_subcommand("log", "runs of the replicated log under faults drawn from a seed");
    log->add_option("--seed", arguments.seed, "first seed")->capture_default_str();
    log->add_option("--seeds", arguments.seeds, "how many")->capture_default_str();
    log->add_option("--replicas", arguments.replicas, "4 or 7 instead of drawn from the seed")
        ->check(CLI::IsMember({1, 4, 7, 10, 13}));
    log->add_option("--phase-break", arguments.break_s, "seconds of faults");
    log->add_option("--phase-heal", arguments.heal_s, "seconds in which all must be final");
    log->add_option("--mutant", arguments.mutant,
                    "break this rule of the protocol: the run must fail");
    log->add_flag("--verbose", arguments.verbose, "a line for every seed, not only for failures");
    log->add_flag("--keep-going", arguments.keep_going, "do not stop at the first failure");
    CLI::App* neighbourhood = app.add_subcommand(
        "neighbourhood", "runs of homes, coordinators and log together under faults from a seed");
    neighbourhood->add_option("--seed", arguments.seed, "first seed")->capture_default_str();
    neighbourhood->add_option("--seeds", arguments.seeds, "how many")->capture_default_str();
    neighbourhood->add_flag("--verbose", arguments.verbose,
                            "a line for every seed, not only for failures");
    neighbourhood->add_flag("--keep-going", arguments.keep_going,
                            "do not stop at the first failure");
    neighbourhood->add_flag("--story", arguments.story, "what the processes told at the end");
    std::size_t views = 3;
    CLI::App* twins =
        app.add_subcommand("twins", "every way to cut four replicas, one of them twins");
    twins->add_option("--views", views, "in each of so many views")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    if (neighbourhood->parsed()) return run_neighbourhood(arguments);
    return twins->parsed() ? run_twins(views) : run_log(arguments);
}
