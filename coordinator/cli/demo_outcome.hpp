/// What came of a demo, and how it is told: as JSON and as tables.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/settlement/audit.hpp"
#include "common/settlement/net_audit.hpp"
#include "coordinator/cli/demo_neighbours.hpp"
#include "coordinator/cli/slow_links.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {

/// A replica's log, every page, certificate, signature and rule checked.
struct VerifiedLog {
    settlement::AuditReport audit;
    std::map<std::string, std::size_t> entries;  ///< by type
};

/// `coordinator`: its directory. Error: what does not hold, or cannot be read.
Result<VerifiedLog> verify_log(const std::filesystem::path& coordinator);

using DemoReports = std::map<IntervalIndex, nlohmann::ordered_json>;

/// Prices of every session at the coordinators, and of the last one at every home, against the run in one process.
struct DemoComparison {
    std::size_t sessions = 0;  ///< with the same prices
    std::size_t homes = 0;
    std::vector<std::string> differences;
};

DemoComparison compare(const planner::Report& expected,
                       const DemoReports& reports,
                       const std::vector<std::filesystem::path>& homes);

/// All that agents sent and received, envelopes without what CURVE and TCP add.
struct DemoTraffic {
    double bytes_per_home_and_session = 0;
    double messages_per_home_and_session = 0;
};

DemoTraffic traffic_of(const std::vector<std::filesystem::path>& homes, std::size_t sessions);

/// Of one feeder.
struct FeederOutcome {
    planner::Neighbourhood neighbourhood;
    DemoReports sessions;       ///< that cleared
    std::size_t abandoned = 0;  ///< that came to nothing
    settlement::FeederVerdict verdict;
    std::optional<DemoComparison> comparison;

    [[nodiscard]] bool converged() const;
};

struct DemoOutcome {
    std::string topology;
    std::string series;
    std::string directory;
    std::size_t coordinators = 0;
    std::int64_t interval_s = 0;
    std::vector<FeederOutcome> feeders;
    std::vector<VerifiedLog> logs;
    DemoTraffic traffic;
    AgentsMemory memory;
    std::int64_t delay_ms = 0;  ///< of `links`
    std::optional<SlowLinks::Carried> links;
    double install_s = 0;
    double alive_s = 0;
    double verify_s = 0;
    double audit_s = 0;

    [[nodiscard]] bool converged() const;
};

nlohmann::ordered_json to_json(const DemoOutcome& outcome);
void print(const DemoOutcome& outcome);

}  // namespace kilter::cli
