#include "coordinator/cli/demo.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <set>
#include <thread>
#include <unistd.h>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/storage/log_store.hpp"
#include "common/transport/hub.hpp"
#include "coordinator/cli/demo_bills.hpp"
#include "coordinator/cli/demo_files.hpp"
#include "coordinator/cli/demo_kills.hpp"
#include "coordinator/cli/demo_neighbours.hpp"
#include "coordinator/cli/demo_outcome.hpp"
#include "coordinator/cli/demo_sessions.hpp"
#include "coordinator/cli/genesis.hpp"
#include "coordinator/cli/neighbourhood.hpp"
#include "coordinator/cli/slow_links.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* demo_command = "kilter demo";
constexpr auto poll_every = std::chrono::milliseconds(50);
// All homes share this machine's cores: each of them makes everyone's turn come so much later.
constexpr std::uint32_t silence_ms_per_home = 20;
constexpr std::uint32_t session_ms_per_home = 300;
constexpr std::uint32_t gather_ms_per_home = 100;
constexpr std::size_t homes_of_one_machine = 200;  // that need no such patience
constexpr int crowd_niceness = 5;
// And its disk, which makes a few hundred changes a second durable: a crowd's files are in memory.
constexpr const char* memory_directory = "/dev/shm";
constexpr std::uintmax_t bytes_per_home = 4u << 20;

constexpr std::int64_t patience_s = 180;
constexpr int lanes_where_segments_are_lost = 2;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Beside the build tree this runs from, below the present directory, or where packages put it.
Result<std::filesystem::path> shipped_topology() {
    const std::filesystem::path file = "topologies/baran-wu-33.toml";
    for (const std::filesystem::path& place :
         {std::filesystem::path("."), own_directory() / "../../..",
          std::filesystem::path("/usr/share/kilter")})
        if (std::filesystem::exists(place / file)) return (place / file).lexically_normal();
    return Error{"cannot find " + file.string() +
                 ": name a topology, for example kilter demo path/to/feeder.toml"};
}

// Until all are at one height: what is wrong if that takes too long.
std::optional<std::string> await_equal_logs(const std::vector<std::filesystem::path>& coordinators,
                                            std::int64_t seconds_max) {
    const auto since = Clock::now();
    while (seconds_since(since) < static_cast<double>(seconds_max)) {
        std::set<consensus::Height> heights;
        for (const auto& directory : coordinators)
            if (const auto store =
                    storage::LogStore::open_read_only(directory / "state" / "log.db"))
                heights.insert(store->height());
            else
                heights.insert(0);
        if (heights.size() == 1) return std::nullopt;
        std::this_thread::sleep_for(poll_every);
    }
    return "the coordinators' logs did not become equal within " + std::to_string(seconds_max) +
           " s";
}

// The topology's file; empty for a generated feeder.
Result<std::filesystem::path> feeder_of(const Demo& demo) {
    if (demo.homes_total > 0 || !demo.topology.empty()) return demo.topology;
    return shipped_topology();
}

Result<void> check_victims(const Demo& demo, std::size_t homes) {
    for (const auto& [victim, count, kind] :
         {std::tuple{demo.kill_coordinator, demo.coordinators, "--kill-coordinator"},
          std::tuple{demo.kill_agent, homes, "--kill-agent"}})
        if (victim && *victim >= count)
            return Error{std::string(kind) + " counts from 0 and must be below " +
                         std::to_string(count)};
    return {};
}

struct DrawnFeeders {
    std::vector<planner::Neighbourhood> feeders;
    std::string series;

    [[nodiscard]] std::string names() const {
        std::string out;
        for (const planner::Neighbourhood& feeder : feeders)
            out += (out.empty() ? "" : ", ") + feeder.network.name;
        return out;
    }
};

