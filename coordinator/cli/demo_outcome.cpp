#include "coordinator/cli/demo_outcome.hpp"

#include <algorithm>
#include <iostream>

#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/audit.hpp"
#include "coordinator/cli/demo_files.hpp"

namespace kilter::cli {

namespace {

using Json = nlohmann::ordered_json;

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
              << utc_text(interval_start(first, interval_s)) << " UTC, net by net"
              << (neighbourhood.network.losses ? "" : " (losses are neglected)")
              << "; the nets differ most at " << peak_clock << ":\n\n"
              << table.text() << '\n';
}

void print_sessions(const DemoReports& reports, std::int64_t interval_s) {
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

// Of the newest session, over all buses and intervals.
double lowest_voltage_pu(const DemoReports& reports) {
    double lowest = 2;
    for (const auto& row :
         reports.rbegin()->second["voltage_pu"].get<std::vector<std::vector<double>>>())
        lowest = std::min(lowest, *std::min_element(row.begin(), row.end()));
    return lowest;
}

void print_log(const std::vector<VerifiedLog>& logs) {
    const VerifiedLog& log = logs.front();
    std::cout << "log: " << logs.size() << " replicas verified and equal, " << log.audit.blocks
              << " blocks, " << log.audit.entries << " entries (";
    bool comma = false;
    for (const auto& [type, number] : log.entries) {
        std::cout << (comma ? ", " : "") << number << ' ' << type;
        comma = true;
    }
    std::cout << "), " << log.audit.certificates << " certificates, " << log.audit.signatures
              << " signatures each; root " << short_hex(log.audit.log_root.view()) << '\n';
}

}  // namespace

Result<VerifiedLog> verify_log(const std::filesystem::path& coordinator) {
    const auto file = coordinator / "state" / "log.db";
    auto store = storage::LogStore::open_read_only(file);
    if (!store) return Error{file.string() + ": " + store.error().message};
    VerifiedLog out;
    auto audit = store->verify([&](const settlement::CheckedEntry& checked) {
        ++out.entries[settlement::entry_type_name(checked.entry->entry.type)];
    });
    if (!audit) return Error{file.string() + ": " + audit.error().message};
    out.audit = *audit;
    return out;
}

DemoComparison compare(const planner::Report& expected,
                       const DemoReports& reports,
                       const std::vector<std::filesystem::path>& homes) {
    DemoComparison out;
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

DemoTraffic traffic_of(const std::vector<std::filesystem::path>& homes, std::size_t sessions) {
    double bytes = 0;
    double messages = 0;
    double counted = 0;
    for (const auto& directory : homes) {
        const auto status = read_json(directory / "state" / "status.json");
        if (!status) continue;
        const auto count = [&](const char* what) {  // one that an older program does not keep is 0
            return status->value(Json::json_pointer(what), 0.0);
        };
        bytes += count("/sent/bytes") + count("/received/bytes") + count("/copies/bytes");
        messages +=
            count("/sent/messages") + count("/received/messages") + count("/copies/messages");
        counted += static_cast<double>(sessions);
    }
    return counted > 0 ? DemoTraffic{bytes / counted, messages / counted} : DemoTraffic{};
}

bool DemoOutcome::converged() const {
    return std::all_of(feeders.begin(), feeders.end(),
                       [](const FeederOutcome& feeder) { return feeder.converged(); });
}

bool FeederOutcome::converged() const {
    return std::all_of(sessions.begin(), sessions.end(),
                       [](const auto& one) { return one.second["outcome"] == "converged"; });
}

namespace {

Json to_json(const FeederOutcome& outcome) {
    const settlement::FeederVerdict& verdict = outcome.verdict;
    Json out;
    out["feeder"] = outcome.neighbourhood.network.name;
    out["agents"] = outcome.neighbourhood.homes.size();
    out["converged"] = outcome.converged();
    auto& sessions = out["sessions"] = Json::array();
    for (const auto& [interval, report] : outcome.sessions)
        sessions.push_back(report);
    out["abandoned"] = outcome.abandoned;
    if (outcome.comparison)
        out["same_as_simulated"] = {{"sessions", outcome.comparison->sessions},
                                    {"homes", outcome.comparison->homes},
                                    {"differences", outcome.comparison->differences}};
    out["bills"] = verdict.settlement.homes.size();
    out["audit"] = {{"faults", verdict.faults},
                    {"commitments", verdict.commitments},
                    {"sums_opened", verdict.opened},
                    {"sums_closed", verdict.closed},
                    {"energy_wh", verdict.settlement.energy_wh},
                    {"upstream_micro_eur", verdict.settlement.upstream_micro_eur},
                    {"surplus_micro_eur", verdict.settlement.surplus_micro_eur}};
    return out;
}

}  // namespace

Json to_json(const DemoOutcome& outcome) {
    const settlement::AuditReport& log = outcome.logs.front().audit;
    Json out;
    out["topology"] = outcome.topology;
    out["coordinators"] = outcome.coordinators;
    out["series"] = outcome.series;
    out["directory"] = outcome.directory;
    if (outcome.feeders.size() == 1) {
        out.update(to_json(outcome.feeders.front()));
    } else {
        out["converged"] = outcome.converged();
        for (const FeederOutcome& feeder : outcome.feeders)
            out["feeders"].push_back(to_json(feeder));
    }
    out["log"] = {{"replicas", outcome.logs.size()}, {"blocks", log.blocks},
                  {"entries", log.entries},          {"certificates", log.certificates},
                  {"signatures", log.signatures},    {"log_root", to_hex(log.log_root.view())}};
    out["bytes_per_home_and_session"] = outcome.traffic.bytes_per_home_and_session;
    out["messages_per_home_and_session"] = outcome.traffic.messages_per_home_and_session;
    out["memory_per_agent_mb"] = {{"proportional_mean", outcome.memory.proportional_mean_mb},
                                  {"proportional_max", outcome.memory.proportional_max_mb},
                                  {"peak_max", outcome.memory.peak_max_mb}};
    out["seconds"] = {{"install", outcome.install_s},
                      {"alive", outcome.alive_s},
                      {"verify", outcome.verify_s},
                      {"audit", outcome.audit_s}};
    return out;
}

void print(const DemoOutcome& outcome) {
    double lowest_pu = 2;
    for (const FeederOutcome& feeder : outcome.feeders) {
        if (outcome.feeders.size() > 1)
            std::cout << "---- feeder " << feeder.neighbourhood.network.number << ": "
                      << feeder.neighbourhood.network.name << " ----\n\n";
        print_prices(feeder.neighbourhood, feeder.sessions.rbegin()->second, outcome.interval_s);
        print_sessions(feeder.sessions, outcome.interval_s);
        if (feeder.abandoned > 0)
            std::cout << feeder.abandoned
                      << " sessions came to nothing; their intervals were opened again\n\n";
        lowest_pu = std::min(lowest_pu, lowest_voltage_pu(feeder.sessions));
    }
    std::cout << "lowest voltage " << fixed(lowest_pu, 4) << " pu; "
              << fixed(outcome.traffic.bytes_per_home_and_session / 1e3, 0) << " kB and "
              << fixed(outcome.traffic.messages_per_home_and_session, 0)
              << " messages per home and session, sent and received\n"
              << "memory per agent: PSS " << fixed(outcome.memory.proportional_mean_mb, 1)
              << " MB, at most " << fixed(outcome.memory.proportional_max_mb, 1)
              << " MB; peak resident at most " << fixed(outcome.memory.peak_max_mb, 1) << " MB\n";
    print_log(outcome.logs);
    for (const FeederOutcome& feeder : outcome.feeders) {
        if (outcome.feeders.size() > 1)
            std::cout << "feeder " << feeder.neighbourhood.network.number << ":\n";
        std::cout << in_words(feeder.verdict);
        if (feeder.comparison)
            std::cout << "same as in one process, bit for bit: prices of "
                      << feeder.comparison->sessions << " of " << feeder.sessions.size()
                      << " sessions at the coordinator, of the last one at "
                      << feeder.comparison->homes << " of " << feeder.neighbourhood.homes.size()
                      << " homes\n";
    }
    if (outcome.links)
        std::cout << "links: " << outcome.delay_ms << " ms one way; " << outcome.links->lost
                  << " of " << outcome.links->segments << " TCP segments lost and sent again\n";
    std::cout << "seconds: " << fixed(outcome.install_s, 1) << " laying out files, "
              << fixed(outcome.alive_s, 1) << " with all processes up, "
              << fixed(outcome.verify_s, 1) << " verifying " << outcome.logs.size() << " logs, "
              << fixed(outcome.audit_s, 1) << " verifying one again and auditing its bills\n";
}

}  // namespace kilter::cli
