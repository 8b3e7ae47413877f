#include "coordinator/core/patience.hpp"

#include <gtest/gtest.h>

namespace kilter::coordinator::patience_test {
namespace {

constexpr std::uint32_t silence_ms = 2'000;

Patience after(UnixMs span_ms, int iterations) {
    Patience out;
    for (int i = 0; i <= iterations; ++i)
        out.on_progress(1'000 + i * span_ms, true);
    return out;
}

TEST(Patience, IsWhatWasAgreedWhereIterationsAreQuick) {
    EXPECT_EQ(Patience{}.wait_ms(silence_ms), silence_ms);
    EXPECT_EQ(after(20, 30).wait_ms(silence_ms), silence_ms);
    EXPECT_EQ(after(600, 1).wait_ms(silence_ms), silence_ms);
}

TEST(Patience, GrowsWithTheIterationsUpToItsBound) {
    EXPECT_EQ(after(900, 1).wait_ms(silence_ms), 2'700U)
        << "the first: half of it is its deviation";
    EXPECT_EQ(after(1'600, 1).wait_ms(silence_ms), Patience::most_of * silence_ms);
    EXPECT_EQ(after(1'000'000, 5).wait_ms(silence_ms), Patience::most_of * silence_ms);
    EXPECT_EQ(after(900, 100).wait_ms(silence_ms), silence_ms) << "steady ones leave no doubt";
}

TEST(Patience, TakesNoMeasureOfAnIterationInWhichSomebodyWasDropped) {
    Patience patience = after(20, 10);
    patience.on_progress(1'200 + 2'000, false);
    EXPECT_EQ(patience.wait_ms(silence_ms), silence_ms);
    patience.on_progress(1'200 + 2'000 + 20, true);
    EXPECT_EQ(patience.wait_ms(silence_ms), silence_ms);
}

TEST(Patience, HeedsNoClockThatGoesBack) {
    Patience patience = after(20, 10);
    patience.on_progress(0, true);
    patience.on_progress(20, true);
    EXPECT_EQ(patience.wait_ms(silence_ms), silence_ms);
}

}  // namespace
}  // namespace kilter::coordinator::patience_test