// Those after the first have other homes, and the next numbers.
Result<DrawnFeeders> draw_feeders(const Demo& demo,
                                  const std::filesystem::path& file,
                                  std::int64_t interval_s) {
    DrawnFeeders out;
    for (std::size_t f = 0; f < demo.feeders; ++f) {
        const std::uint64_t seed = demo.homes_seed + f;
        auto drawn = demo.homes_total > 0
                         ? Result<DrawnNeighbourhood>(
                               draw_generated(demo.homes_total, demo.homes_per_net, seed))
                         : draw_neighbourhood(file, demo.homes_per_net, seed, interval_s);
        if (!drawn) return drawn.error();
        if (drawn->neighbourhood.three_phase)
            return Error{file.string() +
                         ": coordinators host balanced feeders; clear an unbalanced one with "
                         "kilter simulate"};
        if (demo.feeders > 1) {
            model::Network& network = drawn->neighbourhood.network;
            network.number = static_cast<std::uint16_t>(f);
            if (f > 0) network.name += " no. " + std::to_string(f);
        }
        out.feeders.push_back(std::move(drawn->neighbourhood));
        out.series = std::move(drawn->series);
    }
    return out;
}

void make_patient(InstallationOptions& options, std::uint32_t homes) {
    options.parameters.silence_ms += silence_ms_per_home * homes;
    options.parameters.session_ms += session_ms_per_home * homes;
    options.pace.gather_ms += gather_ms_per_home * homes;
    options.pace.takeover_ms += silence_ms_per_home * homes;
}

// The directory asked for, or a new one.
Result<std::filesystem::path> place_for(const Demo& demo, std::size_t homes) {
    if (!demo.directory.empty()) return demo.directory;
    std::filesystem::path parent = std::filesystem::temp_directory_path();
    std::error_code error;
    const auto memory = std::filesystem::space(memory_directory, error);
    if (homes > homes_of_one_machine && !error && memory.available > bytes_per_home * homes)
        parent = memory_directory;
    std::string place = (parent / "kilter-demo-XXXXXX").string();
    if (::mkdtemp(place.data()) == nullptr) return Error{"cannot make a directory like " + place};
    return std::filesystem::path(place);
}

// Chooses the ports; nothing unless processes are to be far apart.
Result<std::optional<SlowLinks>> lay_links(const Demo& demo,
                                           InstallationOptions& options,
                                           int processes) {
    const bool apart = demo.delay_ms > 0 || demo.loss_percent > 0;
    auto port = free_ports(apart ? 2 * processes : processes);
    if (!port) return port.error();
    options.first_port = *port;
    if (!apart) return std::optional<SlowLinks>{};
    options.reached_at = processes;
    std::vector<SlowLinks::Route> routes;
    for (int i = *port; i < *port + processes; ++i)
        routes.push_back({i + processes, i});
    auto opened = SlowLinks::open(
        routes,
        {.delay_ms = demo.delay_ms, .loss = demo.loss_percent / 100, .seed = demo.homes_seed});
    if (!opened) return opened.error();
    return std::optional(std::move(*opened));
}

// Whether every coordinator and every home has what was asked for, and their logs are equal.
bool all_have_finished(const Demo& demo,
                       const DemoNeighbours& neighbours,
                       const std::vector<DemoSessions>& feeders) {
    for (const DemoSessions& sessions : feeders)
        if (sessions.cleared().size() < demo.intervals) return false;
    std::optional<std::uint64_t> height;
    for (const DemoProcess& coordinator : neighbours.coordinators) {
        const auto status = read_json(coordinator.directory / "state" / "status.json");
        if (!status || (*status)["finished"] != true ||
            (*status)["pid"] != coordinator.process->pid())
            return false;
        const auto its = (*status)["log"]["height"].get<std::uint64_t>();
        if (height && *height != its) return false;
        height = its;
    }
    for (std::size_t i = 0; i < neighbours.agents.size(); ++i) {
        if (demo.kill_agent == i)
            continue;  // joins the next session it can; not necessarily the last
        const auto status = read_json(neighbours.agents[i].directory / "state" / "status.json");
        if (!status || !status->contains("session") || (*status)["session"]["certified"] != true ||
            (*status)["session"]["interval"] != demo.first + demo.intervals - 1)
            return false;
    }
    return true;
}

// Whose second session is the one to strike in. Coordinators host the feeders in turn.
std::size_t feeder_of_victims(const Demo& demo, std::size_t feeders) {
    return demo.kill_coordinator ? *demo.kill_coordinator % feeders : 0;
}

