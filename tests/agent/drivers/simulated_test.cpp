#include "agent/drivers/simulated.hpp"

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/topology/generated.hpp"

namespace kilter::drivers {
namespace {

topology::HomeSpec home() {
    topology::HomeSpec spec;
    spec.name = "h";
    spec.load_kw.assign(96, 1);
    spec.pv_kw.assign(96, 3);
    spec.battery = {
        .power_max_kw = 4, .energy_max_kwh = 10, .energy_start_kwh = 5, .energy_end_min_kwh = 5};
    return spec;
}

TEST(SimulatedHome, FollowsASetPointItCanReach) {
    SimulatedHome devices(home());
    const Reading reading = devices.dispatch(0, 0.5);  // 1 − 3 + 2.5
    EXPECT_EQ(reading.consumption_kw, 0.5);
    EXPECT_EQ(reading.battery_kw, 2.5);
    EXPECT_EQ(reading.pv_used_kw, 3);
    EXPECT_EQ(reading.energy_kwh, 5.625);
    EXPECT_EQ(devices.energy_kwh(), 5.625);
    EXPECT_EQ(devices.horizon(1, 96).battery.energy_start_kwh, 5.625);
}

TEST(SimulatedHome, CurtailsWhatTheBatteryCannotTake) {
    SimulatedHome devices(home(), 9.9);  // 0.4 kW for a quarter of an hour is left
    const Reading reading = devices.dispatch(0, 0.0);
    EXPECT_NEAR(reading.battery_kw, 0.4, 1e-12);
    EXPECT_NEAR(reading.pv_used_kw, 1.4, 1e-12);
    EXPECT_NEAR(reading.consumption_kw, 0, 1e-12);
    EXPECT_NEAR(reading.energy_kwh, 10, 1e-12);
}

TEST(SimulatedHome, ShowsADeviationWhenASetPointIsOutOfReach) {
    topology::HomeSpec spec = home();
    spec.pv_kw.clear();
    SimulatedHome devices(spec, 0.5);  // 2 kW for a quarter of an hour
    const Reading reading = devices.dispatch(0, -5);
    EXPECT_EQ(reading.battery_kw, -2);
    EXPECT_EQ(reading.consumption_kw, -1);
    EXPECT_EQ(reading.energy_kwh, 0);
    EXPECT_EQ(devices.dispatch(1, -5).consumption_kw, 1);
}

TEST(SimulatedHome, AnySetPointLeavesDevicesWithinTheirLimits) {
    Prng random(11);
    const auto specs =
        topology::generate_feeder({.buses = 10}, 1, topology::generated_profiles(1)).homes;
    for (const auto& spec : specs) {
        SimulatedHome devices(spec);
        for (IntervalIndex interval = 0; interval < 200; ++interval) {
            const double before_kwh = devices.energy_kwh();
            const auto now = devices.horizon(interval, 1);
            const double asked_kw = random.uniform(-10, 10);
            const Reading reading = devices.dispatch(interval, asked_kw);
            EXPECT_LE(std::abs(reading.battery_kw), spec.battery.power_max_kw);
            EXPECT_GE(reading.energy_kwh, 0);
            EXPECT_LE(reading.energy_kwh, spec.battery.energy_max_kwh);
            EXPECT_NEAR(reading.energy_kwh, before_kwh + reading.battery_kw / 4, 1e-12);
            EXPECT_GE(reading.pv_used_kw, 0);
            EXPECT_LE(reading.pv_used_kw, now.pv_available_kw[0]);
            EXPECT_EQ(reading.load_kw, now.load_kw[0]);
            EXPECT_EQ(reading.consumption_kw,
                      reading.load_kw - reading.pv_used_kw + reading.battery_kw);
        }
    }
}

}  // namespace
}  // namespace kilter::drivers
