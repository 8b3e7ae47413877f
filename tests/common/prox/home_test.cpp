#include "common/prox/home.hpp"

#include <cmath>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "common/prox/battery.hpp"
#include "tests/common/prox/home_oracle.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter::prox::home_test {
namespace {

using model::ProxStatus;
using model::Schedules;
using test::HomeOracle;
using test::random_schedules;

Eigen::VectorXd penalty_of(Eigen::Index rows, double k) {
    return Eigen::VectorXd::Constant(rows, k);
}

/// What every schedule must be near: 10⁻⁶ kW.
constexpr double exact_kw = 1e-6;

/// How often the oracle could be asked and how often it had an answer.
struct Asked {
    int all = 0, answered = 0;
};

void expect_as_oracle(const model::Home& data,
                      Prng& random,
                      const std::string& what,
                      Asked& asked) {
    ASSERT_TRUE(data.validate().ok()) << what << ": " << data.validate().error().message;
    Home home(data);
    HomeOracle oracle(data);
    const double k = std::exp(random.uniform(-6, -1));
    Schedules target = random_schedules(random, data.channels(), data.intervals(), -6, 6), x;
    for (int i = 0; i < 2; ++i) {  // cold, then from the last solution
        home.prox(target, penalty_of(home.rows(), k), x);
        EXPECT_EQ(home.explain().find("did not reach"), std::string::npos)
            << what << home.iterations();
        const Schedules expected = oracle.solve(-k * target, penalty_of(home.rows(), k));
        ++asked.all;
        if (oracle.reached()) {
            ++asked.answered;
            EXPECT_LT((x - expected).cwiseAbs().maxCoeff(), exact_kw)
                << what << (i == 0 ? " cold" : " warm");
        }
        target += random_schedules(random, data.channels(), data.intervals(), -0.5, 0.5);
    }
}

model::Home only_load(Prng& random, Eigen::Index intervals) {
    model::Home home;
    home.interval_h = 0.5;
    home.load_kw = test::random_series(random, intervals, 0, 2);
    home.pv_available_kw = model::Series::Zero(intervals);
    return home;
}

TEST(HomeProx, EveryPieceOfEquipmentByItselfAgreesWithTheOracle) {
    Prng random(1);
    Asked asked;
    for (int i = 0; i < 6; ++i) {
        const Eigen::Index n = 4 + static_cast<Eigen::Index>(random.below(5));
        const model::Home plain = only_load(random, n);
        const auto with = [&](const char* what, auto add) {
            model::Home home = plain;
            add(home);
            expect_as_oracle(home, random, std::string(what) + " " + std::to_string(i), asked);
        };
        with("nothing", [](model::Home&) {});
        with("panels", [&](model::Home& home) {
            home.pv_available_kw = test::random_series(random, n, 0, 4);
        });
        with("inverter", [&](model::Home& home) {
            home.pv_available_kw = test::random_series(random, n, 0, 4);
            home.trades_reactive = true;
            home.inverter_kva = random.uniform(1, 5);
        });
        with("lossless battery", [&](model::Home& home) { home.battery = {2, 4, 1, 2}; });
        with("battery",
             [&](model::Home& home) { home.battery = {2, 4, 1, 2, 0.9, 0.85, 0.01, 0.03}; });
        with("vehicle",
             [&](model::Home& home) { home.vehicles = {test::random_vehicle(random, n, 0.5)}; });
        with("climate",
             [&](model::Home& home) { home.climates = {test::random_climate(random, n)}; });
        with("tank", [&](model::Home& home) { home.tanks = {test::random_tank(random, n)}; });
        with("shiftable",
             [&](model::Home& home) { home.shiftables = {test::random_shiftable(random, n)}; });
        with("deferrable", [&](model::Home& home) {
            home.deferrables = {test::random_deferrable(random, n, 0.5)};
        });
        with("curtailable", [&](model::Home& home) {
            home.curtailables = {{test::random_series(random, n, 0, 2), 0.4}};
        });
        with("generator",
             [&](model::Home& home) { home.generators = {test::random_generator(random)}; });
        with("tie", [&](model::Home& home) { home.tie = test::random_tie(random, n); });
        with("limits", [&](model::Home& home) {
            home.battery = {2, 4, 1, 2};
            home.import_max_kw = 2;
            home.export_max_kw = 0.5;
        });
    }
    EXPECT_GE(asked.answered, asked.all * 3 / 4);
}

TEST(HomeProx, AllTogetherAgreeWithTheOracle) {
    Prng random(2);
    Asked asked;
    for (int i = 0; i < 20; ++i) {
        const Eigen::Index n = 1 + static_cast<Eigen::Index>(random.below(4));
        expect_as_oracle(test::random_equipped_home(random, n, 0.55), random,
                         "instance " + std::to_string(i), asked);
    }
    EXPECT_GE(asked.answered, asked.all * 3 / 4);
}

/// R against differences of proxes at targets moved a little, which move the same way where no bound changes sides.
TEST(HomeProx, AnswersPricesAsDifferencesSay) {
    Prng random(3);
    int compared = 0;
    for (int i = 0; i < 20; ++i) {
        const model::Home data = test::random_equipped_home(random, 5, 0.5);
        const Eigen::Index rows = data.channels(), n = rows * 5;
        const double k = std::exp(random.uniform(-5, -2)), step = 1e-3;
        const Schedules target = random_schedules(random, rows, 5, -5, 5);
        Home home(data);
        Schedules x, up, down;
        Eigen::MatrixXd response;
        home.prox(target, penalty_of(rows, k), x);
        ASSERT_TRUE(home.price_response(k, response));
        ASSERT_EQ(response.rows(), n);
        EXPECT_TRUE(response.isApprox(response.transpose(), 1e-9));
        EXPECT_GT(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(response).eigenvalues().minCoeff(),
                  -1e-6 / k);
        for (Eigen::Index j = 0; j < n; ++j) {
            Schedules moved = target;
            moved(j / 5, j % 5) += step;
            home.prox(moved, penalty_of(rows, k), up);
            moved(j / 5, j % 5) -= 2 * step;
            home.prox(moved, penalty_of(rows, k), down);
            // a kink between them shows as two different slopes
            if (((up - x) - (x - down)).cwiseAbs().maxCoeff() > 1e-3 * step) continue;
            ++compared;
            const Eigen::VectorXd slope = (up - down).transpose().reshaped() /
                                          (2 * step);  // = k ∂x/∂(k target), and y = −k target
            EXPECT_LT((k * response.col(j) - slope).cwiseAbs().maxCoeff(), 5e-3) << i << " " << j;
        }
    }
    EXPECT_GT(compared, 80);
}

/// R at half the penalty is (I − k/2 J)⁻¹ J of J, that at the penalty k.
TEST(HomeProx, AnswersPricesAsIfThePenaltyWereAnother) {
    Prng random(5);
    for (int i = 0; i < 40; ++i) {
        const model::Home data = test::random_equipped_home(random, 6, 0.5);
        const Eigen::Index rows = data.channels(), n = rows * 6;
        const double k = std::exp(random.uniform(-5, -2));
        Home home(data);
        Schedules x;
        Eigen::MatrixXd jacobian, response, again;
        const Schedules target = random_schedules(random, rows, 6, -5, 5);
        if (i % 2 == 0)
            home.prox(target, penalty_of(rows, k), x);
        else
            home.smoothed_prox(target, penalty_of(rows, k), 1e-3, x);
        ASSERT_TRUE(home.price_response(k, jacobian));
        ASSERT_TRUE(home.price_response(k / 2, response));
        const Eigen::MatrixXd less = Eigen::MatrixXd::Identity(n, n) - k / 2 * jacobian;
        EXPECT_LT((k * less.lu().solve(jacobian) - k * response).cwiseAbs().maxCoeff(), 1e-6) << i;
        ASSERT_TRUE(home.price_response(k, again));
        EXPECT_EQ(jacobian, again);
    }
}

/// As a session does: smoothed at one penalty, exact at another, in turn. Neither may show in the other.
TEST(HomeProx, ForgetsNeitherPenaltyNorExactnessBetweenSmoothedAnswers) {
    Prng random(8);
    for (int i = 0; i < 20; ++i) {
        const model::Home data = test::random_equipped_home(random, 6, 0.5);
        const Eigen::Index rows = data.channels();
        const double soft = std::exp(random.uniform(-6, -4)), stiff = 15 * soft;
        Home home(data);
        Schedules target = random_schedules(random, rows, 6, -5, 5), smooth, x, fresh;
        Eigen::MatrixXd response;
        for (const double smoothing : {1.0, 1e-3, 1e-4, 1e-5}) {
            target += random_schedules(random, rows, 6, -1, 1);
            home.smoothed_prox(target, penalty_of(rows, soft), smoothing, smooth);
            ASSERT_TRUE(home.price_response(soft, response));
            const Eigen::VectorXd part =
                Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(soft * response).eigenvalues();
            EXPECT_GT(part.minCoeff(), -1e-6) << i;
            EXPECT_LT(part.maxCoeff(), 1 + 1e-6) << i;

            Home exact(data), alone(data);
            exact.prox(target, penalty_of(rows, soft), x);
            // k/2 ‖smooth − x‖² is at most what the barrier's products add up to
            EXPECT_LT((smooth - x).norm(), std::sqrt(2000 * smoothing)) << i << " " << smoothing;
            alone.smoothed_prox(target, penalty_of(rows, soft), smoothing, fresh);
            EXPECT_LT((smooth - fresh).cwiseAbs().maxCoeff(), 0.3 * std::sqrt(smoothing)) << i;

            Home other(data);
            const auto one = home.prox(target, penalty_of(rows, stiff), x);
            EXPECT_EQ(one, other.prox(target, penalty_of(rows, stiff), fresh)) << i;
            EXPECT_LT((x - fresh).cwiseAbs().maxCoeff(), 1e-6) << i << " after " << smoothing;
        }
    }
}

/// Panels that could deliver less than anybody measures, at dawn or where a sine crosses zero, beside a battery: the step costs
/// what it costs without them.
TEST(HomeProx, HardlyAnySunCostsNoMoreThanNone) {
    const Eigen::Index n = 24;
    const auto factors = [&](double least_kw) {
        Prng random(9);
        model::Home data;
        data.load_kw = test::random_series(random, n, 0.2, 2);
        data.pv_available_kw = test::random_series(random, n, 0, 3);
        for (Eigen::Index t = 0; t < n; t += 3)
            data.pv_available_kw[t] = least_kw;
        data.battery = {.power_max_kw = 2,
                        .energy_max_kwh = 6,
                        .energy_start_kwh = 3,
                        .energy_end_min_kwh = 3,
                        .charge_efficiency = 0.95};
        HomeSolver solver(program_of(data, {}));
        Meter meter{.linear_p = Eigen::ArrayXd::Zero(n),
                    .linear_q = Eigen::ArrayXd::Zero(n),
                    .curvature_p = 0.01,
                    .curvature_q = 0,
                    .unit = 0.01};
        int sum = 0;
        for (int step = 0; step < 10; ++step) {
            for (double& slope : meter.linear_p)
                slope = random.uniform(-0.02, 0.02);
            EXPECT_TRUE(solver.solve_smoothed(meter, 1e-4)) << least_kw;
            sum += solver.iterations();
            EXPECT_TRUE(solver.solve(meter, HomeSolver::products_end, true)) << least_kw;
            sum += solver.iterations();
        }
        return sum;
    };
    const int none = factors(0);
    for (const double least_kw : {1e-16, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4})
        EXPECT_LE(factors(least_kw), none + none / 3) << least_kw;
}

/// A smoothed answer has no kinks: its response is what differences say at every target, wide of the products' root or not.
TEST(HomeProx, SmoothedAnswersPricesAsDifferencesSayEverywhere) {
    Prng random(9);
    for (int i = 0; i < 20; ++i) {
        const model::Home data = test::random_equipped_home(random, 5, 0.5);
        const Eigen::Index rows = data.channels();
        const double k = std::exp(random.uniform(-5, -2)), smoothing = 1e-2, step = 1e-2;
        const Schedules target = random_schedules(random, rows, 5, -5, 5);
        Home home(data);
        Schedules x, up, down;
        Eigen::MatrixXd response;
        home.smoothed_prox(target, penalty_of(rows, k), smoothing, x);
        ASSERT_TRUE(home.price_response(k, response));
        EXPECT_TRUE(response.isApprox(response.transpose(), 1e-9));
        for (Eigen::Index j = 0; j < rows * 5; ++j) {
            Schedules moved = target;
            moved(j / 5, j % 5) += step;
            home.smoothed_prox(moved, penalty_of(rows, k), smoothing, up);
            moved(j / 5, j % 5) -= 2 * step;
            home.smoothed_prox(moved, penalty_of(rows, k), smoothing, down);
            const Eigen::VectorXd slope = (up - down).transpose().reshaped() / (2 * step);
            EXPECT_LT((k * response.col(j) - slope).cwiseAbs().maxCoeff(), 0.05) << i << " " << j;
        }
    }
}

/// The prox by the path alone, to a thousandth of the products that schedules end at; false where rounding is in the way.
bool far_along_the_path(const model::Home& data, const Schedules& target, double k, Schedules& x) {
    HomeSolver solver(
        program_of(data, std::vector<std::optional<std::size_t>>(data.shiftables.size())));
    Meter meter;
    meter.unit = meter.curvature_p = meter.curvature_q = k;
    meter.linear_p = -k * target.row(0).transpose().array();
    meter.linear_q = -k * target.bottomRows(1).transpose().array();
    if (!solver.solve(meter, 1e-3 * HomeSolver::products_end)) return false;
    const HomeProgram& p = solver.program();
    x.resize(target.rows(), target.cols());
    if (x.rows() > 1) x.row(1) = (p.base_kvar + solver.reactive_kvar()).transpose();
    for (Eigen::Index t = 0; t < p.intervals; ++t)
        x(0, t) = solver.scalar(p.at_meter + t);
    return true;
}

/// From the last solution's sides and from nowhere as along the path, over a day and steps of all sizes.
TEST(HomeProx, StepsFromSidesAndFromNowhereToWhereThePathLeads) {
    constexpr Eigen::Index day = 96;
    Prng random(9);
    int steps = 0, compared = 0, few = 0;
    for (int i = 0; i < 24; ++i) {
        const model::Home data = test::random_equipped_home(random, day, 0.25);
        const double k = std::exp(random.uniform(-5, -3));
        const double move = std::exp(random.uniform(-6, -1));
        Home home(data);
        Schedules target = random_schedules(random, data.channels(), day, -4, 4), x, cold, expected;
        home.prox(target, penalty_of(home.rows(), k), x);
        for (int step = 0; step < 6; ++step, ++steps) {
            target += random_schedules(random, data.channels(), day, -move, move);
            Home fresh(data);
            EXPECT_EQ(home.prox(target, penalty_of(home.rows(), k), x),
                      fresh.prox(target, penalty_of(home.rows(), k), cold))
                << i;
            few += home.iterations() <= 6;
            if (!far_along_the_path(data, target, k, expected)) continue;
            ++compared;
            EXPECT_LT((x - expected).cwiseAbs().maxCoeff(), exact_kw) << i << " moved by " << move;
            EXPECT_LT((cold - expected).cwiseAbs().maxCoeff(), exact_kw) << i;
        }
    }
    EXPECT_GE(compared, steps * 9 / 10);
    EXPECT_GE(few, steps * 3 / 4);
}

TEST(HomeProx, KnowsTheLeastItCanCostAndWhatAScheduleCosts) {
    Prng random(4);
    int compared = 0;
    for (int i = 0; i < 10; ++i) {
        const model::Home data = test::random_equipped_home(random, 4, 0.5);
        const Schedules y = random_schedules(random, data.channels(), 4, -0.05, 0.15);
        Home home(data);
        HomeOracle oracle(data);
        test::Real expected = 0;
        const Schedules best = oracle.solve(y, Eigen::VectorXd::Zero(data.channels()), &expected);
        if (!oracle.reached()) continue;
        ++compared;
        EXPECT_NEAR(home.least_cost(y), static_cast<double>(expected), 1e-6) << i;
        EXPECT_NEAR(home.cost(best) + best.cwiseProduct(y).sum(), static_cast<double>(expected),
                    1e-5)
            << i;
    }
    EXPECT_GE(compared, 5);
}

/// At a prox's end prices k (x − target) are answered by x exactly.
TEST(HomeProx, RegretsNothingAtThePricesItAnswers) {
    Prng random(10);
    for (int i = 0; i < 20; ++i) {
        const model::Home data = test::random_equipped_home(random, 6, 0.5);
        const Eigen::Index rows = data.channels();
        const double k = std::exp(random.uniform(-6, -4));
        const Schedules target = random_schedules(random, rows, 6, -5, 5);
        Home home(data);
        Schedules x, later;
        home.prox(target, penalty_of(rows, k), x);
        home.prox(target + random_schedules(random, rows, 6, -1, 1), penalty_of(rows, k), later);
        const Schedules y = k * (x - target);
        const auto regret = home.regret(x, y);
        ASSERT_TRUE(regret);
        EXPECT_LT(regret->eur, 1e-5) << i;
        EXPECT_NEAR(home.cost(x), Home(data).cost(x), 1e-5) << i;
    }
}

TEST(HomeProx, RoundsStartsToOneEachAndStaysExact) {
    Prng random(5);
    for (int i = 0; i < 10; ++i) {
        model::Home data = test::random_equipped_home(random, 8, 0.3);
        data.shiftables = {test::random_shiftable(random, 8), test::random_shiftable(random, 8)};
        const double k = 0.02;
        const Schedules target = random_schedules(random, data.channels(), 8, -3, 3);
        Home home(data);
        Schedules x;
        home.prox(target, penalty_of(home.rows(), k), x);
        const double loss = home.round_starts();
        EXPECT_GE(loss, -1e-7);
        home.prox(target, penalty_of(home.rows(), k), x);
        const HomePlan plan = home.plan();
        std::vector<long> starts;
        for (const model::Series& weight : plan.start_weight) {
            Eigen::Index start = 0;
            EXPECT_EQ(weight.maxCoeff(&start), 1);
            EXPECT_EQ(weight.sum(), 1);
            starts.push_back(start);
        }
        HomeOracle oracle(data, starts);
        const Schedules expected = oracle.solve(-k * target, penalty_of(home.rows(), k));
        if (oracle.reached()) {
            EXPECT_LT((x - expected).cwiseAbs().maxCoeff(), exact_kw) << i;
        }
    }
}

TEST(HomeProx, NamesWhatCannotBeKept) {
    Prng random(6);
    const model::Home plain = only_load(random, 8);
    const auto explained = [&](const model::Home& data) {
        EXPECT_TRUE(data.validate().ok());
        Home home(data);
        Schedules x;
        EXPECT_EQ(home.prox(Schedules::Constant(1, 8, -1), penalty_of(1, 0.02), x),
                  ProxStatus::infeasible);
        EXPECT_TRUE(x.allFinite());
        return home.explain();
    };
    model::Home home = plain;
    home.battery = {1, 10, 1, 9};
    EXPECT_NE(explained(home).find("must hold 9.000 kWh after 4 h and reaches 5.000 kWh"),
              std::string::npos)
        << explained(home);
    home = plain;
    home.vehicles = {{2, 1, 0, {{1, 4, 5, 10}}}};
    EXPECT_NE(explained(home).find("vehicle 0 misses 6.000 kWh when it leaves after 2.5 h"),
              std::string::npos)
        << explained(home);
    home = plain;
    home.deferrables = {{1, 5, 2, 6}};
    EXPECT_NE(explained(home).find("deferrable 0 misses 3.000 of its 5.000 kWh"), std::string::npos)
        << explained(home);
    home = plain;
    home.load_kw[3] = 9;
    home.import_max_kw = 4;
    EXPECT_NE(explained(home).find("takes 9.000 kW from 1.5 h to 2 h, over import_max_kw 4.000"),
              std::string::npos)
        << explained(home);
    home = plain;
    home.climates = {{false,
                      1,
                      5,
                      3,
                      20,
                      model::Series::Constant(8, -30),
                      model::Series::Constant(8, 3),
                      {},
                      model::Series::Constant(8, 20),
                      model::Series::Constant(8, 22),
                      0.3}};
    EXPECT_NE(
        explained(home).find("climate 0 cannot keep or warm the building to 20.00 C in 0.5 h"),
        std::string::npos)
        << explained(home);
}

TEST(HomeProx, SaysWhenChargingAndDischargingAtOnceBurnsPower) {
    model::Home home;
    home.interval_h = 1;
    home.load_kw = model::Series::Zero(2);
    home.pv_available_kw = model::Series::Zero(2);
    home.battery = {2, 1, 1, 0, 0.9, 0.9};
    Home device(home);
    Schedules x;
    device.prox(Schedules::Constant(1, 2, 5), penalty_of(1, 0.1),
                x);  // paid to take power, and full
    EXPECT_GT(device.plan().battery_burns_kw.maxCoeff(), 0.1);
    device.prox(Schedules::Constant(1, 2, -5), penalty_of(1, 0.1), x);
    EXPECT_LT(device.plan().battery_burns_kw.maxCoeff(), 1e-5);
}

}  // namespace
}  // namespace kilter::prox::home_test
