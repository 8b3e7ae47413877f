/// What `kilter bench market` measured, as tables, as ratios and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coordinator/planner/suite_run.hpp"

namespace kilter::cli {

/// One session of one instance in one mode.
struct MarketSession {
    planner::SuiteSession cleared;
    planner::Binding binding;
    double objective_eur = 0;
    double wall_s = 0, cpu_s = 0;
};

/// The cold session once more, with other threads.
struct MarketAgain {
    unsigned threads = 1;
    double wall_s = 0, cpu_s = 0;
    bool same = false;  ///< iterations, prices and schedules, to the bit
};

/// Consecutive sessions of one instance in one mode, the first one cold.
struct MarketRun {
    planner::SuiteCase of;
    std::size_t depth = 0, rated = 0, homes = 0;
    std::string mode;
    std::vector<MarketSession> sessions;
    std::vector<MarketAgain> again;

    [[nodiscard]] bool same_instance(const MarketRun& other) const {
        return of.buses == other.of.buses && of.seed == other.of.seed;
    }

    /// With the rounds among owners of pieces.
    [[nodiscard]] double cold_iterations() const { return sessions.front().cleared.exchanges(); }

    /// Mean, likewise; 0 without warm sessions.
    [[nodiscard]] double warm_iterations() const;
};

/// Least, geometric mean and most of ratios above 0.
struct Ratio {
    double least = 0, mean = 0, most = 0;
    std::size_t count = 0;
};

Ratio ratio_of(const std::vector<double>& ratios);

nlohmann::ordered_json market_json(const MarketRun& run);

/// One row per instance and mode.
std::string market_table(const std::vector<MarketRun>& runs);

/// Worst and mean over all instances of each mode.
std::string mode_table(const std::vector<MarketRun>& runs, const std::vector<std::string>& modes);

/// Over the instances both sides of a ratio cleared: an earlier mode to each later one, cold to warm, and the first
/// number of threads (`threads`) to the others.
std::string ratio_table(const std::vector<MarketRun>& runs,
                        const std::vector<std::string>& modes,
                        unsigned threads);

}  // namespace kilter::cli
