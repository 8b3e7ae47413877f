#include "coordinator/cli/demo.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/table.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/audit.hpp"
#include "coordinator/cli/demo_bills.hpp"
#include "coordinator/cli/genesis.hpp"
#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/neighbourhood.hpp"
#include "coordinator/cli/process.hpp"
#include "coordinator/cli/process_usage.hpp"
#include "coordinator/cli/slow_links.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {
using Json = nlohmann::ordered_json;

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* demo_command = "kilter demo";
constexpr auto poll_every = std::chrono::milliseconds(50);
constexpr auto stop_patience = std::chrono::seconds(10);
// All homes share this machine's cores: each of them makes everyone's turn come so much later.
constexpr std::uint32_t silence_ms_per_home = 20;
constexpr std::uint32_t session_ms_per_home = 300;
constexpr std::uint32_t gather_ms_per_home = 100;
constexpr std::size_t homes_of_one_machine = 200;  // that need no such patience
// A warm session takes a third of the cold one's time: this part of that is well within it.
constexpr std::int64_t into_the_next_session = 10;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::filesystem::path own_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
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

std::optional<Json> read_json(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) return std::nullopt;
    auto value = Json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, nullptr, false);
    return value.is_discarded() ? std::nullopt : std::optional(std::move(value));
}

std::string last_line(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::string last;
    while (std::getline(in, line))
        if (!line.empty()) last = line;
    return last;
}

struct Child {
    std::filesystem::path directory;
    std::vector<std::string> command;
    std::optional<Process> process;
    bool expected_down = false;

    Result<void> start() {
        auto started = Process::start(command, directory / "log");
        if (!started) return started.error();
        process = std::move(*started);
        expected_down = false;
        return {};
    }

    void kill() {
        process->kill();
        expected_down = true;
    }
};

// Every process of the neighbourhood, alive while this lives.
class Neighbours {
  public:
    Result<void> start(const Installation& installation) {
        const auto programs = own_directory();
        for (const auto& directory : installation.coordinators)
            coordinators.push_back({directory,
                                    {(programs / "kilter-coordinator").string(), "run", "--config",
                                     (directory / "coordinator.toml").string()},
                                    std::nullopt});
        for (const auto& directory : installation.homes)
            agents.push_back({directory,
                              {(programs / "kilter-agent").string(), "run", "--config",
                               (directory / "agent.toml").string()},
                              std::nullopt});
        for (auto* group : {&coordinators, &agents})
            for (Child& child : *group)
                if (auto started = child.start(); !started) return started.error();
        return {};
    }

    // The first process that ended by itself, in words.
    std::optional<std::string> casualty() {
        for (auto* group : {&coordinators, &agents})
            for (Child& child : *group) {
                if (child.expected_down) continue;
                if (const auto code = child.process->exited())
                    return child.directory.filename().string() + " ended with code " +
                           std::to_string(*code) + ": " + last_line(child.directory / "log");
            }
        return std::nullopt;
    }

    // SIGTERM to all; those that do not end in time are killed and counted.
    std::size_t stop() {
        for (auto* group : {&agents, &coordinators})
            for (const Child& child : *group)
                if (child.process) child.process->signal(SIGTERM);
        const auto start = Clock::now();
        std::size_t stubborn = 0;
        for (auto* group : {&agents, &coordinators})
            for (Child& child : *group) {
                if (!child.process) continue;
                while (!child.process->exited() && Clock::now() - start < stop_patience)
                    std::this_thread::sleep_for(std::chrono::milliseconds(5));
                if (!child.process->exited()) ++stubborn;
                child.process->kill();
            }
        return stubborn;
    }

    std::vector<Child> coordinators;
    std::vector<Child> agents;
};

