// Many seeds of the simulator. KILTER_SEEDS runs more of them, KILTER_SEED one alone.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/common/consensus/simulator.hpp"

namespace kilter::consensus::simulation {
namespace {

std::uint64_t seeds(std::uint64_t usual) {
    const char* wanted = std::getenv("KILTER_SEEDS");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

Outcome check(const Options& options) {
    const Outcome outcome = simulate(options);
    for (const std::string& violation : outcome.violations)
        ADD_FAILURE() << "seed " << options.seed << ": " << violation;
    EXPECT_GT(outcome.entries, 0u) << "seed " << options.seed;
    return outcome;
}

TEST(Simulation, FourReplicasOneByzantine) {
    std::size_t accusations = 0;
    std::size_t restarts = 0;
    for (std::uint64_t seed = 1; seed <= seeds(10); ++seed) {
        const Outcome outcome = check({.seed = seed});
        accusations += outcome.accusations;
        restarts += outcome.restarts;
    }
    EXPECT_GT(accusations, 0u) << "the Byzantine replica was never caught: was it Byzantine?";
    EXPECT_GT(restarts, 0u);
}

TEST(Simulation, WholeClusterCrashes) {
    for (std::uint64_t seed = 100; seed < 100 + seeds(5); ++seed)
        check({.seed = seed, .byzantine = 0, .crash_all = 0.4});
}

TEST(Simulation, SevenReplicasTwoByzantine) {
    for (std::uint64_t seed = 200; seed < 200 + seeds(2); ++seed)
        check(
            {.seed = seed, .replicas = 7, .byzantine = 2, .chaos_ms = 6'000, .healed_ms = 40'000});
}

TEST(Simulation, QuietNetworkFallsSilent) {
    const Outcome outcome = check(
        {.seed = 3, .byzantine = 0, .chaos_ms = 0, .healed_ms = 30'000, .loss = 0, .crash = 0});
    // Five seconds of an idle cluster: at most one status from each replica to each other one.
    EXPECT_LE(outcome.idle_messages, 12u);
}

TEST(Simulation, OneReplicaAlone) {
    check({.seed = 4, .replicas = 1, .byzantine = 0, .chaos_ms = 5'000, .healed_ms = 20'000});
}

TEST(Simulation, SameSeedSameTrace) {
    const Options options{.seed = 42, .chaos_ms = 5'000, .healed_ms = 20'000};
    const Outcome first = simulate(options);
    const Outcome second = simulate(options);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_EQ(first.height, second.height);
    Options other = options;
    other.seed = 43;
    EXPECT_NE(first.trace, simulate(other).trace);
}

}  // namespace
}  // namespace kilter::consensus::simulation
