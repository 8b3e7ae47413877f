/// The feeder with losses, held against the nonlinear power flow of common/powerflow, which shares no code with it.

#include <cmath>
#include <complex>

#include <gtest/gtest.h>

#include "common/powerflow/radial.hpp"
#include "common/prox/feeder.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter::prox::feeder_losses_test {
namespace {

using model::FeederHorizon;
using model::Network;
using model::ProxStatus;
using model::Schedules;
using powerflow::OperatingPoint;

constexpr std::int64_t hour_s = 3600;

struct Instance {
    Network network;
    FeederHorizon horizon;
    Eigen::VectorXd penalty;
    Eigen::Index channels = 1;
};

OperatingPoint power_flow(const Instance& instance, const Schedules& x, Eigen::Index t) {
    std::vector<std::complex<double>> load;
    for (Eigen::Index i = 0; i < instance.horizon.fixed_p_kw.rows(); ++i)
        load.emplace_back(instance.horizon.fixed_p_kw(i, t), instance.horizon.fixed_q_kvar(i, t));
    for (std::size_t j = 0; j < instance.network.nets.size(); ++j) {
        const auto row = static_cast<Eigen::Index>(j) * instance.channels;
        load[instance.network.nets[j].bus] -=
            std::complex<double>(x(row, t), instance.channels == 2 ? x(row + 1, t) : 0);
    }
    auto point = powerflow::solve(instance.network, load);
    EXPECT_TRUE(point.ok()) << point.error().message;
    return *point;
}

/// Cost and weighted limits at x in interval t: what the multipliers make stationary.
double lagrangian(const Instance& instance,
                  const FeederDuals& duals,
                  const Schedules& target,
                  const Schedules& x,
                  Eigen::Index t) {
    const OperatingPoint at = power_flow(instance, x, t);
    const auto& [network, horizon, penalty, channels] = instance;
    const double import = at.import_kva.real();
    double sum = horizon.interval_h * (horizon.price_eur_per_kwh[t] * import +
                                       network.tie.slope_eur_per_kwh_kw / 2 * import * import) +
                 duals.tie[t] * import;
    for (std::size_t i = 0; i < network.buses.size(); ++i)
        sum -= duals.voltage(static_cast<Eigen::Index>(i), t) * std::norm(at.voltage_pu[i]);
    for (std::size_t b = 0; b < network.branches.size(); ++b)
        sum += duals.branch(static_cast<Eigen::Index>(b), t) *
               std::max(std::abs(at.from_kva[b]), std::abs(at.to_kva[b]));
    return sum + (penalty.array() * (x.col(t) - target.col(t)).array().square()).sum() / 2;
}

struct Bound {
    int voltage = 0, rating = 0, tie = 0;
};

/// Within all limits by the nonlinear power flow, multipliers only where limits bind, stationary: with the cones'
/// multipliers not negative, the optimum of a convex problem.
void expect_optimal(const Instance& instance,
                    const Feeder& feeder,
                    const Schedules& target,
                    const Schedules& x,
                    Bound& bound) {
    const Network& network = instance.network;
    const FeederDuals duals = feeder.duals();
    const PriceParts parts = feeder.price_parts();
    const Schedules price = parts.energy + parts.loss + parts.congestion + parts.voltage;
    for (Eigen::Index t = 0; t < x.cols(); ++t) {
        const OperatingPoint at = power_flow(instance, x, t);
        for (std::size_t i = 0; i < network.buses.size(); ++i) {
            const model::Bus& bus = network.buses[i];
            const double v = std::abs(at.voltage_pu[i]);
            const double dual = duals.voltage(static_cast<Eigen::Index>(i), t);
            ASSERT_GE(v, bus.v_min_pu - 1e-8);
            ASSERT_LE(v, bus.v_max_pu + 1e-8);
            if (dual != 0) {
                ASSERT_NEAR(v, dual > 0 ? bus.v_min_pu : bus.v_max_pu, 1e-8);
                ++bound.voltage;
            }
        }
        for (std::size_t b = 0; b < network.branches.size(); ++b) {
            const double most = std::max(std::abs(at.from_kva[b]), std::abs(at.to_kva[b]));
            ASSERT_LE(most, network.branches[b].rating_kva + 1e-6);
            if (duals.branch(static_cast<Eigen::Index>(b), t) > 0) {
                ASSERT_NEAR(most, network.branches[b].rating_kva, 1e-6);
                ++bound.rating;
            }
        }
        ASSERT_LE(at.import_kva.real(), network.tie.import_max_kw + 1e-6);
        bound.tie += duals.tie[t] != 0;
        for (Eigen::Index row = 0; row < x.rows(); ++row) {
            constexpr double step = 1e-3;
            Schedules up = x, down = x;
            up(row, t) += step;
            down(row, t) -= step;
            const double slope = (lagrangian(instance, duals, target, up, t) -
                                  lagrangian(instance, duals, target, down, t)) /
                                 (2 * step);
            const double tolerance = 2e-7 + 1e-5 * std::abs(price(row, t));
            ASSERT_NEAR(slope, 0, tolerance) << "row " << row << " interval " << t;
            // the parts add up to the price that moved x away from its target
            ASSERT_NEAR(instance.penalty[row] * (x(row, t) - target(row, t)), price(row, t), 1e-8);
        }
    }
    ASSERT_LT(feeder.relaxation().gap_kw, 1e-7);
}

/// Loads that cost some percent of losses, limits that bind for some of the targets.
Instance random_instance(Prng& random, std::size_t buses, Eigen::Index channels) {
    Instance out;
    out.channels = channels;
    Network& network = out.network;
    network = test::random_network(random, buses);
    network.losses = true;
    network.limit_penalty_eur_per_kwh = 1e5;
    network.base_kv = random.uniform(2, 5);
    for (auto& bus : network.buses) {
        if (random.chance(0.2)) bus.shunt_q_kvar = random.uniform(0, 40);
        if (random.chance(0.1)) bus.shunt_p_kw = random.uniform(0, 5);
    }
    for (auto& branch : network.branches) {
        if (random.chance(0.2)) branch.charging_kvar = random.uniform(0, 20);
        if (random.chance(0.1)) branch.ratio = random.uniform(0.97, 1.03);
    }
    EXPECT_TRUE(network.normalise().ok());
    out.horizon = model::horizon_of(network, 0, 3, hour_s);
    const Schedules idle =
        Schedules::Zero(static_cast<Eigen::Index>(network.nets.size()) * channels, 3);
    while (!(Feeder(network, out.horizon, channels).voltages_pu(idle).minCoeff() > 0.8))
        network.base_kv *= 1.2;
    const Feeder open(network, out.horizon, channels);
    const Schedules v = open.voltages_pu(idle);
    const Schedules p = open.flows_kw(idle);
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const auto row = static_cast<Eigen::Index>(i);
        network.buses[i].v_min_pu = v.row(row).minCoeff() - random.uniform(0.002, 0.02);
        network.buses[i].v_max_pu = v.row(row).maxCoeff() + 0.1;
    }
    const double q = out.horizon.fixed_q_kvar.cwiseAbs().colwise().sum().maxCoeff() + 60;
    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        if (!random.chance(0.3)) continue;
        const double most = p.row(static_cast<Eigen::Index>(b)).cwiseAbs().maxCoeff();
        network.branches[b].rating_kva = std::hypot(most + random.uniform(5, 60), q);
    }
    if (random.chance(0.4))
        network.tie.import_max_kw =
            std::max(0.0, open.import_kw(idle).maxCoeff()) + random.uniform(5, 60);
    out.penalty = Eigen::VectorXd(open.rows());
    for (double& k : out.penalty)
        k = random.uniform(0.5, 2) * 0.005;
    return out;
}