// Until all have finished: what is wrong if they do not.
std::optional<std::string> live(const Demo& demo,
                                std::int64_t seconds_max,
                                DemoNeighbours& neighbours,
                                std::vector<DemoSessions>& feeders,
                                Progress& progress) {
    const auto since = Clock::now();
    const DemoSessions& struck = feeders[feeder_of_victims(demo, feeders.size())];
    DemoKills kills({demo.kill_coordinator, demo.kill_agent}, demo.intervals);
    for (;;) {
        std::this_thread::sleep_for(kills.pause(poll_every, Clock::now()));
        std::size_t cleared = demo.intervals;
        for (DemoSessions& sessions : feeders) {
            sessions.look();
            cleared = std::min(cleared, sessions.cleared().size());
        }
        progress.show("clearing interval " +
                          std::to_string(std::min<std::size_t>(cleared + 1, demo.intervals)) +
                          " of " + std::to_string(demo.intervals),
                      static_cast<double>(cleared), demo.intervals);
        if (auto done = kills.look(struck, neighbours, Clock::now()); !done)
            return done.error().message;
        if (auto casualty = neighbours.casualty()) return casualty;
        if (all_have_finished(demo, neighbours, feeders)) return std::nullopt;
        if (seconds_since(since) > static_cast<double>(seconds_max))
            return "gave up after " + std::to_string(seconds_max) +
                   " s; what each process was doing: " +
                   neighbours.coordinators.front().directory.parent_path().string() +
                   "/*/state/status.json, their logs: */log";
    }
}

}  // namespace

