// More Byzantine replicas than the log tolerates: there are forks then, and the stores of any two honest replicas on
// different branches prove the guilt of more than f, and of none who is innocent.
#include "tests/simulator/accountability.hpp"

#include <gtest/gtest.h>

#include "tests/simulator/cluster.hpp"

namespace kilter::consensus::simulation {
namespace {

/// Two Byzantine keys of four, each as twins that run the protocol on their side of every cut.
Options too_many(std::uint64_t seed) {
    Options options = swarm(seed, 4);
    options.byzantine = 2;
    options.twins = true;
    options.behaviours.reset();
    options.membership = {};
    options.disk.damage = Damage::none;
    options.dead = false;
    options.network.partition = 0.8;
    options.heal_ms = 10'000;
    return options;
}

TEST(Accountability, AForkNamesMoreThanFCulprits) {
    std::size_t forks = 0;
    for (std::uint64_t seed = 1; seed <= 400 && forks < 3; ++seed) {
        const Options options = too_many(seed);
        const Outcome outcome = run(options);
        ASSERT_EQ(outcome.disks.size(), 2u);
        if (!forked(outcome.disks[0], outcome.disks[1])) continue;
        ++forks;
        const auto guilty =
            culprits(outcome.disks[0], outcome.disks[1], outcome.chain_id, outcome.validators);
        EXPECT_GE(guilty.size(), 2u) << "seed " << seed;
        for (const ReplicaIndex replica : guilty)
            EXPECT_TRUE(outcome.byzantine.contains(replica)) << "seed " << seed;
        EXPECT_FALSE(outcome.report.clean()) << "a fork is noticed";
    }
    EXPECT_EQ(forks, 3u);
}

}  // namespace
}  // namespace kilter::consensus::simulation
