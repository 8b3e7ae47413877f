#include "common/prox/three_phase_feeder.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "common/prox/phase_tree.hpp"

namespace kilter::prox::three_phase_feeder_test {
namespace {

using model::Complex;
using model::Connection;
using model::PhaseMatrix;
using model::PhaseSet;
using model::Phasors;
using model::Schedules;
using model::ThreePhaseNetwork;

/// A seeded feeder with everything: laterals of one and two phases, a regulator, a delta-wye
/// transformer with a tap, a part behind a delta-delta one with an open-delta regulator, charging,
/// loads of all kinds, nets of all kinds.
ThreePhaseNetwork feeder(unsigned seed) {
    std::mt19937 random(seed);
    const auto uniform = [&](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    ThreePhaseNetwork network;
    network.name = "seeded";
    network.base_kv = 4.16;
    network.source_pu = ThreePhaseNetwork::balanced(1.02);
    const auto bus = [&](const char* name) {
        network.buses.push_back({.name = name, .v_min_pu = 0.95, .v_max_pu = 1.05});
        return network.buses.size() - 1;
    };
    const auto line = [&](std::size_t from, std::size_t to, const char* phases, double scale) {
        model::PhaseBranch branch{.name = "line" + std::to_string(to), .from = from, .to = to};
        branch.phases = *PhaseSet::parse(phases);
        model::PhaseLine element;
        for (int i = 0; i < 3; ++i)
            for (int j = i; j < 3; ++j) {
                if (!branch.phases.has(i) || !branch.phases.has(j)) continue;
                const Complex z = i == j ? Complex(uniform(0.3, 0.5), uniform(0.8, 1.1))
                                         : Complex(uniform(0.1, 0.2), uniform(0.3, 0.5));
                element.series_ohm(i, j) = element.series_ohm(j, i) = scale * z;
                element.shunt_s(i, j) = element.shunt_s(j, i) =
                    scale * Complex(0, i == j ? 6e-6 : -1e-6);
            }
        branch.element = element;
        branch.rating_a = uniform(60, 120);
        network.branches.push_back(branch);
    };
    const auto other = [&](const char* name, std::size_t from, std::size_t to, auto element) {
        model::PhaseBranch branch{.name = name, .from = from, .to = to};
        branch.element = element;
        network.branches.push_back(branch);
    };
    const std::size_t root = bus("root");
    const std::size_t a = bus("a");
    const std::size_t b = bus("b");
    const std::size_t c = bus("c");
    const std::size_t d = bus("d");
    const std::size_t wye = bus("wye");
    const std::size_t delta = bus("delta");
    const std::size_t regulated = bus("regulated");
    const std::size_t far = bus("far");
    const std::size_t end = bus("end");
    other("regulator", root, a, model::Regulator{.taps = {3, 1, 2}});
    line(a, b, "abc", 0.8);
    line(b, c, "ac", 1.0);
    line(b, d, "b", 1.2);
    using Windings = model::Transformer::Windings;
    other("delta-wye", b, wye,
          model::Transformer{.windings = Windings::delta_wye,
                             .leads = seed % 2 == 0,
                             .kva = 500,
                             .from_kv = 4.16,
                             .to_kv = 0.48,
                             .to_tap = 1.01,
                             .impedance_pu = {0.01, 0.04},
                             .no_load_kva = {1, 3}});
    other("delta-delta", b, delta,
          model::Transformer{.windings = Windings::delta_delta,
                             .kva = 800,
                             .from_kv = 4.16,
                             .to_kv = 2.4,
                             .impedance_pu = {0.01, 0.03}});
    other("open-delta", delta, regulated,
          model::Regulator{.connection = Connection::delta, .taps = {2, 0, 1}});
    line(regulated, far, "abc", 0.3);
    line(wye, end, "abc", 0.01);
    network.branches[2].rating_a = 30;
    network.loads = {{.name = "1", .bus = c, .kva = Phasors(Complex(60, 20), 0, Complex(40, 10))},
                     {.name = "2",
                      .bus = b,
                      .connection = Connection::delta,
                      .model = model::LoadModel::current,
                      .kva = Phasors(Complex(20, 5), Complex(40, 10), 0)},
                     {.name = "3",
                      .bus = far,
                      .connection = Connection::delta,
                      .model = model::LoadModel::impedance,
                      .kva = Phasors::Constant({15, 5})}};
    network.capacitors = {{.name = "C", .bus = b, .kvar = Eigen::Vector3d(50, 50, 30)}};
    network.nets = {{.name = "ca", .bus = c, .phases = PhaseSet::of(0)},
                    {.name = "cc", .bus = c, .phases = PhaseSet::of(2)},
                    {.name = "cac",
                     .bus = c,
                     .connection = Connection::delta,
                     .phases = *PhaseSet::parse("ac")},
                    {.name = "db", .bus = d, .phases = PhaseSet::of(1)},
                    {.name = "end", .bus = end},
                    {.name = "enda", .bus = end, .phases = PhaseSet::of(0)},
                    {.name = "far", .bus = far, .connection = Connection::delta},
                    {.name = "farbc",
                     .bus = far,
                     .connection = Connection::delta,
                     .phases = *PhaseSet::parse("bc")},
                    {.name = "root", .bus = root, .phases = PhaseSet::of(1)}};
    network.tie = {.import_max_kw = 420,
                   .export_max_kw = 100,
                   .slope_eur_per_kwh_kw = 1e-4,
                   .price_eur_per_kwh = {}};
    EXPECT_TRUE(network.normalise().ok());
    const auto valid = network.validate();
    EXPECT_TRUE(valid.ok()) << valid.error().message;
    return network;
}

model::ThreePhaseHorizon horizon(Eigen::Index intervals) {
    return {0.25, model::Series::LinSpaced(intervals, 0.3, 1.0),
            model::Series::LinSpaced(intervals, 0.1, 0.3)};
}

Eigen::VectorXd random_vector(std::mt19937& random, Eigen::Index size, double low, double high) {
    std::uniform_real_distribution<double> draw(low, high);
    return Eigen::VectorXd::NullaryExpr(size, [&] { return draw(random); });
}

TEST(PhaseTree, TransposeIsTheTranspose) {
    std::mt19937 random(3);
    for (const std::size_t channels : {1U, 2U}) {
        const ThreePhaseNetwork network = feeder(1);
        PhaseTree tree(network, channels);
        const auto n = static_cast<Eigen::Index>(tree.quantities());
        const auto m = static_cast<Eigen::Index>(tree.rows());
        for (int round = 0; round < 20; ++round) {
            const Eigen::VectorXd d = random_vector(random, n, -1, 1);
            const Eigen::VectorXd y = random_vector(random, m, -1, 1);
            Eigen::VectorXd ad(m), aty(n);
            tree.apply({d.data(), tree.quantities()}, {ad.data(), tree.rows()});
            tree.transpose({y.data(), tree.rows()}, {aty.data(), tree.quantities()});
            EXPECT_NEAR(ad.dot(y), aty.dot(d), 1e-9 * ad.norm() * y.norm());
        }
    }
}

/// Gan and Low's formula on a line behind a flat source: v_m = v_n − 2 Re(z conj(γ)) P − 2 Im(z conj(γ)) Q.
TEST(PhaseTree, IsLinearThreePhaseBranchFlowOnALine) {
    ThreePhaseNetwork network;
    network.base_kv = 4.16;
    network.buses = {{.name = "root"}, {.name = "end"}};
    model::PhaseBranch branch{.name = "line", .from = 0, .to = 1};
    model::PhaseLine line;
    line.series_ohm << Complex(0.34, 1.02), Complex(0.15, 0.50), Complex(0.16, 0.42),
        Complex(0.15, 0.50), Complex(0.33, 1.05), Complex(0.15, 0.38), Complex(0.16, 0.42),
        Complex(0.15, 0.38), Complex(0.34, 1.03);
    branch.element = line;
    network.branches = {branch};
    for (int phase = 0; phase < 3; ++phase)
        network.nets.push_back(
            {.name = std::to_string(phase), .bus = 1, .phases = PhaseSet::of(phase)});
    ASSERT_TRUE(network.normalise().ok());
    PhaseTree tree(network, 2);
    const std::vector<double> d{100, 30, 200, -50, 50, 20};
    std::vector<double> rows(tree.rows());
    tree.apply(d, rows);
    const Phasors unit = ThreePhaseNetwork::balanced(1);
    for (int i = 0; i < 3; ++i) {
        double drop = 0;
        for (int j = 0; j < 3; ++j) {
            const Complex z = line.series_ohm(i, j) * std::conj(unit[i] / unit[j]);
            const auto at = static_cast<std::size_t>(2 * j);
            drop += 2 * (z.real() * d[at] + z.imag() * d[at + 1]);
        }
        // kW · ohm / kV² of a phase is 1e-3 pu.
        EXPECT_NEAR(rows[static_cast<std::size_t>(3 + i)], -drop / (1000 * 4.16 * 4.16 / 3), 1e-12);
    }
    EXPECT_NEAR(rows.back(), 350, 1e-12);
}

struct Instance {
    ThreePhaseFeeder device;
    Schedules target;
    Eigen::VectorXd penalty;
};

Instance instance(unsigned seed,
                  Eigen::Index channels,
                  double reach,
                  double limit_penalty_eur_per_kwh = 1e6) {
    std::mt19937 random(seed + 100);
    ThreePhaseNetwork network = feeder(seed);
    network.limit_penalty_eur_per_kwh = limit_penalty_eur_per_kwh;
    const auto rows = static_cast<Eigen::Index>(network.nets.size()) * channels;
    Schedules target(rows, 6);
    for (Eigen::Index t = 0; t < 6; ++t)
        target.col(t) = random_vector(random, rows, -reach, reach / 3);
    return {ThreePhaseFeeder(network, horizon(6), channels), target,
            random_vector(random, rows, 0.002, 0.02)};
}

/// How far a schedule is outside of the limits, from the definitions: pu, A, kW.
double excess(const ThreePhaseFeeder& device, const Schedules& x) {
    const ThreePhaseNetwork& network = device.network();
    const Schedules v = device.voltages_pu(x);
    const Schedules i = device.currents_a(x);
    const model::Series import = device.import_kw(x);
    double out = 0;
    for (Eigen::Index t = 0; t < x.cols(); ++t) {
        for (std::size_t bus = 0; bus < network.buses.size(); ++bus)
            for (int phase = 0; phase < 3; ++phase) {
                if (!network.buses[bus].phases.has(phase)) continue;
                const double at = v(static_cast<Eigen::Index>(3 * bus) + phase, t);
                out = std::max(
                    {out, network.buses[bus].v_min_pu - at, at - network.buses[bus].v_max_pu});
            }
        for (std::size_t b = 0; b < network.branches.size(); ++b)
            for (int phase = 0; phase < 3; ++phase)
                out = std::max(out, i(static_cast<Eigen::Index>(3 * b) + phase, t) -
                                        network.branches[b].rating_a);
        out = std::max(
            {out, import[t] - network.tie.import_max_kw, -network.tie.export_max_kw - import[t]});
    }
    return out;
}

/// Exact: inside the set; stationary with the multipliers it reports; and no other point of the
/// (convex) set is better, which the gradient says for every one of them.
TEST(ThreePhaseFeeder, ProxIsExact) {
    int bound = 0;
    for (unsigned seed = 0; seed < 6; ++seed)
        for (const Eigen::Index channels : {1, 2}) {
            Instance one = instance(seed, channels, 150);
            Schedules x;
            ASSERT_EQ(one.device.prox(one.target, one.penalty, x), model::ProxStatus::solved)
                << one.device.explain();
            EXPECT_LT(excess(one.device, x), 1e-9);
            const PhasePrices prices = one.device.prices(x);
            const Schedules marginal = prices.energy + prices.congestion + prices.voltage;
            const Schedules pull = one.penalty.asDiagonal() * (x - one.target);
            EXPECT_LT((pull - marginal).cwiseAbs().maxCoeff(), 1e-9);
            bound += (prices.congestion.array().abs() > 1e-6).any() ? 1 : 0;
            bound += (prices.voltage.array().abs() > 1e-6).any() ? 1 : 0;
            const Schedules gradient = pull - prices.energy;
            for (unsigned k = 0; k < 5; ++k) {
                const Instance another = instance(seed, channels, 40.0 * (k + 1));
                Schedules y;
                ASSERT_EQ(one.device.prox(another.target, another.penalty, y),
                          model::ProxStatus::solved);
                for (Eigen::Index t = 0; t < x.cols(); ++t)
                    EXPECT_GT(gradient.col(t).dot(y.col(t) - x.col(t)), -1e-7);
            }
        }
    EXPECT_GE(bound, 20);  // limits of both kinds, nearly everywhere
}

/// With every limit's violation (in kW of distance) priced at the penalty, no schedule nearby is better.
TEST(ThreePhaseFeeder, LimitsGiveAtThePenaltyAndTheStepIsTheBestAtIt) {
    std::mt19937 random(7);
    int gave = 0;
    for (unsigned seed = 0; seed < 12; ++seed) {
        constexpr double penalty = 0.2;
        Instance one = instance(seed, 1, 400, penalty);
        Schedules x;
        const auto status = one.device.prox(one.target, one.penalty, x);
        const LinearSet set = one.device.linear_set();
        const Eigen::VectorXd norm = set.effect.rowwise().norm();
        const auto value = [&](const Schedules& at) {
            const Schedules flow = -(set.effect * at);
            const Schedules over = (flow - set.high).cwiseMax(set.low - flow).cwiseMax(0);
            const double missed = (over.array().colwise() / norm.array()).sum();
            return one.device.cost(at) + penalty * one.device.horizon().interval_h * missed +
                   (one.penalty.asDiagonal() * (at - one.target).cwiseAbs2()).sum() / 2;
        };
        if (status == model::ProxStatus::infeasible) {
            ++gave;
            EXPECT_NE(one.device.explain().find("limits missed"), std::string::npos);
        }
        const double best = value(x);
        for (int draw = 0; draw < 300; ++draw) {
            Schedules other = x;
            const double size = std::pow(10.0, std::uniform_real_distribution<>(-3, 1)(random));
            for (double& entry : other.reshaped())
                entry += size * std::uniform_real_distribution<>(-1, 1)(random);
            EXPECT_GE(value(other), best - 1e-7) << "seed " << seed;
        }
    }
    EXPECT_GT(gave, 3);
}

TEST(ThreePhaseFeeder, WarmStartChangesNothing) {
    Instance one = instance(2, 1, 150);
    Schedules cold, warm, nudged;
    one.device.prox(one.target, one.penalty, cold);
    one.device.prox(one.target * 0.98, one.penalty, nudged);
    one.device.prox(one.target, one.penalty, warm);
    EXPECT_LT((cold - warm).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(ThreePhaseFeeder, NamesWhatCannotBeKept) {
    ThreePhaseNetwork network = feeder(1);
    for (model::PhaseBus& bus : network.buses)
        if (bus.name == "c") bus.v_min_pu = bus.v_max_pu = 1.2;
    network.nets.resize(2);
    ThreePhaseFeeder device(network, horizon(2));
    Schedules x;
    EXPECT_EQ(device.prox(Schedules::Zero(2, 2), Eigen::VectorXd::Constant(2, 0.01), x),
              model::ProxStatus::infeasible);
    EXPECT_NE(device.explain().find("bus c phase a"), std::string::npos) << device.explain();
    EXPECT_TRUE(x.allFinite());
    EXPECT_NE(device.tightest().find("bus c phase"), std::string::npos) << device.tightest();
}

}  // namespace
}  // namespace kilter::prox::three_phase_feeder_test