int Demo::run() const {
    const auto started = Clock::now();
    if (homes_total > 0 && (!topology.empty() || homes_total < homes_per_net))
        return fail(demo_command,
                    Error{"--homes draws a feeder: it goes with no topology, and at least one net "
                          "of --homes-per-net homes"},
                    ExitCode::usage);
    if (feeders > coordinators)
        return fail(demo_command, Error{"--feeders: each of them needs a coordinator of its own"},
                    ExitCode::usage);
    if (feeders > 1 && ledger_version < 3)
        return fail(demo_command, Error{"--feeders: several on one log need --ledger-rule 3"},
                    ExitCode::usage);
    InstallationOptions options;
    options.parameters = first_parameters(ledger_version);
    if (accelerated || (delay_ms > 0 && !plain))
        options.parameters.method = market::Method::accelerated;
    const auto feeder = feeder_of(*this);
    if (!feeder) return fail(demo_command, feeder.error());
    const auto drawn = draw_feeders(*this, *feeder, options.parameters.interval_s);
    if (!drawn) return fail(demo_command, drawn.error());
    std::size_t homes = 0;
    for (const planner::Neighbourhood& one : drawn->feeders)
        homes += one.homes.size();
    if (auto known = check_victims(*this, homes); !known)
        return fail(demo_command, known.error(), ExitCode::usage);
    const bool crowd = homes > homes_of_one_machine;
    if (crowd) make_patient(options, static_cast<std::uint32_t>(homes));
    auto place = place_for(*this, homes);
    if (!place) return fail(demo_command, place.error());
    options.directory = *place;
    options.coordinators = coordinators;
    options.ledger_version = ledger_version;
    options.pace.follow_clock = false;
    options.pace.first_interval = first;
    options.pace.intervals = intervals;
    const std::int64_t patience =
        seconds_max.value_or(patience_s + static_cast<std::int64_t>(crowd ? homes / 2 : 0));
    options.lanes = lanes.value_or(loss_percent > 0 ? lanes_where_segments_are_lost : 1);
    auto links = lay_links(*this, options, static_cast<int>(coordinators + homes));
    if (!links) return fail(demo_command, links.error());
    auto installation = install(drawn->feeders, options);
    if (!installation) return fail(demo_command, installation.error());

    DemoOutcome outcome;
    outcome.install_s = seconds_since(started);
    const bool quiet = json == "-";
    if (!quiet)
        std::cout << drawn->names() << ": " << homes << " agents and " << coordinators
                  << " coordinators as separate processes; series: " << drawn->series
                  << "\nfiles: " << options.directory.string() << "\n\n";

    // ---- the neighbourhood lives ---------------------------------------------------------------------------------
    const auto alive = Clock::now();
    DemoNeighbours neighbours(*installation, crowd ? crowd_niceness : 0);
    if (auto up = neighbours.start(); !up) return fail(demo_command, up.error());
    std::vector<DemoSessions> sessions;
    for (const InstalledFeeder& one : installation->feeders)
        sessions.emplace_back(one.coordinators);
    const DemoPeriod period{first, intervals, kill_agent};
    Progress progress;
    std::optional<std::string> trouble = live(*this, patience, neighbours, sessions, progress);
    if (!trouble) {
        progress.show("billing", 0, 1);
        const auto billed = bill_homes(*installation, period, patience);
        if (!billed) trouble = billed.error().message;
    }
    if (!trouble) trouble = await_equal_logs(installation->coordinators, patience);
    outcome.alive_s = seconds_since(alive);
    outcome.memory = neighbours.agents_memory();
    const std::size_t stubborn = neighbours.stop();
    progress.clear();
    if (!trouble && stubborn > 0)
        trouble = std::to_string(stubborn) + " processes did not stop on SIGTERM";
    if (trouble) return fail(demo_command, Error{*trouble});

    // ---- what came of it -----------------------------------------------------------------------------------------
    std::size_t cleared = 0;
    for (std::size_t f = 0; f < sessions.size(); ++f) {
        sessions[f].look();
        cleared += sessions[f].cleared().size();
        outcome.feeders.push_back(
            {drawn->feeders[f], sessions[f].cleared(), sessions[f].abandoned(), {}, std::nullopt});
    }
    const auto verifying = Clock::now();
    for (const auto& coordinator : installation->coordinators) {
        auto verified = verify_log(coordinator);
        if (!verified) return fail(demo_command, verified.error(), ExitCode::not_verified);
        if (!outcome.logs.empty() &&
            (verified->audit.log_root != outcome.logs.front().audit.log_root ||
             verified->audit.state_root != outcome.logs.front().audit.state_root))
            return fail(demo_command,
                        Error{coordinator.string() + " holds another log than " +
                              installation->coordinators.front().string()},
                        ExitCode::not_verified);
        outcome.logs.push_back(std::move(*verified));
    }
    outcome.verify_s = seconds_since(verifying);
    const auto auditing = Clock::now();
    auto verdicts = audit_bills(*installation, period);
    if (!verdicts) return fail(demo_command, verdicts.error(), ExitCode::not_verified);
    for (std::size_t f = 0; f < verdicts->size(); ++f)
        outcome.feeders[f].verdict = std::move((*verdicts)[f]);
    outcome.audit_s = seconds_since(auditing);
    if (!kill_agent) {
        planner::Options same;
        same.parameters = options.parameters;
        same.first_interval = first;
        same.sessions = intervals;
        for (std::size_t f = 0; f < feeders; ++f) {
            auto expected =
                planner::simulate(drawn->feeders[f], same, [&](const planner::Progress& at) {
                    progress.show("the same in one process", at.session, at.sessions);
                });
            progress.clear();
            if (!expected) return fail(demo_command, expected.error());
            outcome.feeders[f].comparison =
                compare(*expected, outcome.feeders[f].sessions, installation->feeders[f].homes);
        }
    }
    outcome.topology = feeder->string();
    outcome.series = drawn->series;
    outcome.directory = options.directory.string();
    outcome.coordinators = coordinators;
    outcome.interval_s = options.parameters.interval_s;
    outcome.traffic = traffic_of(installation->homes, cleared / feeders);
    outcome.delay_ms = delay_ms;
    if (*links) outcome.links = (**links).carried();

    if (!json.empty())
        if (auto written = write_output(json, to_json(outcome).dump(1) + "\n"); !written)
            return fail(demo_command, written.error());
    if (!quiet) print(outcome);
    for (const FeederOutcome& one : outcome.feeders) {
        if (!one.verdict.faults.empty() && !kill_agent)
            return fail(demo_command, Error{"the audit found: " + one.verdict.faults.front()},
                        ExitCode::not_verified);
        // With a coordinator dead between two sessions the next one starts from other places to the same prices.
        if (one.comparison && !one.comparison->differences.empty() && !kill_coordinator)
            return fail(
                demo_command,
                Error{"not the same as in one process: " + one.comparison->differences.front() +
                      " and " + std::to_string(one.comparison->differences.size() - 1) + " more"});
    }
    if (directory.empty() && !keep) std::filesystem::remove_all(options.directory);
    return to_int(outcome.converged() ? ExitCode::success : ExitCode::not_converged);
}

