#include "coordinator/cli/lossy_way.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace kilter::cli::lossy_way_test {

using std::chrono::milliseconds;

constexpr milliseconds delay{20};

LossyWay::Time at(int ms) {
    return LossyWay::Time{} + milliseconds(ms);
}

std::optional<std::int64_t> due_ms(const LossyWay& way) {
    if (!way.due()) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(*way.due() - at(0)).count();
}

std::optional<std::int64_t> alone(Loss loss) {
    LossyWay way(delay);
    way.send({'a'}, loss, at(0));
    return due_ms(way);
}

TEST(LossyWay, WhatIsSentAloneArrivesWhenItsLossIsNoticed) {
    EXPECT_EQ(alone(Loss::none), 20);
    EXPECT_EQ(alone(Loss::within), 60);
    EXPECT_EQ(alone(Loss::last), 100);
    EXPECT_EQ(alone(Loss::whole), 260);
}

TEST(LossyWay, WhatFollowsTellsOfALossEarlierAndWaitsForIt) {
    LossyWay way(delay);
    way.send({'a'}, Loss::whole, at(0));
    way.send({'b'}, Loss::none, at(30));
    EXPECT_EQ(due_ms(way), 90);
    EXPECT_EQ(way.arrived(at(89)), nullptr);
    ASSERT_NE(way.arrived(at(90)), nullptr);
    EXPECT_EQ(way.arrived(at(90))->bytes.front(), 'a');
    way.pop();
    ASSERT_NE(way.arrived(at(90)), nullptr);
    EXPECT_EQ(way.arrived(at(90))->bytes.front(), 'b');
    way.pop();
    EXPECT_EQ(way.bytes(), 0U);
    EXPECT_EQ(due_ms(way), std::nullopt);
}

TEST(LossyWay, WhatIsLostItselfTellsNothing) {
    LossyWay way(delay);
    way.send({'a'}, Loss::whole, at(0));
    way.send({'b'}, Loss::whole, at(30));
    EXPECT_EQ(due_ms(way), 260);
    way.send({'c'}, Loss::last, at(100));  // its first segment arrives
    EXPECT_EQ(due_ms(way), 160);
}

TEST(LossyWay, WhatFollowsLateChangesNothing) {
    LossyWay way(delay);
    way.send({'a'}, Loss::whole, at(0));
    way.send({'b'}, Loss::none, at(230));
    EXPECT_EQ(due_ms(way), 260);
}

}  // namespace kilter::cli::lossy_way_test