// One session per interval, by whichever coordinator chaired it.
std::map<IntervalIndex, Json> read_reports(const std::vector<std::filesystem::path>& coordinators) {
    std::map<IntervalIndex, Json> out;
    std::error_code error;
    for (const auto& directory : coordinators)
        for (const auto& file :
             std::filesystem::directory_iterator(directory / "state" / "reports", error))
            if (file.path().extension() == ".json")
                if (auto report = read_json(file.path())) {
                    const auto interval = (*report)["interval"].get<IntervalIndex>();
                    if ((*report)["outcome"] != "abandoned" || !out.contains(interval))
                        out[interval] = std::move(*report);
                }
    return out;
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

struct Verified {
    settlement::AuditReport audit;
    std::map<std::string, std::size_t> entries;  ///< by type
};

Result<Verified> verify(const std::filesystem::path& directory) {
    const auto file = directory / "state" / "log.db";
    auto store = storage::LogStore::open_read_only(file);
    if (!store) return Error{file.string() + ": " + store.error().message};
    Verified out;
    auto audit = store->verify([&](const settlement::CheckedEntry& checked) {
        ++out.entries[settlement::entry_type_name(checked.entry->entry.type)];
    });
    if (!audit) return Error{file.string() + ": " + audit.error().message};
    out.audit = *audit;
    return out;
}

struct Comparison {
    std::size_t sessions = 0;
    std::size_t homes = 0;
    std::vector<std::string> differences;
};

// Prices of every session at the coordinators, and of the last one at every home, against the run in one process.
Comparison compare(const planner::Report& expected,
                   const std::map<IntervalIndex, Json>& reports,
                   const std::vector<std::filesystem::path>& homes) {
    Comparison out;
    for (const planner::SessionResult& session : expected.sessions) {
        const auto found = reports.find(session.session.interval);
        if (found == reports.end()) continue;
        const auto prices =
            found->second["price_eur_per_kwh"].get<std::vector<std::vector<double>>>();
        bool same = static_cast<Eigen::Index>(prices.size()) == session.price_eur_per_kwh.rows();
        for (std::size_t i = 0; same && i < prices.size(); ++i) {
            const auto row = session.price_eur_per_kwh.row(static_cast<Eigen::Index>(i));
            same = std::equal(row.begin(), row.end(), prices[i].begin(), prices[i].end());
        }
        if (same)
            ++out.sessions;
        else
            out.differences.push_back("prices of interval " +
                                      std::to_string(session.session.interval));
    }
    const planner::SessionResult& last = expected.sessions.back();
    for (std::size_t i = 0; i < homes.size(); ++i) {
        const auto status = read_json(homes[i] / "state" / "status.json");
        const auto row = last.price_eur_per_kwh.row(expected.neighbourhood.homes[i].net.value);
        std::vector<double> prices;
        if (status && status->contains("session"))
            prices = (*status)["session"]["price_eur_per_kwh"].get<std::vector<double>>();
        if (std::equal(row.begin(), row.end(), prices.begin(), prices.end()))
            ++out.homes;
        else
            out.differences.push_back("last prices at " + homes[i].filename().string());
    }
    return out;
}

struct Traffic {
    double bytes_per_home_and_session = 0;
    double messages_per_home_and_session = 0;
};

Traffic traffic_of(const std::vector<std::filesystem::path>& homes, std::size_t sessions) {
    double bytes = 0;
    double messages = 0;
    double counted = 0;
    for (const auto& directory : homes) {
        const auto status = read_json(directory / "state" / "status.json");
        if (!status) continue;
        for (const char* way : {"sent", "received"}) {
            bytes += (*status)[way]["bytes"].get<double>();
            messages += (*status)[way]["messages"].get<double>();
        }
        counted += static_cast<double>(sessions);
    }
    return counted > 0 ? Traffic{bytes / counted, messages / counted} : Traffic{};
}

struct AgentsMemory {
    double proportional_mean_mb = 0;
    double proportional_max_mb = 0;
    double peak_max_mb = 0;
};

AgentsMemory memory_of_all(const std::vector<Child>& agents) {
    constexpr double mb = 1024.0 * 1024.0;
    AgentsMemory out;
    for (const Child& agent : agents) {
        if (!agent.process) continue;
        const Memory its = memory_of(agent.process->pid());
        const double proportional_mb = static_cast<double>(its.proportional_bytes) / mb;
        out.proportional_mean_mb += proportional_mb / static_cast<double>(agents.size());
        out.proportional_max_mb = std::max(out.proportional_max_mb, proportional_mb);
        out.peak_max_mb = std::max(out.peak_max_mb, static_cast<double>(its.peak_bytes) / mb);
    }
    return out;
}

// The interval in which the nets' prices lie farthest apart: where the grid's limits bind.
std::size_t widest_interval(const std::vector<std::vector<double>>& prices) {
    std::size_t widest = 0;
    double spread = -1;
    for (std::size_t t = 0; t < prices.front().size(); ++t) {
        double low = prices.front()[t];
        double high = low;
        for (const auto& net : prices) {
            low = std::min(low, net[t]);
            high = std::max(high, net[t]);
        }
        if (high - low > spread) {
            spread = high - low;
            widest = t;
        }
    }
    return widest;
}

void print_prices(const planner::Neighbourhood& neighbourhood,
                  const Json& report,
                  std::int64_t interval_s) {
    const auto prices = report["price_eur_per_kwh"].get<std::vector<std::vector<double>>>();
    const auto voltages = report["voltage_pu"].get<std::vector<std::vector<double>>>();
    const auto nets = report["nets"].get<std::vector<std::string>>();
    const auto first = report["interval"].get<IntervalIndex>();
    const std::size_t peak = widest_interval(prices);
    const auto peak_interval = first + static_cast<std::int64_t>(peak);
    const std::string peak_clock = utc_text(interval_start(peak_interval, interval_s)).substr(11);
    Table table({{"net", false},
                 {"homes"},
                 {"price now"},
                 {"at " + peak_clock},
                 {"lowest"},
                 {"highest"},
                 {"voltage pu at " + peak_clock},
                 {"lowest voltage pu"}});
    for (std::size_t i = 0; i < prices.size(); ++i) {
        const auto [low, high] = std::minmax_element(prices[i].begin(), prices[i].end());
        const auto& all = neighbourhood.network.nets;
        const auto net = std::find_if(all.begin(), all.end(),
                                      [&](const auto& one) { return one.name == nets[i]; });
        const auto number = static_cast<std::uint32_t>(net - all.begin());
        const auto homes =
            std::count_if(neighbourhood.homes.begin(), neighbourhood.homes.end(),
                          [&](const auto& home) { return home.net.value == number; });
        const auto& voltage = voltages[net->bus];
        table.add({nets[i], std::to_string(homes), fixed(prices[i].front(), 4),
                   fixed(prices[i][peak], 4), fixed(*low, 4), fixed(*high, 4),
                   fixed(voltage[peak], 4),
                   fixed(*std::min_element(voltage.begin(), voltage.end()), 4)});
    }
    std::cout << "Prices in EUR/kWh over the 24 hours from "
              << utc_text(interval_start(first, interval_s))
              << " UTC, net by net (losses are neglected); the nets differ most at " << peak_clock
              << ":\n\n"
              << table.text() << '\n';
}

void print_sessions(const std::map<IntervalIndex, Json>& reports, std::int64_t interval_s) {
    Table table({{"interval (UTC)", false},
                 {"outcome", false},
                 {"iterations"},
                 {"clearing s"},
                 {"on the log after s"},
                 {"homes"},
                 {"residual kW"}});
    for (const auto& [interval, report] : reports)
        table.add({utc_text(interval_start(interval, interval_s)),
                   report["outcome"].get<std::string>(),
                   std::to_string(report["iterations"].get<int>()),
                   fixed(report["clearing_ms"].get<double>() / 1e3, 2),
                   fixed(report["finality_ms"].get<double>() / 1e3, 2),
                   std::to_string(report["homes"].get<int>()),
                   fixed(report["primal_residual_kw"].get<double>(), 5)});
    std::cout << table.text() << '\n';
}

}  // namespace

