// Every way to cut four replicas, one of them twins, in each of the first views.
#include "tests/simulator/twins.hpp"

#include <gtest/gtest.h>

#include "common/consensus/mutation.hpp"

namespace kilter::consensus::simulation {
namespace {

TEST(Twins, ThreeViewsExhaustively) {
    std::size_t contradictions = 0;
    const std::uint64_t scenarios = for_each_twins_scenario(3, [&](const TwinsScenario& scenario) {
        const TwinsResult result = play(scenario);
        contradictions += result.double_vote ? 1 : 0;
        EXPECT_EQ(result.violation, "") << "twin " << scenario.twin << " cuts " << scenario.cuts[0]
                                        << ' ' << scenario.cuts[1] << ' ' << scenario.cuts[2];
    });
    EXPECT_EQ(scenarios, 4u * (16 * 16 * 16 / 2 + 8 * 8 * 8 / 2));
    EXPECT_GT(contradictions, 100u) << "twins that never contradict each other attack nothing";
}

TEST(Twins, AForkWithAQuorumTooSmall) {
    mutant = Mutant::smaller_quorum;
    std::size_t forks = 0;
    for_each_twins_scenario(1, [&](const TwinsScenario& scenario) {
        forks += play(scenario).violation.starts_with("S") ? 1 : 0;
    });
    mutant = Mutant::none;
    EXPECT_GT(forks, 0u);
}

}  // namespace
}  // namespace kilter::consensus::simulation
