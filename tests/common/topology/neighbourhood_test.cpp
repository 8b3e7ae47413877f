#include "common/topology/neighbourhood.hpp"

#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "common/topology/generated.hpp"

namespace kilter::topology::neighbourhood_test {
namespace {

/// A root and `nets` load buses in a row.
model::Network street(std::size_t nets) {
    model::Network network;
    network.base_kv = 0.4;
    network.buses.push_back({.name = "s"});
    for (std::size_t i = 1; i <= nets; ++i) {
        network.buses.push_back(
            {.name = "b" + std::to_string(i), .load_p_kw = 60, .load_q_kvar = 20});
        network.branches.push_back(
            {.name = "l" + std::to_string(i), .from = i - 1, .to = i, .r_ohm = 0.01, .x_ohm = 0});
        network.nets.push_back({"n" + std::to_string(i), i});
    }
    return network;
}

bool same(const HomeSpec& a, const HomeSpec& b) {
    return a.name == b.name && a.net == b.net && a.load_kw == b.load_kw && a.pv_kw == b.pv_kw &&
           a.battery.power_max_kw == b.battery.power_max_kw &&
           a.battery.energy_max_kwh == b.battery.energy_max_kwh && a.forecast == b.forecast;
}

TEST(Neighbourhood, SeedAndProfilesDecideEverything) {
    const model::Network network = street(32);
    const Profiles profiles = generated_profiles(1);
    const auto a = generate_neighbourhood(network, 3, 1, profiles);
    const auto b = generate_neighbourhood(network, 3, 1, profiles);
    const auto c = generate_neighbourhood(network, 3, 2, profiles);
    ASSERT_EQ(a.size(), 96u);
    std::size_t different = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_TRUE(same(a[i], b[i]));
        different += same(a[i], c[i]) ? 0 : 1;
    }
    EXPECT_EQ(different, a.size());
}

TEST(Neighbourhood, HomesAreRealSizedAndFlexibilityIsEvenlySpread) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const auto homes = generate_neighbourhood(street(32), 3, seed, generated_profiles(seed));
        std::set<std::string> names;
        std::size_t panels = 0;
        std::size_t stiff = 0;
        std::vector<std::size_t> batteries_at(32);
        for (std::size_t i = 0; i < homes.size(); ++i) {
            const HomeSpec& home = homes[i];
            EXPECT_TRUE(home.validate()) << home.validate().error().message;
            EXPECT_EQ(home.net.value, i / 3);
            names.insert(home.name);
            panels += home.pv_kw.empty() ? 0 : 1;
            stiff += home.can_flex() ? 0 : 1;
            EXPECT_EQ(home.can_flex(), home.flexibility() != model::Flexibility::none);
            EXPECT_EQ(home.battery.power_max_kw > 0,
                      home.flexibility() == model::Flexibility::stores);
            EXPECT_EQ(home.can_flex(), home_horizon(home, 40, 96, 900).can_flex());
            if (home.battery.power_max_kw == 0) continue;
            ++batteries_at[home.net.value];
            EXPECT_GE(home.battery.power_max_kw, 3);
            EXPECT_LE(home.battery.power_max_kw, 5);
            EXPECT_GE(home.battery.energy_max_kwh, 8);
            EXPECT_LE(home.battery.energy_max_kwh, 14);
        }
        EXPECT_EQ(names.size(), homes.size());
        EXPECT_EQ(panels, 48u);
        EXPECT_EQ(std::accumulate(batteries_at.begin(), batteries_at.end(), std::size_t{0}), 48u);
        for (const std::size_t batteries : batteries_at) {
            EXPECT_GE(batteries, 1u);
            EXPECT_LE(batteries, 2u);
        }
        EXPECT_GT(stiff, 10u);
        EXPECT_LT(stiff, 40u);
    }
}

TEST(Neighbourhood, TheBusStillConsumesWhatTheFileSays) {
    const model::Network network = street(4);
    const auto homes = generate_neighbourhood(network, 3, 1, generated_profiles(1));
    const model::Network rest = without_homes(network, homes);
    for (std::size_t net = 0; net < 4; ++net) {
        double total_kw = rest.buses[net + 1].load_p_kw;
        for (std::size_t i = 0; i < 3; ++i) {
            const auto& load = homes[3 * net + i].load_kw;
            total_kw += std::accumulate(load.begin(), load.end(), 0.0) / 96;
        }
        EXPECT_NEAR(total_kw, 60, 1e-9);
        EXPECT_EQ(rest.buses[net + 1].load_q_kvar, 20);
    }
    model::Network small = network;
    small.buses[1].load_p_kw = 0.01;
    EXPECT_EQ(without_homes(small, homes).buses[1].load_p_kw, 0);
}

HomeSpec clock_home() {
    HomeSpec home;
    home.name = "clock";
    home.load_kw.resize(192);
    std::iota(home.load_kw.begin(), home.load_kw.end(), 0.0);
    home.pv_kw.assign(96, 2);
    home.battery = {
        .power_max_kw = 4, .energy_max_kwh = 10, .energy_start_kwh = 5, .energy_end_min_kwh = 5};
    home.forecast = {.noise_fraction = 0, .seed = 9};
    return home;
}

TEST(HomeHorizon, FollowsTheTimeOfDayAndRepeatsItsDays) {
    const HomeSpec home = clock_home();
    const IntervalIndex midnight_of_an_even_day = 192 * 9'000;
    const auto horizon = home_horizon(home, midnight_of_an_even_day + 190, 4, 900);
    EXPECT_EQ(horizon.interval_h, 0.25);
    EXPECT_EQ(horizon.load_kw, (model::Series(4) << 190, 191, 0, 1).finished());
    EXPECT_EQ(horizon.pv_available_kw, model::Series::Constant(4, 2));
    EXPECT_EQ(home_horizon(home, -1, 1, 900).load_kw[0], 191);
}

