#include "common/prox/feeder.hpp"

#include <cmath>
#include <functional>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "common/prox/home.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter::prox::feeder_test {
namespace {

using model::FeederHorizon;
using model::Network;
using model::ProxStatus;
using model::Schedules;

constexpr std::int64_t hour_s = 3600;

Network normalised(Network network) {
    EXPECT_TRUE(network.normalise().ok());
    EXPECT_TRUE(network.validate().ok());
    return network;
}

/// The branches between a bus and the root, by walking up.
std::vector<std::size_t> path_of(const Network& network, std::size_t bus) {
    std::vector<std::size_t> path;
    while (bus != network.root) {
        for (std::size_t b = 0; b < network.branches.size(); ++b) {
            if (network.branches[b].to != bus) continue;
            path.push_back(b);
            bus = network.branches[b].from;
            break;
        }
    }
    return path;
}

struct Instance {
    Network network;
    FeederHorizon horizon;
    Eigen::VectorXd penalty;
};

/// The problem of one interval written out densely from the definitions in network.hpp: low ≤ A d ≤ high.
struct Dense {
    Eigen::MatrixXd a;
    Eigen::VectorXd low, high;

    Dense(const Network& network, const FeederHorizon& horizon, Eigen::Index t) {
        const auto buses = static_cast<Eigen::Index>(network.buses.size());
        const auto nets = static_cast<Eigen::Index>(network.nets.size());
        a = Eigen::MatrixXd::Zero(2 * buses, nets);
        low = high = Eigen::VectorXd::Zero(2 * buses);
        const double base = 1000 * network.base_kv * network.base_kv;
        const auto passes = [&](std::size_t branch, std::size_t bus) {
            for (const std::size_t b : path_of(network, bus)) {
                if (b == branch) return true;
            }
            return false;
        };
        for (Eigen::Index i = 0; i < buses; ++i) {
            const model::Bus& bus = network.buses[static_cast<std::size_t>(i)];
            double v = network.v_root_pu * network.v_root_pu;
            for (const std::size_t b : path_of(network, static_cast<std::size_t>(i))) {
                const model::Branch& branch = network.branches[b];
                for (Eigen::Index k = 0; k < buses; ++k) {
                    if (!passes(b, static_cast<std::size_t>(k))) continue;
                    v -= 2 *
                         (branch.r_ohm * horizon.fixed_p_kw(k, t) +
                          branch.x_ohm * horizon.fixed_q_kvar(k, t)) /
                         base;
                }
                for (Eigen::Index j = 0; j < nets; ++j) {
                    if (passes(b, network.nets[static_cast<std::size_t>(j)].bus))
                        a(i, j) += 2 * branch.r_ohm / base;
                }
            }
            low[i] = v - bus.v_max_pu * bus.v_max_pu;
            high[i] = v - bus.v_min_pu * bus.v_min_pu;
        }
        for (std::size_t b = 0; b < network.branches.size(); ++b) {
            const auto row = buses + static_cast<Eigen::Index>(b);
            double p = 0, q = 0;
            for (Eigen::Index k = 0; k < buses; ++k) {
                if (!passes(b, static_cast<std::size_t>(k))) continue;
                p += horizon.fixed_p_kw(k, t);
                q += horizon.fixed_q_kvar(k, t);
            }
            for (Eigen::Index j = 0; j < nets; ++j)
                a(row, j) = passes(b, network.nets[static_cast<std::size_t>(j)].bus) ? 1 : 0;
            const double most = std::sqrt(std::pow(network.branches[b].rating_kva, 2) - q * q);
            low[row] = -most - p;
            high[row] = most - p;
        }
        a.row(2 * buses - 1).setOnes();
        const double fixed = horizon.fixed_p_kw.col(t).sum();
        low[2 * buses - 1] = -network.tie.export_max_kw - fixed;
        high[2 * buses - 1] = network.tie.import_max_kw - fixed;
    }
};

std::vector<Dense> problems_of(const Instance& instance) {
    std::vector<Dense> out;
    for (Eigen::Index t = 0; t < instance.horizon.price_eur_per_kwh.size(); ++t)
        out.emplace_back(instance.network, instance.horizon, t);
    return out;
}

/// The slow oracle: coordinate ascent on the dual (Hildreth), one limit after the other, until nothing moves.
Schedules oracle(const Instance& instance,
                 const std::vector<Dense>& problems,
                 const Schedules& target) {
    const auto& [network, horizon, k] = instance;
    Schedules x(target.rows(), target.cols());
    for (Eigen::Index t = 0; t < target.cols(); ++t) {
        const Dense& dense = problems[static_cast<std::size_t>(t)];
        const double slope = horizon.interval_h * network.tie.slope_eur_per_kwh_kw;
        const Eigen::Index n = target.rows();
        const Eigen::MatrixXd hessian =
            Eigen::MatrixXd(k.asDiagonal()) + slope * Eigen::MatrixXd::Ones(n, n);
        const Eigen::MatrixXd response = hessian.ldlt().solve(dense.a.transpose());
        const double cost = horizon.interval_h * horizon.price_eur_per_kwh[t] +
                            slope * horizon.fixed_p_kw.col(t).sum();
        Eigen::VectorXd d = hessian.ldlt().solve(
            Eigen::VectorXd(-k.cwiseProduct(target.col(t)) - Eigen::VectorXd::Constant(n, cost)));
        Eigen::VectorXd m = Eigen::VectorXd::Zero(dense.a.rows());
        for (int sweep = 0; sweep < 200'000; ++sweep) {
            double moved = 0;
            for (Eigen::Index r = 0; r < m.size(); ++r) {
                const double self = dense.a.row(r) * response.col(r);
                if (self == 0) continue;
                const double value = dense.a.row(r) * d;
                // the multiplier that puts the row on whichever end it would otherwise pass
                const double above = m[r] + (value - dense.high[r]) / self;
                const double below = m[r] + (value - dense.low[r]) / self;
                const double next = above > 0 ? above : below < 0 ? below : 0;
                const double change = next - m[r];
                if (change == 0) continue;
                d -= response.col(r) * change;
                moved = std::max(moved, response.col(r).cwiseAbs().maxCoeff() * std::abs(change));
                m[r] = next;
            }
            if (moved < 1e-13) break;
        }
        x.col(t) = -d;
    }
    return x;
}

/// Limits that bind for some of the targets, none that contradict: everything is met at d = 0 with room to spare.
void tighten(Prng& random, Network& network, const FeederHorizon& horizon) {
    Feeder open(network, horizon);
    const Schedules idle = Schedules::Zero(open.rows(), open.intervals());
    const Schedules v = open.voltages_pu(idle);
    const Schedules p = open.flows_kw(idle);
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const auto row = static_cast<Eigen::Index>(i);
        network.buses[i].v_min_pu = v.row(row).minCoeff() - random.uniform(0.0001, 0.003);
        network.buses[i].v_max_pu = v.row(row).maxCoeff() + random.uniform(0.0001, 0.003);
    }
    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        if (!random.chance(0.3)) continue;
        const double q = horizon.fixed_q_kvar.cwiseAbs().colwise().sum().maxCoeff();
        const double most = p.row(static_cast<Eigen::Index>(b)).cwiseAbs().maxCoeff();
        network.branches[b].rating_kva = std::hypot(most + random.uniform(5, 200), q);
    }
    const model::Series import = open.import_kw(idle);
    if (random.chance(0.5)) network.tie.import_max_kw = import.maxCoeff() + random.uniform(5, 200);
    if (random.chance(0.5))
        network.tie.export_max_kw = std::max(0.0, -import.minCoeff()) + random.uniform(5, 200);
}

