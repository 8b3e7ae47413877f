#include "common/wire/replay.hpp"

#include <set>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::wire {
namespace {

constexpr std::uint64_t window = limits::replay_window;

TEST(ReplayWindow, each_counter_once) {
    ReplayWindow replay;
    for (const std::uint64_t counter : {0, 1, 2, 9, 5}) {
        EXPECT_EQ(replay.accept(counter), Freshness::fresh) << counter;
        EXPECT_EQ(replay.accept(counter), Freshness::replayed) << counter;
    }
}

TEST(ReplayWindow, its_edge_is_exact) {
    ReplayWindow replay;
    const std::uint64_t newest = 1'000'000;
    EXPECT_EQ(replay.accept(newest), Freshness::fresh);
    EXPECT_EQ(replay.accept(newest - window), Freshness::too_old);
    EXPECT_EQ(replay.accept(newest - window + 1), Freshness::fresh);
    EXPECT_EQ(replay.accept(newest - window + 1), Freshness::replayed);
}

TEST(ReplayWindow, works_to_the_last_counter) {
    ReplayWindow replay;
    EXPECT_EQ(replay.accept(0), Freshness::fresh);
    EXPECT_EQ(replay.accept(~std::uint64_t{0}), Freshness::fresh);
    EXPECT_EQ(replay.accept(~std::uint64_t{0}), Freshness::replayed);
    EXPECT_EQ(replay.accept(~std::uint64_t{0} - 1), Freshness::fresh);
    EXPECT_EQ(replay.accept(0), Freshness::too_old);
}

TEST(ReplayWindow, agrees_with_a_set_on_random_walks) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Prng prng(seed);
        ReplayWindow replay;
        std::set<std::uint64_t> seen;
        std::uint64_t at = prng.below(1 << 20);
        for (int step = 0; step < 5'000; ++step) {
            const std::uint64_t jump = prng.chance(0.01) ? 5 * window : 20;
            at += prng.below(jump);
            const std::uint64_t back = prng.below(prng.chance(0.1) ? 2 * window : 40);
            const std::uint64_t counter = at > back ? at - back : 0;
            const bool too_old = !seen.empty() && *seen.rbegin() >= counter + window;
            const auto expected = too_old                  ? Freshness::too_old
                                  : seen.contains(counter) ? Freshness::replayed
                                                           : Freshness::fresh;
            ASSERT_EQ(replay.accept(counter), expected) << "seed " << seed << " step " << step;
            if (expected == Freshness::fresh) seen.insert(counter);
        }
    }
}

}  // namespace
}  // namespace kilter::wire
