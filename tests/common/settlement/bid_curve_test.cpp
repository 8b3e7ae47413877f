#include "common/settlement/bid_curve.hpp"

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::settlement::bid_curve_test {
namespace {

TEST(BidCurve, FallingPointsStayAsTheyAre) {
    EXPECT_EQ(bid_curve({{300, 10}, {100, 50}, {200, 30}}),
              (std::vector<BidStep>{{100, 50, 1}, {200, 30, 1}, {300, 10, 1}}));
    EXPECT_TRUE(bid_curve({}).empty());
}

TEST(BidCurve, PointsThatRiseArePooledToTheirMean) {
    EXPECT_EQ(bid_curve({{100, 10}, {200, 41}, {300, -5}, {300, -6}}),
              (std::vector<BidStep>{{200, 25, 2}, {300, -6, 2}}))
        << "25.5 and -5.5, rounded down";
}

// What isotonic regression is: no other falling step function is nearer. Moving any step of the result cannot help, and a
// pool's mean is what its points alone ask for.
TEST(BidCurve, FallsKeepsEveryPointAndTheTotal) {
    Prng random(7);
    for (int run = 0; run < 200; ++run) {
        std::vector<BidPoint> points;
        std::int64_t total = 0;
        const std::size_t count = 1 + random.below(40);
        for (std::size_t i = 0; i < count; ++i) {
            points.push_back({static_cast<std::int64_t>(random.below(10)) * 1'000,
                              static_cast<std::int64_t>(random.below(9'000)) - 4'000});
            total += points.back().energy_wh;
        }
        const auto curve = bid_curve(points);
        std::size_t used = 0;
        std::int64_t low = 0;
        for (std::size_t i = 0; i < curve.size(); ++i) {
            used += curve[i].points;
            low += curve[i].energy_wh * static_cast<std::int64_t>(curve[i].points);
            if (i == 0) continue;
            EXPECT_LT(curve[i - 1].price_micro_eur_per_kwh, curve[i].price_micro_eur_per_kwh);
            EXPECT_GE(curve[i - 1].energy_wh, curve[i].energy_wh);
        }
        EXPECT_EQ(used, count);
        EXPECT_LE(low, total);
        EXPECT_LT(total, low + static_cast<std::int64_t>(count))
            << "less than 1 Wh a point is rounded";
    }
}

}  // namespace
}  // namespace kilter::settlement::bid_curve_test
