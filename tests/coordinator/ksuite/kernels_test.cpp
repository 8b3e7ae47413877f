// Every kernel against a slow method that shares nothing with it.

#include "coordinator/ksuite/kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/prox/battery.hpp"
#include "coordinator/ksuite/line_step.hpp"
#include "tests/coordinator/ksuite/slow_line.hpp"

namespace kilter::ksuite::kernels_test {
namespace {

using Row = std::array<double, intervals>;
using test::line_prox_slowly;
using test::Point;

Row draw(Prng& random, double low, double high) {
    Row row;
    double level = random.uniform(low, high);
    for (double& value : row) {  // steps, so that limits on change bind in some places only
        if (random.chance(0.2)) level = random.uniform(low, high);
        value = level + random.uniform(-1, 1);
    }
    return row;
}

/// Dykstra's alternating projections onto the band and every pair's ramp.
Row project_slowly(const Row& m, double low, double high, double ramp) {
    Row p = m;
    Row band_correction{};
    std::array<double, intervals> pair_correction{};  // added to p[t + 1], taken from p[t]
    for (int sweep = 0; sweep < 20'000; ++sweep) {
        for (std::size_t t = 0; t < intervals; ++t) {
            const double before = p[t] + band_correction[t];
            p[t] = std::clamp(before, low, high);
            band_correction[t] = before - p[t];
        }
        for (std::size_t t = 0; t + 1 < intervals; ++t) {
            const double a = p[t] - pair_correction[t];
            const double b = p[t + 1] + pair_correction[t];
            const double over = b - a - std::clamp(b - a, -ramp, ramp);
            p[t] = a + over / 2;
            p[t + 1] = b - over / 2;
            pair_correction[t] = over / 2;
        }
    }
    return p;
}

TEST(RampChain, finds_the_nearest_schedule) {
    Prng random(7);
    RampChain chain;
    for (int round = 0; round < 40; ++round) {
        const double high = random.uniform(5, 50);
        const double ramp = random.uniform(0.2, 6);
        const Row m = draw(random, -15, 60);
        Row p;
        chain.project(m.data(), 0.01, high, ramp, p.data());
        const Row slow = project_slowly(m, 0.01, high, ramp);
        for (std::size_t t = 0; t < intervals; ++t)
            ASSERT_NEAR(p[t], slow[t], 1e-5) << "round " << round << ", interval " << t;
    }
}

TEST(GeneratorProx, minimises_cost_and_distance_within_band_and_ramp) {
    Prng random(8);
    RampChain chain;
    for (int round = 0; round < 20; ++round) {
        const Generator device{0.01, 50, round % 2 == 0 ? 3.0 : 80.0, 0.004, 0.1};
        const double rho = random.uniform(0.001, 0.1);
        const Row target = draw(random, -60, 20);
        Row m, x;
        for (std::size_t t = 0; t < intervals;
             ++t)  // the minimum of a p² + b p + ρ/2 (−p − target)²
            m[t] = -(device.linear + rho * target[t]) / (2 * device.quadratic + rho);
        prox(device, rho, target.data(), x.data(), chain);
        const Row slow = project_slowly(m, device.power_min, device.power_max, device.ramp);
        double expected_cost = 0;
        for (std::size_t t = 0; t < intervals; ++t) {
            ASSERT_NEAR(-x[t], slow[t], 1e-5);
            expected_cost += device.quadratic * x[t] * x[t] - device.linear * x[t];
        }
        EXPECT_NEAR(cost(device, x.data()), expected_cost, 1e-9 * expected_cost);
    }
}

TEST(DeferrableProx, raises_all_by_one_amount_until_the_energy_is_reached) {
    Prng random(9);
    for (int round = 0; round < 300; ++round) {
        const auto first = static_cast<std::uint32_t>(random.below(40));
        const auto last =
            static_cast<std::uint32_t>(first + 9 + random.below(intervals - first - 9));
        const double energy = random.uniform(5, 10);
        const double power = 5 * energy / (last - first + 1);
        const Row fixed = draw(random, 0, 1);
        const Row target = draw(random, -power, 2 * power);
        Row x;
        prox(DeferrableLoad{first, last, energy, power, fixed.data()}, target.data(), x.data());

        const auto taken = [&](double raise) {
            double sum = 0;
            for (std::size_t t = first; t <= last; ++t)
                sum += std::clamp(target[t] - fixed[t] + raise, 0.0, power);
            return sum;
        };
        double low = 0, high = 1000;
        for (int i = 0; i < 200; ++i)
            (taken((low + high) / 2) < energy ? low : high) = (low + high) / 2;
        for (std::size_t t = 0; t < intervals; ++t) {
            const bool open = t >= first && t <= last;
            const double own = open ? std::clamp(target[t] - fixed[t] + high, 0.0, power) : 0;
            ASSERT_NEAR(x[t] - fixed[t], own, 1e-9) << "round " << round;
        }
    }
}

TEST(CurtailableProx, weighs_the_penalty_against_the_distance) {
    Prng random(10);
    for (int round = 0; round < 50; ++round) {
        const double wanted = random.uniform(5, 15), penalty = random.uniform(0.1, 0.2);
        const double rho = random.uniform(0.005, 0.5);
        const Row fixed = draw(random, 0, 1);
        const Row target = draw(random, -5, 20);
        const CurtailableLoad device{wanted, penalty, fixed.data()};
        Row x;
        prox(device, rho, target.data(), x.data());
        double missing = 0;
        for (std::size_t t = 0; t < intervals; ++t) {
            double low = 0, high = wanted;  // golden section
            const auto f = [&](double c) {
                return penalty * (wanted - c) + rho / 2 * std::pow(c + fixed[t] - target[t], 2);
            };
            for (int i = 0; i < 100; ++i) {
                const double a = low + 0.382 * (high - low), b = low + 0.618 * (high - low);
                (f(a) < f(b) ? high : low) = f(a) < f(b) ? b : a;
            }
            ASSERT_NEAR(x[t] - fixed[t], low, 1e-6);
            missing += wanted - (x[t] - fixed[t]);
        }
        EXPECT_NEAR(cost(device, x.data()), penalty * missing, 1e-9);
    }
}

TEST(BatteryProx, is_that_of_the_home) {
    Prng random(11);
    prox::StorageChain chain(intervals);
    for (int round = 0; round < 20; ++round) {
        const Battery device{random.uniform(5, 10), random.uniform(20, 50)};
        model::Battery same;
        same.power_max_kw = device.power_max;
        same.energy_max_kwh = device.energy_max;
        same.energy_start_kwh = 0;
        same.energy_end_min_kwh = 0;
        prox::Battery home_battery(same, 1, intervals);
        const Row target = draw(random, -8, 8);
        model::Schedules wish(1, intervals), expected;
        for (std::size_t t = 0; t < intervals; ++t)
            wish(0, static_cast<Eigen::Index>(t)) = target[t];
        ASSERT_EQ(home_battery.prox(wish, Eigen::VectorXd::Ones(1), expected),
                  model::ProxStatus::solved);
        Row x;
        prox(device, target.data(), x.data(), chain);
        for (std::size_t t = 0; t < intervals; ++t)
            ASSERT_NEAR(x[t], expected(0, static_cast<Eigen::Index>(t)), 1e-9);
    }
}

TEST(LineStep, projects_onto_what_the_line_can_carry) {
    Prng random(12);
    for (int round = 0; round < 60; ++round) {
        const double capacity = random.uniform(10, 100);
        const double k = random.uniform(0.01, 0.15) / capacity;
        const double alpha = random.uniform(1, 1.9), scale = random.uniform(1, 200);
        Row s1 = draw(random, -1.5 * capacity, 1.5 * capacity),
            s2 = draw(random, -1.5 * capacity, 1.5 * capacity);
        if (round % 2 == 0)  // as in practice: little is lost
            for (std::size_t t = 0; t < intervals; ++t)
                s2[t] = -s1[t] + random.uniform(-0.1, 0.2) * capacity;
        const Row y1 = draw(random, 0, 0.01), y2 = draw(random, 0, 0.01);
        const Row before1 = s1, before2 = s2;
        const double moved =
            line_step({k, capacity}, {alpha, scale}, s1.data(), s2.data(), y1.data(), y2.data());
        double expected_moved = 0;
        for (std::size_t t = 0; t < intervals; ++t) {
            const double z1 = before1[t] - scale * y1[t], z2 = before2[t] - scale * y2[t];
            const double t1 = z1 - scale * y1[t], t2 = z2 - scale * y2[t];
            const Point x = line_prox_slowly(k, capacity, t1 + t2, (t1 - t2) / 2, 0, 0, 0);
            ASSERT_NEAR(s1[t], before1[t] + alpha * (x.sum / 2 + x.flow - z1), 1e-5);
            ASSERT_NEAR(s2[t], before2[t] + alpha * (x.sum / 2 - x.flow - z2), 1e-5);
            expected_moved += std::pow(s1[t] - before1[t], 2) + std::pow(s2[t] - before2[t], 2);
        }
        EXPECT_NEAR(moved, expected_moved, 1e-9 * expected_moved);
    }
}

TEST(LineStep, solves_the_cubic_to_rounding_for_targets_near_the_line) {
    Prng random(13);
    for (int round = 0; round < 50; ++round) {
        const double capacity = 40, k = 0.15 / capacity;
        Row s1, s2;
        const Row price{};
        for (std::size_t t = 0; t < intervals; ++t) {
            s1[t] = random.uniform(-capacity, capacity);
            s2[t] = -s1[t] + random.uniform(-0.5, 0.1) * capacity;
        }
        const Row t1 = s1, t2 = s2;
        line_step({k, capacity}, {1, 1}, s1.data(), s2.data(), price.data(), price.data());
        for (std::size_t t = 0; t < intervals; ++t) {
            const double sum = t1[t] + t2[t], wish = (t1[t] - t2[t]) / 2;
            const double f = (s1[t] - s2[t]) / 2;
            if (sum >= k * wish * wish || std::abs(f) >= capacity * (1 - 1e-12)) continue;
            EXPECT_NEAR(k * k * f * f * f + (2 - k * sum) * f, 2 * wish, 1e-11 * capacity);
        }
    }
}

TEST(LineStep, agrees_on_phases_as_well) {
    Prng random(14);
    for (int round = 0; round < 40; ++round) {
        const double capacity = random.uniform(10, 60);
        const double k = random.uniform(0.05, 0.15) / capacity,
                     kappa = random.uniform(0.02, 0.09) / capacity;
        const double g = random.uniform(0.1, 3) / (kappa * kappa), alpha = 1.7;
        const double added = g * kappa * kappa / 2;
        Row s1 = draw(random, -capacity, capacity), s2 = draw(random, -capacity, capacity);
        Row said1 = draw(random, -0.1, 0.1), said2 = draw(random, -0.1, 0.1);
        const Row agreed1 = draw(random, -0.1, 0.1), agreed2 = draw(random, -0.1, 0.1);
        const Row price{}, t1 = s1, t2 = s2, heard1 = said1, heard2 = said2;
        const LineSums sums =
            line_step({k, capacity}, {kappa, 2 + added, added / (2 + added)}, {alpha, 1}, s1.data(),
                      s2.data(), price.data(), price.data(), {said1.data(), agreed1.data()},
                      {said2.data(), agreed2.data()});
        double missed = 0;
        for (std::size_t t = 0; t < intervals; ++t) {
            const double u1 = heard1[t] - agreed1[t], u2 = heard2[t] - agreed2[t];
            const double wish1 = agreed1[t] - u1, wish2 = agreed2[t] - u2;
            const Point x = line_prox_slowly(k, capacity, t1[t] + t2[t], (t1[t] - t2[t]) / 2, g,
                                             kappa, wish1 - wish2);
            ASSERT_NEAR(s1[t], t1[t] + alpha * (x.sum / 2 + x.flow - t1[t]), 2e-5);
            // the nearest pair of phases with the flow's difference
            const double turn = (kappa * x.flow - (wish1 - wish2)) / 2;
            const double theta1 = wish1 + turn, theta2 = wish2 - turn;
            ASSERT_NEAR(said1[t], u1 + alpha * theta1 + (1 - alpha) * agreed1[t], 1e-6);
            ASSERT_NEAR(said2[t], u2 + alpha * theta2 + (1 - alpha) * agreed2[t], 1e-6);
            missed += std::pow(theta1 - agreed1[t], 2) + std::pow(theta2 - agreed2[t], 2);
        }
        EXPECT_NEAR(sums.phase_missed, missed, 1e-4 * missed);
    }
}

}  // namespace
}  // namespace kilter::ksuite::kernels_test