void optimal_on_random_feeders(std::uint64_t seed, Eigen::Index channels) {
    Prng random(seed);
    Bound bound;
    for (int i = 0; i < 60; ++i) {
        const Instance instance = random_instance(random, 2 + random.below(12), channels);
        Feeder feeder(instance.network, instance.horizon, channels);
        Schedules target = test::random_schedules(random, feeder.rows(), 3, -150, 10);
        for (int call = 0; call < 3; ++call) {
            Schedules x;
            ASSERT_EQ(feeder.prox(target, instance.penalty, x), ProxStatus::solved)
                << "instance " << i << ": " << feeder.explain();
            expect_optimal(instance, feeder, target, x, bound);
            if (testing::Test::HasFatalFailure()) FAIL() << "instance " << i << " call " << call;
            target += test::random_schedules(random, feeder.rows(), 3, -5, 5);
        }
    }
    EXPECT_GT(bound.voltage, 50);
    EXPECT_GT(bound.rating, 50);
    EXPECT_GT(bound.tie, 10);
}

TEST(FeederLosses, AreOptimalByTheNonlinearPowerFlow) {
    optimal_on_random_feeders(31, 1);
}

TEST(FeederLosses, AreOptimalWithReactivePowerTraded) {
    optimal_on_random_feeders(32, 2);
}