Instance random_instance(Prng& random, std::size_t buses, Eigen::Index intervals) {
    Instance out;
    out.network = normalised(test::random_network(random, buses));
    out.network.limit_penalty_eur_per_kwh = 1e6;  // hard limits
    out.horizon = model::horizon_of(out.network, 0, intervals, hour_s);
    tighten(random, out.network, out.horizon);
    out.penalty = Eigen::VectorXd(static_cast<Eigen::Index>(out.network.nets.size()));
    for (double& k : out.penalty)
        k = random.uniform(0.5, 2) * 0.003;
    return out;
}

/// The price of every net, from its parts.
Schedules price_of(const Feeder& feeder) {
    const PriceParts parts = feeder.price_parts();
    return parts.energy + parts.loss + parts.congestion + parts.voltage;
}

/// Within all limits, stationary with the multipliers, and no multiplier on a limit that does not bind.
void expect_optimal(const Instance& instance,
                    const std::vector<Dense>& problems,
                    const Feeder& feeder,
                    const Schedules& target,
                    const Schedules& x) {
    const Network& network = instance.network;
    const Schedules v = feeder.voltages_pu(x);
    const Schedules p = feeder.flows_kw(x);
    const model::Series import = feeder.import_kw(x);
    const FeederDuals duals = feeder.duals();
    const Schedules marginal = price_of(feeder);
    for (Eigen::Index t = 0; t < x.cols(); ++t) {
        const Dense& dense = problems[static_cast<std::size_t>(t)];
        for (Eigen::Index j = 0; j < x.rows(); ++j)
            ASSERT_NEAR(instance.penalty[j] * (-x(j, t) + target(j, t)) + marginal(j, t), 0, 1e-9);
        const Eigen::VectorXd value = -dense.a * x.col(t);
        const auto check = [&](Eigen::Index row, double multiplier, double scale) {
            ASSERT_GE(value[row], dense.low[row] - 1e-8 * scale);
            ASSERT_LE(value[row], dense.high[row] + 1e-8 * scale);
            if (multiplier > 0) {
                ASSERT_NEAR(value[row], dense.high[row], 1e-8 * scale);
            }
            if (multiplier < 0) {
                ASSERT_NEAR(value[row], dense.low[row], 1e-8 * scale);
            }
        };
        const Eigen::Index buses = v.rows();
        const Eigen::VectorXd base = p.col(t) - value.segment(buses, buses - 1);
        for (Eigen::Index i = 0; i < buses; ++i)
            check(i, duals.voltage(i, t), std::max(1e-9, dense.a.row(i).norm()));
        for (Eigen::Index b = 0; b + 1 < buses; ++b)
            check(buses + b, std::copysign(duals.branch(b, t), value[buses + b] + base[b]), 10);
        check(2 * buses - 1, duals.tie[t], 10);
        ASSERT_NEAR(import[t], instance.horizon.fixed_p_kw.col(t).sum() - x.col(t).sum(), 1e-9);
        // what the reports say is what the definitions say
        for (Eigen::Index i = 0; i < buses; ++i) {
            const double lowest = network.buses[static_cast<std::size_t>(i)].v_min_pu;
            ASSERT_NEAR(v(i, t) * v(i, t), dense.high[i] + lowest * lowest - value[i], 1e-12);
        }
    }
}

