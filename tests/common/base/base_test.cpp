#include <memory>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace kilter {
namespace {

TEST(Time, intervals_are_floors_before_1970_too) {
    EXPECT_EQ(interval_at(0, 900), 0);
    EXPECT_EQ(interval_at(899'999, 900), 0);
    EXPECT_EQ(interval_at(900'000, 900), 1);
    EXPECT_EQ(interval_at(-1, 900), -1);
    EXPECT_EQ(interval_at(-900'000, 900), -1);
    EXPECT_EQ(interval_at(-900'001, 900), -2);
    for (const IntervalIndex interval : {-5, 0, 1'978'080}) {
        EXPECT_EQ(interval_at(interval_start(interval, 900), 900), interval);
        EXPECT_EQ(interval_at(interval_start(interval, 900) - 1, 900), interval - 1);
    }
}

// Reference values of SplitMix64 for seed 1234567 (Vigna's splitmix64.c).
TEST(Prng, is_splitmix64) {
    Prng random(1234567);
    EXPECT_EQ(random.next(), 6457827717110365317u);
    EXPECT_EQ(random.next(), 3203168211198807973u);
    EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Prng, stays_in_its_ranges) {
    Prng random(7);
    double sum = 0;
    double squares = 0;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) {
        const double uniform = random.uniform(-2, 3);
        EXPECT_GE(uniform, -2);
        EXPECT_LT(uniform, 3);
        EXPECT_LT(random.below(10), 10u);
        const double normal = random.normal();
        sum += normal;
        squares += normal * normal;
    }
    EXPECT_NEAR(sum / count, 0, 0.03);
    EXPECT_NEAR(squares / count, 1, 0.05);
}

Result<int> half(int value) {
    if (value % 2 != 0) return Error{"odd"};
    return value / 2;
}

Result<std::unique_ptr<int>> boxed_half(int value) {
    const auto halved = half(value);
    if (!halved) return halved.error();
    return std::make_unique<int>(*halved);
}

TEST(Result, is_a_value_or_an_error) {
    const auto good = boxed_half(4);
    ASSERT_TRUE(good.ok());
    EXPECT_EQ(**good, 2);
    const auto bad = boxed_half(3);
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().message, "odd");
    EXPECT_TRUE(Result<void>{}.ok());
    EXPECT_EQ(Result<void>(Error{"no"}).error().message, "no");
}

TEST(Result, gives_its_value_away_when_asked_to) {
    std::unique_ptr<int> taken = *boxed_half(8);
    EXPECT_EQ(*taken, 4);
}

TEST(ResultDeathTest, reading_the_wrong_half_ends_the_process) {
    EXPECT_DEATH(static_cast<void>(*half(3)), "holds an error");
    EXPECT_DEATH(static_cast<void>(half(4).error()), "holds a value");
    EXPECT_DEATH(static_cast<void>(Result<void>{}.error()), "success");
}

}  // namespace
}  // namespace kilter