TEST(FeederLosses, AreTheSameBitsFromTheSameCalls) {
    Prng random(33);
    const Instance instance = random_instance(random, 20, 2);
    Feeder first(instance.network, instance.horizon, 2);
    Feeder second(instance.network, instance.horizon, 2);
    Feeder fresh(instance.network, instance.horizon, 2);
    Schedules x, y;
    for (int call = 0; call < 4; ++call) {
        const Schedules target = test::random_schedules(random, first.rows(), 3, -80, 30);
        first.prox(target, instance.penalty, x);
        second.prox(target, instance.penalty, y);
        ASSERT_EQ(x, y);
        if (call < 3) continue;
        fresh.prox(target, instance.penalty, y);
        EXPECT_LT((x - y).cwiseAbs().maxCoeff(), 1e-6);
    }
}

/// Root — A — B in a line of 2 and 1 ohm at 1 kV, a net at either.
Instance two_nets(double price) {
    Instance out;
    out.network.base_kv = 1;
    out.network.losses = true;
    out.network.buses = {{"root", 0.5, 1.5, 0, 0}, {"A", 0.5, 1.5, 0, 0}, {"B", 0.5, 1.5, 0, 0}};
    out.network.branches = {{"to A", 0, 1, 2, 1}, {"to B", 1, 2, 1, 0.5}};
    out.network.nets = {{"net A", 1}, {"net B", 2}};
    out.network.tie.price_eur_per_kwh = {price};
    out.horizon = model::horizon_of(out.network, 0, 1, hour_s);
    out.penalty = Eigen::VectorXd::Constant(2, 0.01);
    return out;
}

/// Without limits the price at a net is the tie's times one plus the losses one more kW causes, by the power flow.
TEST(FeederLosses, PriceWhatOneMoreKilowattLoses) {
    const Instance instance = two_nets(0.3);
    Feeder feeder(instance.network, instance.horizon);
    Schedules x;
    ASSERT_EQ(feeder.prox(Schedules::Constant(2, 1, -45), instance.penalty, x), ProxStatus::solved);
    const PriceParts parts = feeder.price_parts();
    for (const Eigen::Index net : {0, 1}) {
        Schedules more = x;
        more(net, 0) -= 1e-3;
        const double marginal = (power_flow(instance, more, 0).import_kva.real() -
                                 power_flow(instance, x, 0).import_kva.real()) /
                                    1e-3 -
                                1;
        EXPECT_NEAR(parts.energy(net, 0), 0.3, 1e-12);
        EXPECT_NEAR(parts.loss(net, 0), 0.3 * marginal, 1e-5);
        EXPECT_EQ(parts.congestion(net, 0), 0);
        EXPECT_EQ(parts.voltage(net, 0), 0);
    }
    EXPECT_GT(parts.loss(1, 0), parts.loss(0, 0));
    EXPECT_TRUE(feeder.relaxation().exact());
}

