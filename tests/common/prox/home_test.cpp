#include "common/prox/home.hpp"

#include <cmath>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "tests/common/prox/instances.hpp"

namespace kilter::prox {
namespace {

using model::ProxStatus;
using model::Schedules;
using test::random_home;
using test::random_schedules;

Eigen::VectorXd penalty_of(double k) {
    return Eigen::VectorXd::Constant(1, k);
}

/// The slow oracle: splitting (ADMM) between the powers, the power boxes and the energy boxes, run
/// until it stands still.
Schedules oracle(const model::Home& home, const Schedules& target) {
    const Eigen::Index n = home.load_kw.size();
    const auto& battery = home.battery;
    const Eigen::MatrixXd sums = Eigen::MatrixXd::Ones(n, n).triangularView<Eigen::Lower>();
    const Eigen::MatrixXd energy = home.interval_h * sums;
    // variables (u, b): min ½‖−u + b − c‖², c = target − load
    Eigen::MatrixXd join(n, 2 * n), rows(3 * n, 2 * n);
    join << -Eigen::MatrixXd::Identity(n, n), Eigen::MatrixXd::Identity(n, n);
    rows << Eigen::MatrixXd::Identity(2 * n, 2 * n), Eigen::MatrixXd::Zero(n, n), energy;
    Eigen::VectorXd low(3 * n), high(3 * n);
    low << Eigen::VectorXd::Zero(n), Eigen::VectorXd::Constant(n, -battery.power_max_kw),
        Eigen::VectorXd::Constant(n, -battery.energy_start_kwh);
    high << home.pv_available_kw, Eigen::VectorXd::Constant(n, battery.power_max_kw),
        Eigen::VectorXd::Constant(n, battery.energy_max_kwh - battery.energy_start_kwh);
    low[3 * n - 1] = battery.energy_end_min_kwh - battery.energy_start_kwh;
    const Eigen::VectorXd c = target.row(0).transpose() - home.load_kw;
    const double rho = 0.3;
    const Eigen::MatrixXd inverse =
        (join.transpose() * join + rho * rows.transpose() * rows).inverse();
    Eigen::VectorXd z = Eigen::VectorXd::Zero(3 * n), w = z, v(2 * n);
    for (int i = 0; i < 200'000; ++i) {
        v = inverse * (join.transpose() * c + rho * rows.transpose() * (z - w));
        const Eigen::VectorXd h = rows * v;
        const Eigen::VectorXd next = (h + w).cwiseMax(low).cwiseMin(high);
        w += h - next;
        const double moved = (next - z).lpNorm<Eigen::Infinity>();
        z = next;
        if (moved < 1e-13 && (h - z).lpNorm<Eigen::Infinity>() < 1e-13) break;
    }
    return (home.load_kw + join * v).transpose();
}

/// Inside the set, and a multiplier per interval (of energy, EUR per kW·interval) that proves it
/// optimal.
void expect_optimal(const model::Home& home,
                    const Home& solved,
                    const Schedules& target,
                    double k,
                    const Schedules& x) {
    const auto& battery = home.battery;
    const double tiny = 1e-9;
    const auto n = static_cast<std::size_t>(home.load_kw.size());
    // φ'(b) may be anything between these at a bound of the battery's power
    double stored = battery.energy_start_kwh;
    double least = -1e300,
           most = 1e300;  // of the multiplier, since the last time energy was at a bound
    for (std::size_t t = 0; t < n; ++t) {
        const auto i = static_cast<Eigen::Index>(t);
        const double b = solved.battery_kw()[t];
        const double u = solved.pv_used_kw()[t];
        stored += home.interval_h * b;
        ASSERT_NEAR(x(0, i), home.load_kw[i] - u + b, tiny);
        ASSERT_NEAR(solved.stored_kwh()[t], stored, tiny);
        ASSERT_LE(std::abs(b), battery.power_max_kw);
        ASSERT_GE(u, 0);
        ASSERT_LE(u, home.pv_available_kw[i]);
        ASSERT_GE(stored, -tiny);
        ASSERT_LE(stored, battery.energy_max_kwh + tiny);
        const double pull = k * (x(0, i) - target(0, i));  // ∂/∂b, and −∂/∂u
        if (u > 0) {
            ASSERT_GE(pull, -tiny);
        }
        if (u < home.pv_available_kw[i]) {
            ASSERT_LE(pull, tiny);
        }
        if (b < battery.power_max_kw) most = std::min(most, pull);
        if (b > -battery.power_max_kw) least = std::max(least, pull);
        ASSERT_LE(least, most + tiny) << "interval " << t;
        const bool last = t + 1 == n;
        const bool empty =
            stored <= (last ? std::max(0.0, battery.energy_end_min_kwh) : 0.0) + tiny;
        const bool full = stored >= battery.energy_max_kwh - tiny;
        // an empty store lets the multiplier fall afterwards, a full one lets it rise; at the end
        // it is worth nothing
        if (last) {
            if (!empty) {
                ASSERT_LE(least, tiny);
            }
            if (!full) {
                ASSERT_GE(most, -tiny);
            }
        } else {
            // the range of the next multiplier: ≤ this one where empty, ≥ this one where full
            if (empty) least = -1e300;
            if (full) most = 1e300;
        }
    }
    ASSERT_GE(stored, std::min(battery.energy_end_min_kwh, battery.energy_max_kwh) - tiny);
}

TEST(HomeProx, AgreesWithASlowOracle) {
    Prng random(1);
    for (int i = 0; i < 60; ++i) {
        const Eigen::Index n = 1 + static_cast<Eigen::Index>(random.below(8));
        const model::Home data = random_home(random, n);
        ASSERT_TRUE(data.validate().ok()) << data.validate().error().message;
        Home home(data);
        const Schedules target = random_schedules(random, 1, n, -6, 6);
        Schedules x;
        ASSERT_EQ(home.prox(target, penalty_of(0.01), x), ProxStatus::solved);
        EXPECT_LT((x - oracle(data, target)).cwiseAbs().maxCoeff(), 1e-8) << "instance " << i;
    }
}

TEST(HomeProx, SatisfiesTheOptimalityConditionsOnLongHorizons) {
    Prng random(2);
    for (int i = 0; i < 300; ++i) {
        const Eigen::Index n = 1 + static_cast<Eigen::Index>(random.below(200));
        const model::Home data = random_home(random, n);
        Home home(data);
        const double k = std::exp(random.uniform(-6, 2));
        const Schedules target = random_schedules(random, 1, n, -4, 4);
        Schedules x;
        ASSERT_EQ(home.prox(target, penalty_of(k), x), ProxStatus::solved);
        expect_optimal(data, home, target, k, x);
        if (HasFatalFailure()) FAIL() << "instance " << i;
    }
}

TEST(HomeProx, SurvivesTargetsThatTie) {
    Prng random(3);
    for (int i = 0; i < 300; ++i) {
        model::Home data = random_home(random, 24);
        // everything on a coarse lattice: marginal costs meet in many intervals, bounds are hit
        // exactly
        data.interval_h = 1;
        for (double& value : data.load_kw)
            value = std::round(value);
        for (double& value : data.pv_available_kw)
            value = std::round(value);
        auto& battery = data.battery;
        for (double* value : {&battery.power_max_kw, &battery.energy_max_kwh,
                              &battery.energy_start_kwh, &battery.energy_end_min_kwh})
            *value = std::floor(*value);
        battery.energy_end_min_kwh = std::min(battery.energy_end_min_kwh,
                                              battery.energy_start_kwh + 24 * battery.power_max_kw);
        Schedules target = random_schedules(random, 1, 24, -3, 3);
        for (double& value : target.reshaped())
            value = std::round(value);
        Home home(data);
        Schedules x;
        ASSERT_EQ(home.prox(target, penalty_of(1), x), ProxStatus::solved);
        expect_optimal(data, home, target, 1, x);
        if (HasFatalFailure()) FAIL() << "instance " << i;
    }
}

TEST(HomeProx, WithoutABatteryIsLoadMinusClampedPanels) {
    model::Home data;
    data.load_kw = model::Series::Constant(3, 2);
    data.pv_available_kw = model::Series::Constant(3, 1.5);
    Home home(data);
    Schedules target(1, 3), x;
    target << 3, 1, -7;
    ASSERT_EQ(home.prox(target, penalty_of(0.1), x), ProxStatus::solved);
    EXPECT_EQ(x(0, 0), 2);
    EXPECT_EQ(x(0, 1), 1);
    EXPECT_EQ(x(0, 2), 0.5);
    EXPECT_EQ(home.pv_at()[0], At::low);
    EXPECT_EQ(home.pv_at()[1], At::inside);
    EXPECT_EQ(home.pv_at()[2], At::high);
}

TEST(HomeProx, ABatteryThatHoldsNothingDoesNothing) {
    model::Home data;
    data.load_kw = model::Series::Constant(4, 1);
    data.pv_available_kw = model::Series::Zero(4);
    data.battery = {3, 0, 0, 0};
    Home home(data);
    Schedules target(1, 4), x;
    target << 5, -5, 0, 2;
    ASSERT_EQ(home.prox(target, penalty_of(0.1), x), ProxStatus::solved);
    EXPECT_TRUE(x.isConstant(1, 1e-14));
}

TEST(HomeProx, LeavesTheBatteryAloneWhereMovingItGainsNothing) {
    model::Home data;
    data.load_kw = model::Series::Constant(4, 1);
    data.pv_available_kw = model::Series::Constant(4, 3);
    data.battery = {2, 8, 4, 4};
    Home home(data);
    Schedules x;
    const Schedules target = Schedules::Zero(1, 4);  // panels alone can meet it
    ASSERT_EQ(home.prox(target, penalty_of(0.1), x), ProxStatus::solved);
    for (const double b : home.battery_kw())
        EXPECT_EQ(b, 0);
    EXPECT_TRUE(x.isZero(0));
}

TEST(HomeProx, TellsTheActiveSet) {
    model::Home data;
    data.interval_h = 1;
    data.load_kw = model::Series::Zero(3);
    data.pv_available_kw = model::Series::Zero(3);
    data.battery = {2, 3, 0, 0};
    Home home(data);
    Schedules target(1, 3), x;
    target << 5, 5, -1;  // charge what fits, then give some back
    ASSERT_EQ(home.prox(target, penalty_of(1), x), ProxStatus::solved);
    EXPECT_EQ(home.stored_at()[1], At::high);
    EXPECT_EQ(home.stored_kwh()[1], 3);
    EXPECT_EQ(home.stored_at()[2], At::inside);
    EXPECT_NEAR(x(0, 0), 1.5, 1e-12);
    EXPECT_NEAR(x(0, 1), 1.5, 1e-12);
    EXPECT_NEAR(x(0, 2), -1, 1e-12);
    EXPECT_EQ(home.battery_at()[0], At::inside);
    target << 9, 0, -9;
    ASSERT_EQ(home.prox(target, penalty_of(1), x), ProxStatus::solved);
    EXPECT_EQ(home.battery_at()[0], At::high);
    EXPECT_EQ(home.battery_at()[2], At::low);
    EXPECT_EQ(x(0, 0), 2);
    EXPECT_EQ(x(0, 2), -2);
}

TEST(HomeProx, ChargesAllTheTimeWhenTheEndIsOutOfReach) {
    model::Home data;
    data.interval_h = 0.5;
    data.load_kw = model::Series::Zero(4);
    data.pv_available_kw = model::Series::Zero(4);
    data.battery = {1, 10, 1, 5};
    Home home(data);
    Schedules x;
    const Schedules target = Schedules::Constant(1, 4, -1);
    EXPECT_EQ(home.prox(target, penalty_of(1), x), ProxStatus::infeasible);
    EXPECT_TRUE(x.isConstant(1, 0));
    EXPECT_NE(home.explain().find("2.000 kWh less"), std::string::npos) << home.explain();

    data.battery = {1, 10, 1, 3};  // the very most that can be reached is not infeasible
    Home just(data);
    EXPECT_EQ(just.prox(target, penalty_of(1), x), ProxStatus::solved);
    EXPECT_TRUE(x.isConstant(1, 0));
    EXPECT_TRUE(just.explain().empty());
}

TEST(HomeProx, DischargesAnOverfullBatteryAtOnce) {
    model::Home data;
    data.interval_h = 1;
    data.load_kw = model::Series::Zero(3);
    data.pv_available_kw = model::Series::Zero(3);
    data.battery = {1, 4, 5.5, 0};
    Home home(data);
    Schedules x;
    EXPECT_EQ(home.prox(Schedules::Zero(1, 3), penalty_of(1), x), ProxStatus::infeasible);
    EXPECT_NEAR(x(0, 0), -1, 1e-12);
    EXPECT_NEAR(x(0, 1), -0.5, 1e-12);
    EXPECT_NE(home.explain().find("0.500 kWh more"), std::string::npos) << home.explain();
}

}  // namespace
}  // namespace kilter::prox
