#include "common/model/home.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace kilter::model::home_test {
namespace {

Home good() {
    Home home;
    home.load_kw = Series::Constant(8, 1);
    home.pv_available_kw = Series::Zero(8);
    home.battery = {2, 10, 5, 6};
    return home;
}

void expect_refused(const Home& home, const std::string& named) {
    const auto result = home.validate();
    ASSERT_FALSE(result.ok()) << named;
    EXPECT_NE(result.error().message.find(named), std::string::npos) << result.error().message;
}

TEST(Home, AcceptsWhatIsInRange) {
    EXPECT_TRUE(good().validate().ok());
    Home home = good();
    home.battery = {};
    EXPECT_TRUE(home.validate().ok());
    EXPECT_FALSE(home.can_flex());
    home.pv_available_kw[3] = 1;
    EXPECT_TRUE(home.can_flex());
}

TEST(Home, NamesWhatIsWrong) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Home home = good();
    home.interval_h = 0;
    expect_refused(home, "interval_h is 0");
    home = good();
    home.load_kw.resize(0);
    expect_refused(home, "load_kw is empty");
    home = good();
    home.pv_available_kw.resize(3);
    expect_refused(home, "pv_available_kw has 3 intervals but load_kw has 8");
    home = good();
    home.load_kw[5] = -1;
    expect_refused(home, "load_kw in interval 5 is -1");
    home = good();
    home.pv_available_kw[2] = nan;
    expect_refused(home, "pv_available_kw in interval 2 is nan");
    home = good();
    home.battery.power_max_kw = -2;
    expect_refused(home, "power_max_kw is -2");
    home = good();
    home.battery.energy_start_kwh = 11;
    expect_refused(home, "energy_start_kwh is 11, more than energy_max_kwh 10");
    home = good();
    home.battery.energy_end_min_kwh = 12;
    expect_refused(home, "energy_end_min_kwh is 12, more than energy_max_kwh 10");
    home = good();
    home.battery.charge_efficiency = 1.5;
    expect_refused(home, "charge_efficiency is 1.5");
    home = good();
    home.load_kw = Series::Zero(100'000);
    expect_refused(home, "100000 intervals");
}

}  // namespace
}  // namespace kilter::model::home_test
