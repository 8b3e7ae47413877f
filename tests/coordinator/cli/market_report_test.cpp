#include "coordinator/cli/market_report.hpp"

#include <gtest/gtest.h>

namespace kilter::cli::market_report_test {
namespace {

MarketSession session(std::uint32_t iterations, double cpu_s) {
    MarketSession out;
    out.cleared.outcome = market::Outcome::converged;
    out.cleared.iterations = iterations;
    out.cpu_s = cpu_s;
    out.wall_s = 2 * cpu_s;
    return out;
}

MarketRun run(std::uint64_t seed,
              const std::string& mode,
              std::uint32_t cold,
              std::uint32_t warm,
              double cpu_s) {
    MarketRun out;
    out.of.seed = seed;
    out.mode = mode;
    out.sessions = {session(cold, cpu_s), session(warm, cpu_s / 2), session(warm, cpu_s / 2)};
    return out;
}

TEST(MarketReport, ARatioHasItsSpread) {
    const Ratio r = ratio_of({1, 4});
    EXPECT_EQ(r.count, 2u);
    EXPECT_DOUBLE_EQ(r.least, 1);
    EXPECT_DOUBLE_EQ(r.mean, 2);
    EXPECT_DOUBLE_EQ(r.most, 4);
    EXPECT_EQ(ratio_of({}).count, 0u);
}

TEST(MarketReport, ModesAreComparedOnTheSameInstances) {
    std::vector<MarketRun> runs{run(1, "paper", 120, 40, 8), run(1, "plain", 60, 20, 2),
                                run(2, "paper", 100, 30, 8), run(2, "plain", 50, 10, 4),
                                run(3, "paper", 900, 30, 8)};
    runs[1].again.push_back({.threads = 2, .wall_s = 1, .cpu_s = 2, .same = true});
    const std::string text = ratio_table(runs, {"paper", "plain"}, 1);
    EXPECT_NE(text.find("paper / plain                 2  2.00 (2.00 to 2.00)"), std::string::npos)
        << text;
    EXPECT_NE(text.find("2.45 (2.00 to 3.00)"), std::string::npos) << text;  // √(2 · 3), warm
    EXPECT_NE(text.find("2.83 (2.00 to 4.00)"), std::string::npos) << text;  // √(4 · 2), CPU
    EXPECT_NE(text.find("plain: cold / warm"), std::string::npos) << text;
    EXPECT_NE(text.find("plain: threads 1 / 2"), std::string::npos) << text;
    EXPECT_NE(text.find("4.00"), std::string::npos) << text;
}

}  // namespace
}  // namespace kilter::cli::market_report_test