TEST(FeederProx, AgreesWithASlowOracle) {
    Prng random(21);
    int binding = 0;
    for (int i = 0; i < 150; ++i) {
        const Instance instance = random_instance(random, 2 + random.below(9), 3);
        const std::vector<Dense> problems = problems_of(instance);
        Feeder feeder(instance.network, instance.horizon);
        for (int call = 0; call < 3;
             ++call) {  // the second and third start from the active sets before
            const Schedules target = test::random_schedules(random, feeder.rows(), 3, -150, 100);
            Schedules x;
            ASSERT_EQ(feeder.prox(target, instance.penalty, x), ProxStatus::solved);
            const Schedules expected = oracle(instance, problems, target);
            ASSERT_LT((x - expected).cwiseAbs().maxCoeff(), 1e-7) << "instance " << i;
            expect_optimal(instance, problems, feeder, target, x);
            if (HasFatalFailure()) FAIL() << "instance " << i;
            const FeederDuals duals = feeder.duals();
            binding += static_cast<int>((duals.voltage.array() != 0).count() +
                                        (duals.branch.array() != 0).count() +
                                        (duals.tie.array() != 0).count());
        }
    }
    EXPECT_GT(binding, 500);
}

TEST(FeederProx, SatisfiesTheOptimalityConditionsOnLargeFeeders) {
    Prng random(22);
    for (int i = 0; i < 8; ++i) {
        Instance instance = random_instance(random, 60, 6);
        const std::vector<Dense> problems = problems_of(instance);
        Feeder feeder(instance.network, instance.horizon);
        Schedules target = test::random_schedules(random, feeder.rows(), 6, -60, 40);
        for (int call = 0; call < 6; ++call) {
            Schedules x;
            ASSERT_EQ(feeder.prox(target, instance.penalty, x), ProxStatus::solved);
            expect_optimal(instance, problems, feeder, target, x);
            if (HasFatalFailure()) FAIL() << "instance " << i << " call " << call;
            target += test::random_schedules(random, feeder.rows(), 6, -5, 5);
            if (call == 3) instance.penalty *= 1.1;
        }
    }
}