/// Paid to import, the relaxation would burn power; the schedule stays physical and the result says where.
TEST(FeederLosses, SayWhereTheRelaxationIsNotExact) {
    const Instance instance = two_nets(-0.04);
    Feeder feeder(instance.network, instance.horizon);
    Schedules x;
    ASSERT_EQ(feeder.prox(Schedules::Constant(2, 1, -20), instance.penalty, x), ProxStatus::solved);
    const Relaxation relaxation = feeder.relaxation();
    ASSERT_FALSE(relaxation.exact());
    EXPECT_LT(relaxation.gap_kw, 1e-7);
    const std::string said = describe(relaxation, instance.network);
    EXPECT_NE(said.find("branch to B in interval 0"), std::string::npos) << said;
    const OperatingPoint at = power_flow(instance, x, 0);
    EXPECT_NEAR(feeder.voltages_pu(x)(2, 0), std::abs(at.voltage_pu[2]), 1e-9);
    EXPECT_NEAR(feeder.import_kw(x)[0], at.import_kva.real(), 1e-7);
}

/// No delivery the target would allow keeps the band: it gives at the stated price, and the result names it.
TEST(FeederLosses, MissAnImpossibleBandAtThePenalty) {
    Instance instance = two_nets(0.3);
    instance.network.buses[2].load_p_kw = 60;
    instance.network.buses[2].v_min_pu = 0.99;
    instance.network.limit_penalty_eur_per_kwh = 2;
    instance.horizon = model::horizon_of(instance.network, 0, 1, hour_s);
    instance.penalty *= 100;  // nets insist on what they ask for
    Feeder feeder(instance.network, instance.horizon);
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Constant(2, 1, -10), instance.penalty, x),
              ProxStatus::infeasible);
    EXPECT_NE(feeder.explain().find("bus B: "), std::string::npos) << feeder.explain();
    EXPECT_NE(feeder.explain().find("2 EUR/kWh"), std::string::npos) << feeder.explain();
    // the multiplier is what moves no price by more than the penalty in the linear model: 2|z| per kW, over both lines
    const double most = 2 / (2 * std::abs(std::complex<double>(3, 1.5)) / 1000);
    EXPECT_NEAR(feeder.duals().voltage(2, 0), most, 1e-9 * most);
    const PriceParts parts = feeder.price_parts();
    const double v = std::norm(power_flow(instance, x, 0).voltage_pu[2]);
    EXPECT_LT(v, 0.99 * 0.99);
    for (const Eigen::Index net : {0, 1}) {
        // times the voltage that one more kW costs by the power flow, losses included
        Schedules more = x;
        more(net, 0) -= 1e-3;
        const double drop = (v - std::norm(power_flow(instance, more, 0).voltage_pu[2])) / 1e-3;
        EXPECT_NEAR(parts.voltage(net, 0), most * drop, 1e-3);
    }
}

/// Paid so much that burning pays at any flow: no best schedule short of collapse, and the result says so.
TEST(FeederLosses, SayThatBurningPowerNeverEnds) {
    const Instance instance = two_nets(-0.1);
    Feeder feeder(instance.network, instance.horizon);
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Constant(2, 1, -20), instance.penalty, x),
              ProxStatus::infeasible);
    EXPECT_TRUE(x.allFinite());
    EXPECT_NE(feeder.explain().find("collapses"), std::string::npos) << feeder.explain();
}

/// A load no line can carry has no power flow: the result is finite, and names the bus.
TEST(FeederLosses, NameTheBusWhoseVoltageCollapses) {
    Instance instance = two_nets(0.3);
    instance.network.buses.push_back({"C", 0.5, 1.5, 5000, 0});
    instance.network.branches.push_back({"to C", 0, 3, 1, 1});
    instance.horizon = model::horizon_of(instance.network, 0, 1, hour_s);
    Feeder feeder(instance.network, instance.horizon);
    Schedules x;
    EXPECT_EQ(feeder.prox(Schedules::Constant(2, 1, -10), instance.penalty, x),
              ProxStatus::infeasible);
    EXPECT_TRUE(x.allFinite());
    EXPECT_NE(feeder.explain().find("bus C"), std::string::npos) << feeder.explain();
}

}  // namespace
}  // namespace kilter::prox::feeder_losses_test
