// A plan in a person's words. Interval 1978128 begins at 2026-06-01 12:00 UTC.
#include "agent/core/plan.hpp"

#include <gtest/gtest.h>

namespace kilter::agent {
namespace {

constexpr IntervalIndex noon = 1'978'128;
constexpr std::int64_t quarter_s = 900;

// Two hours cheap, then dear; the battery charges in the first and discharges in the second.
struct PlanTest : testing::Test {
    PlanTest() : price(16, 0.12) {
        std::fill(price.begin() + 8, price.end(), 0.38);
        price[3] = 0.08;
        home.load_kw = model::Series::Constant(16, 0.5);
        home.battery.power_max_kw = 4;
        plan.battery_kw = model::Series::Zero(16);
        plan.battery_kw.segment(0, 4).setConstant(4);
        plan.battery_kw[1] = 0.1;  // a pause that counts as none
        plan.battery_kw.segment(8, 4).setConstant(-3);
    }

    std::vector<double> price;
    model::Home home;
    prox::HomePlan plan;
};

TEST_F(PlanTest, a_battery_charges_when_it_is_cheap_and_discharges_when_it_is_dear) {
    const auto steps = planned_steps(home, plan, price, noon);
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_NEAR(steps[0].energy_kwh, 3.025, 1e-12);
    EXPECT_EQ(in_words(steps[0], noon, quarter_s),
              "the battery charges 12:00 to 13:00 because energy costs 11.0 ct/kWh then and 38.0 "
              "ct/kWh at 14:00");
    EXPECT_EQ(in_words(steps[1], noon, quarter_s),
              "the battery discharges 14:00 to 15:00 because energy costs 38.0 ct/kWh then and "
              "cost 8.0 ct/kWh at 12:45");
}

TEST_F(PlanTest, what_costs_the_same_all_day_is_not_explained_by_a_price) {
    std::fill(price.begin(), price.end(), 0.2);
    EXPECT_EQ(in_words(planned_steps(home, plan, price, noon)[0], noon, quarter_s),
              "the battery charges 12:00 to 13:00, when energy costs 20.0 ct/kWh");
}

TEST_F(PlanTest, a_restless_device_is_told_of_by_its_longest_steps) {
    plan.battery_kw.setZero();
    plan.vehicle_kw = {model::Series::Zero(16), model::Series::Zero(16)};
    for (Eigen::Index t = 0; t < 16; t += 3)
        plan.vehicle_kw[1][t] = 1 + static_cast<double>(t);
    const auto steps = planned_steps(home, plan, price, noon);
    ASSERT_EQ(steps.size(), steps_per_device_max);
    EXPECT_EQ(steps.front().device, "vehicle 2");
    EXPECT_EQ(steps.front().from, noon + 6);
    EXPECT_EQ(steps.back().from, noon + 15);
}

TEST_F(PlanTest, another_day_is_named) {
    EXPECT_EQ(in_words(price, noon + 40, quarter_s),
              "energy costs 12.0 ct/kWh at 22:00, least at 22:45 (8.0) and most at 00:00 tomorrow "
              "(38.0)");
    price[0] = -0.0512;
    EXPECT_EQ(in_words(price, noon, quarter_s),
              "energy costs -5.1 ct/kWh at 12:00, least at 12:00 (-5.1) and most at 14:00 (38.0)");
}

}  // namespace
}  // namespace kilter::agent