TEST(FeederProx, IsDeterministicAndForgetsItsWarmStart) {
    Prng random(23);
    const Instance instance = random_instance(random, 30, 4);
    Feeder first(instance.network, instance.horizon), second(instance.network, instance.horizon);
    Feeder fresh(instance.network, instance.horizon);
    Schedules x, y, z;
    for (int call = 0; call < 5; ++call) {
        const Schedules target = test::random_schedules(random, first.rows(), 4, -80, 60);
        first.prox(target, instance.penalty, x);
        second.prox(target, instance.penalty, y);
        ASSERT_EQ(x, y);
        if (call == 4) {
            fresh.prox(target, instance.penalty, z);
            EXPECT_LT((x - z).cwiseAbs().maxCoeff(), 1e-9);
        }
    }
}

/// Root, then A, then B in a line; r of 2 and 1 ohm at 1 kV: R_AA = R_AB = 4e-3, R_BB = 6e-3 pu² per kW.
Network two_nets() {
    Network network;
    network.base_kv = 1;
    network.buses = {{"root", 0.5, 1.5, 0, 0}, {"A", 0.5, 1.5, 0, 0}, {"B", 0.5, 1.5, 0, 0}};
    network.branches = {{"to A", 0, 1, 2, 0}, {"to B", 1, 2, 1, 0}};
    network.nets = {{"net A", 1}, {"net B", 2}};
    network.tie.price_eur_per_kwh = {0.3};
    return normalised(network);
}

/// A consumer who gains a·x − q/2·x² from x kW.
class Consumer final : public model::Device {
  public:
    Consumer(double a, double q) : a_(a), q_(q) {}

    [[nodiscard]] Eigen::Index rows() const override { return 1; }

    [[nodiscard]] Eigen::Index intervals() const override { return 1; }

    ProxStatus prox(const Schedules& target, const Eigen::VectorXd& k, Schedules& x) override {
        x = (target.array() * k[0] + a_) / (q_ + k[0]);
        return ProxStatus::solved;
    }

    [[nodiscard]] double cost(const Schedules& x) const override {
        return q_ / 2 * x.squaredNorm() - a_ * x.sum();
    }

  private:
    double a_, q_;
};

struct Market {
    Schedules y;  // per net, EUR per kW and interval
    Schedules demand;
    Schedules delivered;
};