void add_demo(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Demo>();
    CLI::App* command = app.add_subcommand(
        "demo", "Run a whole neighbourhood of separate processes on this machine");
    command->add_option("TOPOLOGY", options->topology,
                        "Feeder in kilter's TOML format; default: Baran & Wu, 33 buses");
    command->add_option("--dir", options->directory,
                        "Where to put keys, configurations, state and logs (kept)");
    command
        ->add_option("--homes", options->homes_total,
                     "So many homes on a feeder drawn from the seed, in place of a topology")
        ->check(CLI::Range(2, 5'000));
    command
        ->add_option("--feeders", options->feeders,
                     "So many of that feeder on one log, each with homes and coordinators of its "
                     "own")
        ->capture_default_str()
        ->check(CLI::Range(1, 13));
    command->add_option("--ledger-rule", options->ledger_version, ledger_rule_help)
        ->capture_default_str()
        ->check(CLI::Range(std::uint32_t{1}, settlement::newest_ledger()));
    CLI::Option* accelerated =
        command->add_flag("--accelerated", options->accelerated,
                          "Homes also say how they answer prices: fewer, larger messages (without "
                          "asking where there is --delay)");
    command->add_flag("--plain", options->plain, "They do not, for all the delay")
        ->excludes(accelerated);
    command->add_option("--homes-seed", options->homes_seed, "The homes are drawn from this seed")
        ->capture_default_str();
    command->add_option("--homes-per-net", options->homes_per_net, "Homes on every net")
        ->capture_default_str()
        ->check(CLI::Range(1, 200));
    command->add_option("--coordinators", options->coordinators, "Replicas of the log")
        ->capture_default_str()
        ->check(CLI::Range(1, 13));
    command->add_option("--intervals", options->intervals, "Market intervals to clear")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    command->add_option("--first", options->first, "First interval, counted from 1970 in UTC")
        ->capture_default_str();
    command->add_option(
        "--kill-coordinator", options->kill_coordinator,
        "kill -9 this one (from 0) within the second session, restart it after that");
    command->add_option(
        "--kill-agent", options->kill_agent,
        "kill -9 this home's agent (from 0) after the first interval, restart it after "
        "the next");
    command
        ->add_option("--delay", options->delay_ms,
                     "Carry everything between processes so late, one way: 20ms")
        ->transform([](const std::string& text) {
            return text.ends_with("ms") ? text.substr(0, text.size() - 2) : text;
        })
        ->check(CLI::Range(0, 2'000));
    command
        ->add_option("--loss", options->loss_percent,
                     "Lose such a part of TCP's segments between processes: 1%")
        ->transform([](const std::string& text) {
            return text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
        })
        ->check(CLI::Range(0.0, 50.0));
    command
        ->add_option("--lanes", options->lanes,
                     "Connections between any two processes; a session's messages then go over two "
                     "of them (default: 2 with --loss, else 1)")
        ->check(CLI::Range(1, transport::lanes_max));
    command
        ->add_option("--seconds-max", options->seconds_max,
                     "Give up after so long (default: 180, for more than 200 homes another half a "
                     "second for each)")
        ->check(CLI::Range(1, 86'400));
    command->add_flag("--keep", options->keep, "Leave the directory for inspection");
    command->add_option("--json", options->json, "Write the result to this file, '-' for stdout");
    command->footer("Example:\n  kilter demo --intervals 8 --kill-coordinator 2 --kill-agent 5");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