int Demo::run() const {
    const auto started = Clock::now();
    market::Parameters parameters;
    parameters.accelerated = accelerated;
    std::filesystem::path feeder_file = topology;
    if (homes_total > 0 && (!topology.empty() || homes_total < homes_per_net))
        return fail(demo_command,
                    Error{"--homes draws a feeder: it goes with no topology, and at least one net "
                          "of --homes-per-net homes"},
                    ExitCode::usage);
    if (feeder_file.empty() && homes_total == 0) {
        auto shipped = shipped_topology();
        if (!shipped) return fail(demo_command, shipped.error());
        feeder_file = *shipped;
    }
    auto drawn =
        homes_total > 0
            ? Result<DrawnNeighbourhood>(draw_generated(homes_total, homes_per_net, homes_seed))
            : draw_neighbourhood(feeder_file, homes_per_net, homes_seed, parameters.interval_s);
    if (!drawn) return fail(demo_command, drawn.error());
    const planner::Neighbourhood& neighbourhood = drawn->neighbourhood;
    if (neighbourhood.three_phase)
        return fail(demo_command,
                    Error{feeder_file.string() +
                          ": coordinators host balanced feeders; clear an unbalanced one with "
                          "kilter simulate"});
    const auto& homes = neighbourhood.homes;
    InstallationOptions options;
    if (homes.size() > homes_of_one_machine) {
        const auto crowd = static_cast<std::uint32_t>(homes.size());
        parameters.silence_ms += silence_ms_per_home * crowd;
        parameters.session_ms += session_ms_per_home * crowd;
        options.pace.gather_ms += gather_ms_per_home * crowd;
        options.pace.takeover_ms += silence_ms_per_home * crowd;
    }
    for (const auto& [victim, count, kind] :
         {std::tuple{kill_coordinator, coordinators, "--kill-coordinator"},
          std::tuple{kill_agent, homes.size(), "--kill-agent"}})
        if (victim && *victim >= count)
            return fail(demo_command,
                        Error{std::string(kind) + " counts from 0 and must be below " +
                              std::to_string(count)},
                        ExitCode::usage);

    options.directory = directory;
    if (directory.empty()) {
        std::string place =
            (std::filesystem::temp_directory_path() / "kilter-demo-XXXXXX").string();
        if (::mkdtemp(place.data()) == nullptr)
            return fail(demo_command, Error{"cannot make a directory like " + place});
        options.directory = place;
    }
    options.coordinators = coordinators;
    options.parameters = parameters;
    options.ledger_version = ledger_version;
    options.pace.follow_clock = false;
    options.pace.first_interval = first;
    options.pace.intervals = intervals;
    const int processes = static_cast<int>(coordinators + homes.size());
    const bool apart = delay_ms > 0 || loss_percent > 0;
    auto port = free_ports(apart ? 2 * processes : processes);
    if (!port) return fail(demo_command, port.error());
    options.first_port = *port;
    std::optional<SlowLinks> links;
    if (apart) {
        options.reached_at = processes;
        std::vector<SlowLinks::Route> routes;
        for (int i = *port; i < *port + processes; ++i)
            routes.push_back({i + processes, i});
        auto opened = SlowLinks::open(
            routes, {.delay_ms = delay_ms, .loss = loss_percent / 100, .seed = homes_seed});
        if (!opened) return fail(demo_command, opened.error());
        links.emplace(std::move(*opened));
    }
    auto installation = install(neighbourhood, options);
    if (!installation) return fail(demo_command, installation.error());
    const double install_s = seconds_since(started);

    const bool quiet = json == "-";
    if (!quiet)
        std::cout << neighbourhood.network.name << ": " << homes.size() << " agents and "
                  << coordinators
                  << " coordinators as separate processes; series: " << drawn->series
                  << "\nfiles: " << options.directory.string() << "\n\n";

    // ---- the neighbourhood lives ---------------------------------------------------------------------------------
    const auto alive = Clock::now();
    Neighbours neighbours;
    if (auto up = neighbours.start(*installation); !up) return fail(demo_command, up.error());
    Progress progress;
    std::optional<std::string> trouble;
    std::size_t sessions_seen = 0;
    bool restarted = false;
    for (;;) {
        std::this_thread::sleep_for(poll_every);
        const auto reports = read_reports(installation->coordinators);
        progress.show("clearing interval " +
                          std::to_string(std::min<std::size_t>(reports.size() + 1, intervals)) +
                          " of " + std::to_string(intervals),
                      static_cast<double>(reports.size()), intervals);
        if (sessions_seen == 0 && !reports.empty()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(
                reports.begin()->second["clearing_ms"].get<std::int64_t>() /
                into_the_next_session));
            if (kill_coordinator) neighbours.coordinators[*kill_coordinator].kill();
            if (kill_agent) neighbours.agents[*kill_agent].kill();
        }
        sessions_seen = reports.size();
        if (!restarted && sessions_seen >= std::min<std::size_t>(2, intervals)) {
            restarted = true;
            if (kill_coordinator)
                if (auto up = neighbours.coordinators[*kill_coordinator].start(); !up)
                    return fail(demo_command, up.error());
            if (kill_agent)
                if (auto up = neighbours.agents[*kill_agent].start(); !up)
                    return fail(demo_command, up.error());
        }
        if ((trouble = neighbours.casualty())) break;
        bool finished = reports.size() >= intervals;
        std::optional<std::uint64_t> height;
        for (const auto& coordinator : neighbours.coordinators) {
            const auto status = read_json(coordinator.directory / "state" / "status.json");
            finished = finished && status && (*status)["finished"] == true &&
                       (*status)["pid"] == coordinator.process->pid();
            if (!finished) break;
            const auto its = (*status)["log"]["height"].get<std::uint64_t>();
            finished = !height || *height == its;
            height = its;
        }
        for (std::size_t i = 0; finished && i < neighbours.agents.size(); ++i) {
            if (kill_agent == i)
                continue;  // joins the next session it can; not necessarily the last
            const auto status = read_json(neighbours.agents[i].directory / "state" / "status.json");
            finished = status && status->contains("session") &&
                       (*status)["session"]["certified"] == true &&
                       (*status)["session"]["interval"] == first + intervals - 1;
        }
        if (finished) break;
        if (seconds_since(alive) > static_cast<double>(seconds_max)) {
            trouble = "gave up after " + std::to_string(seconds_max) +
                      " s; what each process was doing: " + options.directory.string() +
                      "/*/state/status.json, their logs: */log";
            break;
        }
    }
    const DemoPeriod period{first, intervals, kill_agent};
    if (!trouble) {
        progress.show("billing", 0, 1);
        const auto billed = bill_homes(*installation, period, seconds_max);
        if (!billed) trouble = billed.error().message;
    }
    if (!trouble) trouble = await_equal_logs(installation->coordinators, seconds_max);
    const double alive_s = seconds_since(alive);
    const AgentsMemory memory = memory_of_all(neighbours.agents);
    const std::size_t stubborn = neighbours.stop();
    progress.clear();
    if (!trouble && stubborn > 0)
        trouble = std::to_string(stubborn) + " processes did not stop on SIGTERM";

    // ---- what came of it -----------------------------------------------------------------------------------------
    const auto reports = read_reports(installation->coordinators);
    if (trouble) return fail(demo_command, Error{*trouble});
    const auto verifying = Clock::now();
    std::vector<Verified> logs;
    for (const auto& coordinator : installation->coordinators) {
        auto verified = verify(coordinator);
        if (!verified) return fail(demo_command, verified.error(), ExitCode::not_verified);
        if (!logs.empty() && (verified->audit.log_root != logs.front().audit.log_root ||
                              verified->audit.state_root != logs.front().audit.state_root))
            return fail(demo_command,
                        Error{coordinator.string() + " holds another log than " +
                              installation->coordinators.front().string()},
                        ExitCode::not_verified);
        logs.push_back(std::move(*verified));
    }
    const double verify_s = seconds_since(verifying);
    const auto auditing = Clock::now();
    const auto verdict = audit_bills(*installation, period);
    if (!verdict) return fail(demo_command, verdict.error(), ExitCode::not_verified);
    const double audit_s = seconds_since(auditing);

    std::optional<Comparison> comparison;
    if (!kill_agent) {
        planner::Options same;
        same.parameters = parameters;
        same.first_interval = first;
        same.sessions = intervals;
        auto expected = planner::simulate(neighbourhood, same, [&](const planner::Progress& at) {
            progress.show("the same in one process", at.session, at.sessions);
        });
        progress.clear();
        if (!expected) return fail(demo_command, expected.error());
        comparison = compare(*expected, reports, installation->homes);
    }
    const Traffic traffic = traffic_of(installation->homes, reports.size());
    const bool converged = std::all_of(reports.begin(), reports.end(), [](const auto& one) {
        return one.second["outcome"] == "converged";
    });
    double lowest = 2;
    for (const auto& row :
         reports.rbegin()->second["voltage_pu"].get<std::vector<std::vector<double>>>())
        lowest = std::min(lowest, *std::min_element(row.begin(), row.end()));

    if (!json.empty()) {
        Json out;
        out["topology"] = feeder_file.string();
        out["agents"] = homes.size();
        out["coordinators"] = coordinators;
        out["series"] = drawn->series;
        out["directory"] = options.directory.string();
        out["converged"] = converged;
        auto& sessions = out["sessions"] = Json::array();
        for (const auto& [interval, report] : reports)
            sessions.push_back(report);
        out["log"] = {{"replicas", logs.size()},
                      {"blocks", logs.front().audit.blocks},
                      {"entries", logs.front().audit.entries},
                      {"certificates", logs.front().audit.certificates},
                      {"signatures", logs.front().audit.signatures},
                      {"log_root", to_hex(logs.front().audit.log_root.view())}};
        if (comparison)
            out["same_as_simulated"] = {{"sessions", comparison->sessions},
                                        {"homes", comparison->homes},
                                        {"differences", comparison->differences}};
        out["bills"] = verdict->settlement.homes.size();
        out["audit"] = {{"faults", verdict->faults},
                        {"commitments", verdict->commitments},
                        {"sums_opened", verdict->opened},
                        {"sums_closed", verdict->closed},
                        {"energy_wh", verdict->settlement.energy_wh},
                        {"upstream_micro_eur", verdict->settlement.upstream_micro_eur},
                        {"surplus_micro_eur", verdict->settlement.surplus_micro_eur}};
        out["bytes_per_home_and_session"] = traffic.bytes_per_home_and_session;
        out["messages_per_home_and_session"] = traffic.messages_per_home_and_session;
        out["memory_per_agent_mb"] = {{"proportional_mean", memory.proportional_mean_mb},
                                      {"proportional_max", memory.proportional_max_mb},
                                      {"peak_max", memory.peak_max_mb}};
        out["seconds"] = {
            {"install", install_s}, {"alive", alive_s}, {"verify", verify_s}, {"audit", audit_s}};
        if (auto written = write_output(json, out.dump(1) + "\n"); !written)
            return fail(demo_command, written.error());
    }
    if (!quiet) {
        print_prices(neighbourhood, reports.rbegin()->second, parameters.interval_s);
        print_sessions(reports, parameters.interval_s);
        std::cout << "lowest voltage " << fixed(lowest, 4) << " pu; "
                  << fixed(traffic.bytes_per_home_and_session / 1e3, 0) << " kB and "
                  << fixed(traffic.messages_per_home_and_session, 0)
                  << " messages per home and session, sent and received\n"
                  << "memory per agent: PSS " << fixed(memory.proportional_mean_mb, 1)
                  << " MB, at most " << fixed(memory.proportional_max_mb, 1)
                  << " MB; peak resident at most " << fixed(memory.peak_max_mb, 1) << " MB\n";
        std::cout << "log: " << logs.size() << " replicas verified and equal, "
                  << logs.front().audit.blocks << " blocks, " << logs.front().audit.entries
                  << " entries (";
        bool comma = false;
        for (const auto& [type, number] : logs.front().entries) {
            std::cout << (comma ? ", " : "") << number << ' ' << type;
            comma = true;
        }
        std::cout << "), " << logs.front().audit.certificates << " certificates, "
                  << logs.front().audit.signatures << " signatures each; root "
                  << short_hex(logs.front().audit.log_root.view()) << '\n';
        std::cout << in_words(*verdict);
        if (links)
            std::cout << "links: " << delay_ms << " ms one way; " << links->carried().lost << " of "
                      << links->carried().segments
                      << " TCP segments lost and sent again 200 ms and a round trip later\n";
        if (comparison)
            std::cout << "same as in one process, bit for bit: prices of " << comparison->sessions
                      << " of " << reports.size()
                      << " sessions at the coordinator, of the last one at " << comparison->homes
                      << " of " << homes.size() << " homes\n";
        std::cout << "seconds: " << fixed(install_s, 1) << " laying out files, "
                  << fixed(alive_s, 1) << " with all processes up, " << fixed(verify_s, 1)
                  << " verifying " << logs.size() << " logs, " << fixed(audit_s, 1)
                  << " verifying one again and auditing its bills\n";
    }
    if (!verdict->faults.empty() && !kill_agent)
        return fail(demo_command, Error{"the audit found: " + verdict->faults.front()},
                    ExitCode::not_verified);
    // With a coordinator dead between two sessions the next one starts from other places to the same prices.
    if (comparison && !comparison->differences.empty() && !kill_coordinator)
        return fail(demo_command,
                    Error{"not the same as in one process: " + comparison->differences.front() +
                          " and " + std::to_string(comparison->differences.size() - 1) + " more"});
    if (directory.empty() && !keep) std::filesystem::remove_all(options.directory);
    return to_int(converged ? ExitCode::success : ExitCode::not_converged);
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
    command->add_option("--ledger-rule", options->ledger_version, ledger_rule_help)
        ->capture_default_str()
        ->check(CLI::Range(std::uint32_t{1}, settlement::newest_ledger()));
    command->add_flag("--accelerated", options->accelerated,
                      "Homes also say how they answer prices: fewer, larger messages");
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
    command->add_option("--seconds-max", options->seconds_max, "Give up after so long")
        ->capture_default_str()
        ->check(CLI::Range(1, 86'400));
    command->add_flag("--keep", options->keep, "Leave the directory for inspection");
    command->add_option("--json", options->json, "Write the result to this file, '-' for stdout");
    command->footer("Example:\n  kilter demo --intervals 8 --kill-coordinator 2 --kill-agent 5");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