/// The published algorithm, as plainly as it can be written: one device per net and the feeder.
Market clear(Feeder& feeder, const std::vector<model::Device*>& devices, int iterations) {
    const Eigen::Index n = feeder.rows(), intervals = feeder.intervals();
    const Eigen::VectorXd rho = Eigen::VectorXd::Constant(1, 0.02);
    const Eigen::VectorXd rho_feeder = Eigen::VectorXd::Constant(n, 0.02);
    Market out{Schedules::Zero(n, intervals), Schedules::Zero(n, intervals),
               Schedules::Zero(n, intervals)};
    Schedules average = out.y, x;
    for (int i = 0; i < iterations; ++i) {
        for (Eigen::Index j = 0; j < n; ++j) {
            devices[static_cast<std::size_t>(j)]->prox(
                out.demand.row(j) - average.row(j) - out.y.row(j) / rho[0], rho, x);
            out.demand.row(j) = x;
        }
        feeder.prox(-out.delivered - average - out.y / rho[0], rho_feeder, x);
        out.delivered = -x;
        average = (out.demand - out.delivered) / 2;
        out.y += rho[0] * average;
    }
    return out;
}

/// Voltage binds at B: 4e-3 d_A + 6e-3 d_B = 1 − 0.9² = 0.19. With y_A = p + μ R_AA.. and d = (a − y)/q,
///     4e-3 (a − p − 4e-3 μ)/q + 6e-3 (a − p − 6e-3 μ)/q = 0.19.
TEST(FeederPrices, CarryTheVoltageLimitByItsSensitivity) {
    Network network = two_nets();
    network.buses[2].v_min_pu = 0.9;
    network.tie.slope_eur_per_kwh_kw = 0.001;
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Consumer a(1.5, 0.02), b(1.5, 0.02);
    const Market market = clear(feeder, {&a, &b}, 3000);
    // unknowns d_A, d_B, μ: q d_j + slope (d_A + d_B) + μ R_jB = a − p;  R·d = 0.19
    Eigen::Matrix3d kkt;
    kkt << 0.021, 0.001, 4e-3, 0.001, 0.021, 6e-3, 4e-3, 6e-3, 0;
    const Eigen::Vector3d exact = kkt.lu().solve(Eigen::Vector3d(1.2, 1.2, 0.19));
    ASSERT_GT(exact[2], 0);
    const double energy = 0.3 + 0.001 * (exact[0] + exact[1]);
    EXPECT_NEAR(market.demand(0, 0), exact[0], 1e-6);
    EXPECT_NEAR(market.demand(1, 0), exact[1], 1e-6);
    EXPECT_NEAR(market.y(0, 0), energy + 4e-3 * exact[2], 1e-6);
    EXPECT_NEAR(market.y(1, 0), energy + 6e-3 * exact[2], 1e-6);
    EXPECT_GT(market.y(1, 0), market.y(0, 0));  // further out is dearer
    EXPECT_NEAR(feeder.duals().voltage(2, 0), exact[2], 1e-4);
    EXPECT_EQ(feeder.duals().voltage(1, 0), 0);
    EXPECT_NEAR(feeder.voltages_pu(-market.delivered)(2, 0), 0.9, 1e-9);
    EXPECT_LT((price_of(feeder) - market.y).cwiseAbs().maxCoeff(), 1e-6);
}

/// The line to B binds at 20 kW: B pays what it is worth to it there, A the tie's price.
TEST(FeederPrices, CarryALineLimitBehindTheLineOnly) {
    Network network = two_nets();
    network.branches[1].rating_kva = 20;
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Consumer a(1.5, 0.02), b(1.5, 0.02);
    const Market market = clear(feeder, {&a, &b}, 3000);
    EXPECT_NEAR(market.y(0, 0), 0.3, 1e-6);
    EXPECT_NEAR(market.y(1, 0), 1.5 - 0.02 * 20, 1e-6);
    EXPECT_NEAR(market.demand(0, 0), (1.5 - 0.3) / 0.02, 1e-4);
    EXPECT_NEAR(market.demand(1, 0), 20, 1e-4);
    EXPECT_NEAR(feeder.duals().branch(1, 0), 1.5 - 0.02 * 20 - 0.3, 1e-6);
    EXPECT_NEAR(feeder.flows_kw(-market.delivered)(1, 0), 20, 1e-9);
}