TEST(HomeHorizon, ForecastsChangeByAboutTheirFractionAndTheMeteredIntervalNot) {
    HomeSpec home = clock_home();
    home.load_kw.assign(96, 1);
    home.forecast.noise_fraction = 0.05;
    double squares = 0;
    double changes = 0;
    for (IntervalIndex first = 0; first < 50; ++first) {
        const auto a = home_horizon(home, first, 96, 900);
        const auto again = home_horizon(home, first, 96, 900);
        EXPECT_EQ(a.load_kw, again.load_kw);
        EXPECT_EQ(a.load_kw[0], 1);
        EXPECT_EQ(a.pv_available_kw[0], 2);
        EXPECT_NE(a.load_kw, home_horizon(home, first + 1, 96, 900).load_kw);
        EXPECT_NE(a.load_kw * 2, a.pv_available_kw);
        EXPECT_LE((a.load_kw.array() - 1).abs().maxCoeff(), 0.15 / std::sqrt(2) + 1e-12);
        squares += (a.load_kw.tail(95).array() - 1).square().mean() / 50;
        const auto later = home_horizon(home, first + 1, 96, 900);
        changes += (a.load_kw.tail(94) - later.load_kw.segment(1, 94)).squaredNorm() / 94 / 50;
    }
    EXPECT_NEAR(std::sqrt(changes), 0.05, 0.005);
    EXPECT_NEAR(std::sqrt(2 * squares), 0.05, 0.005);
    HomeSpec other = home;
    other.forecast.seed = 10;
    EXPECT_NE(home_horizon(home, 3, 96, 900).load_kw, home_horizon(other, 3, 96, 900).load_kw);
}

// So that it is missed, priced and named, not taken back in silence.
TEST(HomeHorizon, AsksForTheEndLevelEvenWhereItIsOutOfReach) {
    const auto brief = home_horizon(clock_home(), 0, 2, 900, 1.0);
    EXPECT_EQ(brief.battery.energy_start_kwh, 1);
    EXPECT_EQ(brief.battery.energy_end_min_kwh, 5);
}

TEST(HomeSpec, ValidateNamesTheQuantity) {
    HomeSpec home = clock_home();
    EXPECT_TRUE(home.validate());
    home.load_kw.pop_back();
    EXPECT_EQ(home.validate().error().message,
              "home \"clock\": load_kw has 191 values; it must be whole days of 96");
    home = clock_home();
    home.battery.energy_start_kwh = 11;
    EXPECT_EQ(home.validate().error().message,
              "home \"clock\": the battery's energy_start_kwh is 11.000000; it must be between 0 "
              "and energy_max_kwh");
    home = clock_home();
    home.pv_kw[3] = -1;
    EXPECT_EQ(home.validate().error().message,
              "home \"clock\": pv_kw has a value that is not a number of at least 0");
    home = clock_home();
    home.forecast.noise_fraction = NAN;
    EXPECT_FALSE(home.validate());
}

TEST(GeneratedFeeder, SameSeedSameFeeder) {
    const Profiles profiles = generated_profiles(1);
    for (const std::size_t buses : {2u, 33u, 300u}) {
        const auto a = generate_feeder({.buses = buses}, 5, profiles);
        const auto b = generate_feeder({.buses = buses}, 5, profiles);
        const auto c = generate_feeder({.buses = buses}, 6, profiles);
        ASSERT_TRUE(a.network.validate()) << a.network.validate().error().message;
        EXPECT_EQ(a.network.buses.size(), buses);
        EXPECT_EQ(a.homes.size(), 3 * (buses - 1));
        for (std::size_t i = 0; i + 1 < buses; ++i) {
            EXPECT_EQ(a.network.branches[i].r_ohm, b.network.branches[i].r_ohm);
            EXPECT_LT(a.network.branches[i].from, a.network.branches[i].to);
        }
        EXPECT_EQ(a.network.tie.import_max_kw, b.network.tie.import_max_kw);
        EXPECT_NE(a.network.tie.import_max_kw, c.network.tie.import_max_kw);
        for (std::size_t i = 0; i < a.homes.size(); ++i)
            EXPECT_TRUE(same(a.homes[i], b.homes[i]));
    }
}

TEST(GeneratedFeeder, TheWorstBusFallsByTheDropAtPeakWhenNobodyFlexes) {
    const auto made = generate_feeder({.buses = 100}, 2, generated_profiles(2));
    const model::Network& network = made.network;
    double lowest = 2;
    double peak_kw = 0;
    for (std::size_t t = 0; t < 96; ++t) {
        std::vector<double> flow_kw(network.buses.size());
        for (const HomeSpec& home : made.homes)
            flow_kw[network.nets[home.net.value].bus] += home.load_kw[t];
        for (std::size_t bus = network.buses.size() - 1; bus > 0; --bus)
            flow_kw[network.branches[bus - 1].from] += flow_kw[bus];
        std::vector<double> v(network.buses.size(), 1.0);
        for (const model::Branch& branch : network.branches) {
            v[branch.to] = v[branch.from] - 2 * branch.r_ohm * flow_kw[branch.to] /
                                                (1000 * network.base_kv * network.base_kv);
            lowest = std::min(lowest, v[branch.to]);
        }
        peak_kw = std::max(peak_kw, flow_kw[0]);
    }
    EXPECT_NEAR(lowest, 1 - 0.12, 1e-12);
    EXPECT_LT(lowest, 0.95 * 0.95);  // below the band
    EXPECT_NEAR(network.tie.import_max_kw, 0.95 * peak_kw, 1e-9);
}

}  // namespace
}  // namespace kilter::topology::neighbourhood_test
