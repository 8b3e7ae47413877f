#include <gtest/gtest.h>

#include "common/prox/battery.hpp"
#include "common/prox/curtailable_pv.hpp"
#include "common/prox/fixed_load.hpp"
#include "common/prox/home.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter::prox::simple_devices_test {
namespace {

using model::ProxStatus;
using model::Schedules;

const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);

TEST(FixedLoadProx, TakesWhatItTakes) {
    model::Series load(3);
    load << 1, 2, -3;
    FixedLoad device(load);
    Schedules x;
    EXPECT_EQ(device.prox(Schedules::Constant(1, 3, 9), one, x), ProxStatus::solved);
    EXPECT_EQ(x, load.transpose());
}

TEST(CurtailablePvProx, ClampsTheTarget) {
    model::Series available(4);
    available << 2, 2, 2, 0;
    CurtailablePv device(available);
    Schedules target(1, 4), expected(1, 4), x;
    target << -5, -1, 3, -1;
    expected << -2, -1, 0, 0;
    EXPECT_EQ(device.prox(target, one, x), ProxStatus::solved);
    EXPECT_EQ(x, expected);
}

TEST(BatteryProx, IsAHomeWithNothingElse) {
    Prng random(5);
    for (int i = 0; i < 50; ++i) {
        model::Home data = test::random_home(random, 30);
        data.load_kw.setZero();
        data.pv_available_kw.setZero();
        Home home(data);
        Battery battery(data.battery, data.interval_h, 30);
        const Schedules target = test::random_schedules(random, 1, 30, -5, 5);
        Schedules from_home, from_battery;
        ASSERT_EQ(home.prox(target, 0.01 * one, from_home), ProxStatus::solved);
        ASSERT_EQ(battery.prox(target, 0.01 * one, from_battery), ProxStatus::solved);
        EXPECT_LT((from_home - from_battery).cwiseAbs().maxCoeff(), 1e-7);
    }
}

TEST(BatteryProx, SaysWhenMoreIsAskedThanItHolds) {
    Battery battery({1, 2, 2, 3}, 1, 2);
    Schedules x;
    EXPECT_EQ(battery.prox(Schedules::Zero(1, 2), one, x), ProxStatus::infeasible);
    EXPECT_NE(battery.explain().find("3.000 kWh"), std::string::npos);
    EXPECT_EQ(battery.chain().levels()[1], 2);
}

}  // namespace
}  // namespace kilter::prox::simple_devices_test