/// The import limit binds: everyone pays the same, more than the tie's price.
TEST(FeederPrices, CarryTheImportLimitEverywhere) {
    Network network = two_nets();
    network.tie.import_max_kw = 60;
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Consumer a(1.5, 0.02), b(1.1, 0.02);
    const Market market = clear(feeder, {&a, &b}, 3000);
    const double price = (1.5 + 1.1 - 0.02 * 60) / 2;
    EXPECT_NEAR(market.y(0, 0), price, 1e-6);
    EXPECT_NEAR(market.y(1, 0), price, 1e-6);
    EXPECT_NEAR(feeder.duals().tie[0], price - 0.3, 1e-6);
}

/// At noon B's panels lift its voltage to the limit and part of them must stay idle: power there is worth nothing, at A
/// what the limit leaves of the tie's price, p (1 − R_AB/R_BB), and the multiplier is −p/R_BB.
TEST(FeederPrices, FallWhereTheUpperVoltageLimitStopsPanels) {
    Network network = two_nets();
    network.buses[2].v_max_pu = 1.05;
    Feeder feeder(network, model::horizon_of(network, 0, 2, hour_s));
    model::Home at_a, at_b;
    at_a.interval_h = at_b.interval_h = 1;
    at_a.load_kw = at_b.load_kw = model::Series::Constant(2, 2);
    at_a.pv_available_kw = at_b.pv_available_kw = model::Series::Zero(2);
    at_b.pv_available_kw[0] = 60;
    Home home_a(at_a), home_b(at_b);
    const Market market = clear(feeder, {&home_a, &home_b}, 6000);
    const double delivered_b = -(1.05 * 1.05 - 1 + 4e-3 * 2) / 6e-3;
    EXPECT_NEAR(market.demand(1, 0), delivered_b, 1e-5);
    EXPECT_NEAR(market.y(1, 0), 0, 1e-6);
    EXPECT_NEAR(market.y(0, 0), 0.3 * (1 - 4.0 / 6.0), 1e-6);
    EXPECT_NEAR(feeder.duals().voltage(2, 0), -0.3 / 6e-3, 1e-3);
    EXPECT_NEAR(market.y(0, 1), 0.3, 1e-6);  // at night nothing binds
    EXPECT_NEAR(market.y(1, 1), 0.3, 1e-6);
}

TEST(FeederCost, IsTheImportAtTheTiesPrice) {
    Network network = two_nets();
    network.tie.slope_eur_per_kwh_kw = 0.01;
    network.buses[0].load_p_kw = 5;
    Feeder feeder(network, model::horizon_of(network, 0, 2, 900));
    Schedules x(2, 2);
    x << -1, -2, -4, 20;
    const auto one = [](double p) { return 0.25 * (0.3 * p + 0.005 * p * p); };
    EXPECT_NEAR(feeder.cost(x), one(10) + one(-13), 1e-12);
}

TEST(FeederInfeasible, NamesTheBusThatNoDeliveryCanSave) {
    Network network = two_nets();
    // a lateral without nets, its own load too heavy for it
    network.buses.push_back({"C", 0.95, 1.05, 100, 0});
    network.branches.push_back({"to C", 0, 3, 1, 0});
    network = normalised(network);
    Feeder feeder(network, model::horizon_of(network, 0, 2, hour_s));
    Schedules x;
    const Schedules target = Schedules::Constant(2, 2, -3);
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(2, 0.01);
    EXPECT_EQ(feeder.prox(target, penalty, x), ProxStatus::infeasible);
    EXPECT_NE(feeder.explain().find("bus C: 0.89443 pu, below 0.95000 pu in interval 0"),
              std::string::npos)
        << feeder.explain();
    EXPECT_TRUE(x.isApproxToConstant(27, 1e-9));  // all else as if it were not there
}

TEST(FeederInfeasible, CountsWhatIsMissedAndNamesTheWorstAndTheFirst) {
    Network network = two_nets();
    network.buses[2].load_q_kvar = 30;
    network.branches[1].rating_kva = 20;
    network = normalised(network);
    model::FeederHorizon horizon = model::horizon_of(network, 0, 8, hour_s);
    horizon.fixed_q_kvar(2, 5) = 40;
    horizon.fixed_q_kvar(2, 6) = 0;
    Feeder feeder(network, horizon);
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Zero(2, 8), Eigen::VectorXd::Constant(2, 0.01), x),
              ProxStatus::infeasible);
    const std::string said = feeder.explain();
    EXPECT_NE(said.find("missed in 7 of 8 intervals, most of all branch to B: 40."),
              std::string::npos)
        << said;
    EXPECT_NE(said.find("the first are branch to B: 30."), std::string::npos) << said;
    EXPECT_EQ(said.find("in interval 7"), std::string::npos) << said;
}

TEST(FeederInfeasible, MissesContradictingLimitsByTheLeastAndNamesThem) {
    Network network = two_nets();
    // C hangs on B and draws 20 kW over 1 ohm: 0.04 pu² below B, whatever is delivered
    network.buses.push_back({"C", 0.99, 1.5, 20, 0});
    network.branches.push_back({"to C", 2, 3, 1, 0});
    network.buses[2].v_max_pu = 1;
    network = normalised(network);
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Constant(2, 1, -3), Eigen::VectorXd::Constant(2, 0.01), x),
              ProxStatus::infeasible);
    EXPECT_NE(feeder.explain().find("bus C"), std::string::npos) << feeder.explain();
    const Schedules v = feeder.voltages_pu(x);
    const double above = std::max(0.0, v(2, 0) * v(2, 0) - 1);
    const double below = std::max(0.0, 0.99 * 0.99 - v(3, 0) * v(3, 0));
    EXPECT_NEAR(above + below, 0.04 - (1 - 0.99 * 0.99), 1e-9);
}

TEST(FeederInfeasible, NamesTheBranchOverloadedByReactiveLoad) {
    Network network = two_nets();
    network.buses[2].load_q_kvar = 30;
    network.branches[1].rating_kva = 20;
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Zero(2, 1), Eigen::VectorXd::Constant(2, 0.01), x),
              ProxStatus::infeasible);
    EXPECT_NE(feeder.explain().find("branch to B: 30.0"), std::string::npos) << feeder.explain();
}

TEST(FeederProx, TakesAParentAndAChildWithTheSameLimit) {
    Network network = two_nets();
    // no net behind C: its voltage is B's, and both limits bind together
    network.buses.push_back({"C", 0.9, 1.5, 0, 0});
    network.branches.push_back({"to C", 2, 3, 1, 0});
    network.buses[2].v_min_pu = 0.9;
    network.tie.import_max_kw = 30;
    network.branches[0].rating_kva = 30;  // the same again for the flows
    network = normalised(network);
    Feeder feeder(network, model::horizon_of(network, 0, 1, hour_s));
    Schedules x;
    for (const double target : {-100.0, -14.0, -300.0, 0.0, -100.0}) {
        ASSERT_EQ(
            feeder.prox(Schedules::Constant(2, 1, target), Eigen::VectorXd::Constant(2, 0.01), x),
            ProxStatus::solved);
        EXPECT_LE(feeder.import_kw(x)[0], 30 + 1e-9);
        EXPECT_GE(feeder.voltages_pu(x)(3, 0), 0.9 - 1e-9);
    }
    EXPECT_NEAR(feeder.import_kw(x)[0], 30, 1e-9);
}

}  // namespace
}  // namespace kilter::prox::feeder_test
