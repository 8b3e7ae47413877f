#include "common/model/three_phase.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "common/model/three_phase_circuit.hpp"

namespace kilter::model::three_phase_test {
namespace {

/// root –(line abc)– a –(line ac)– b, and a –(delta-delta transformer)– c.
ThreePhaseNetwork good() {
    ThreePhaseNetwork network;
    network.name = "good";
    network.base_kv = 4.16;
    network.buses = {{.name = "b", .phases = {}},
                     {.name = "a", .phases = {}},
                     {.name = "root", .phases = {}},
                     {.name = "c", .phases = {}}};
    network.root = 2;
    PhaseBranch trunk{.name = "trunk", .from = 1, .to = 2};
    PhaseLine line;
    line.series_ohm = PhaseMatrix::Constant({0.1, 0.2});
    line.series_ohm.diagonal().setConstant({0.3, 0.6});
    trunk.element = line;
    PhaseBranch lateral{.name = "lateral", .from = 1, .to = 0, .phases = *PhaseSet::parse("ac")};
    PhaseLine two;
    for (const int i : {0, 2})
        two.series_ohm(i, i) = {1, 1};
    lateral.element = two;
    PhaseBranch transformer{.name = "transformer", .from = 1, .to = 3};
    transformer.element = Transformer{.windings = Transformer::Windings::delta_delta,
                                      .kva = 500,
                                      .from_kv = 4.16,
                                      .to_kv = 0.48,
                                      .impedance_pu = {0.01, 0.02},
                                      .no_load_kva = 0.0};
    network.branches = {lateral, transformer, trunk};
    network.loads = {{.name = "one", .bus = 0, .kva = Phasors(Complex(10, 5), 0, Complex(3, 1))},
                     {.name = "two",
                      .bus = 3,
                      .connection = Connection::delta,
                      .kva = Phasors::Constant({5, 1})}};
    network.nets = {{.name = "n", .bus = 0, .phases = PhaseSet::of(2)}};
    return network;
}

TEST(ThreePhaseNetwork, KnowsWhichPhasesAndVoltagesArrive) {
    ThreePhaseNetwork network = good();
    ASSERT_TRUE(network.normalise().ok());
    const auto valid = network.validate();
    ASSERT_TRUE(valid.ok()) << valid.error().message;
    EXPECT_EQ(network.branches[0].name, "trunk");
    EXPECT_EQ(network.branches[0].from, 2u);
    EXPECT_EQ(network.buses[0].phases.text(), "ac");
    EXPECT_EQ(network.buses[1].phases.text(), "abc");
    EXPECT_EQ(network.buses[3].base_kv, 0.48);
    EXPECT_EQ(network.buses[3].connection, Connection::delta);
    EXPECT_EQ(network.buses[0].connection, Connection::wye);
}

TEST(ThreePhaseNetwork, ErrorsNameTheItem) {
    using Change = std::function<void(ThreePhaseNetwork&)>;
    const auto line = [](ThreePhaseNetwork& n, std::size_t b) -> PhaseLine& {
        return std::get<PhaseLine>(n.branches[b].element);
    };
    const std::vector<std::pair<const char*, Change>> cases{
        {"branch lateral has phases ac", [](auto& n) { n.branches[2].phases = PhaseSet::of(1); }},
        {"closes a loop at bus b",
         [](auto& n) { n.branches.push_back({.name = "extra", .from = 0, .to = 2}); }},
        {"bus b cannot be reached", [](auto& n) { n.branches[0].closed = false; }},
        {"branch transformer: its `to` end",
         [](auto& n) { std::swap(n.branches[1].from, n.branches[1].to); }},
        {"branch transformer: from_kv is",
         [](auto& n) { std::get<Transformer>(n.branches[1].element).from_kv = 12; }},
        {"branch transformer: kva is",
         [](auto& n) { std::get<Transformer>(n.branches[1].element).kva = 0; }},
        {"branch lateral: its series impedance couples phases",
         [&](auto& n) { line(n, 0).series_ohm(1, 1) = 1; }},
        {"branch trunk: its series impedance is not symmetric",
         [&](auto& n) { line(n, 2).series_ohm(0, 1) = 0.7; }},
        {"branch trunk: its shunt admittance is not finite",
         [&](auto& n) { line(n, 2).shunt_s(0, 0) = NAN; }},
        {"branch trunk: a resistance", [&](auto& n) { line(n, 2).series_ohm(0, 0) = -1; }},
        {"branch trunk: rating_a", [](auto& n) { n.branches[2].rating_a = -1; }},
        {"load one: it is connected to b", [](auto& n) { n.loads[0].kva[1] = 1; }},
        {"load two: it is connected to a neutral",
         [](auto& n) { n.loads[1].connection = Connection::wye; }},
        {"load one: its power is not finite", [](auto& n) { n.loads[0].kva[0] = INFINITY; }},
        {"capacitor C: kvar",
         [](auto& n) {
             n.capacitors = {{.name = "C", .bus = 0, .kvar = Eigen::Vector3d(-1, 0, 0)}};
         }},
        {"net n: it is connected to b", [](auto& n) { n.nets[0].phases = PhaseSet::of(1); }},
        {"net n: it has phases \"c\"", [](auto& n) { n.nets[0].connection = Connection::delta; }},
        {"bus a: v_max_pu", [](auto& n) { n.buses[1].v_max_pu = 0.1; }},
        {"the name of bus a is used twice", [](auto& n) { n.buses[0].name = "a"; }},
        {"tie: import_max_kw", [](auto& n) { n.tie.import_max_kw = -1; }},
        {"bus c has no neutral",
         [](auto& n) {
             n.buses.push_back({.name = "d", .phases = {}});
             n.branches.push_back(
                 {.name = "single", .from = 3, .to = 4, .phases = PhaseSet::of(0)});
         }},
    };
    for (const auto& [expected, change] : cases) {
        ThreePhaseNetwork network = good();
        change(network);
        auto result = network.normalise();
        if (result) result = network.validate();
        ASSERT_FALSE(result.ok()) << expected;
        EXPECT_NE(result.error().message.find(expected), std::string::npos)
            << expected << ": " << result.error().message;
    }
}

TEST(PhaseSet, ReadsAndWrites) {
    EXPECT_EQ(PhaseSet::parse("abc")->text(), "abc");
    EXPECT_EQ(PhaseSet::parse("ca"), std::nullopt);
    EXPECT_EQ(PhaseSet::parse("aa"), std::nullopt);
    EXPECT_EQ(PhaseSet::parse(""), std::nullopt);
    EXPECT_EQ(PhaseSet::parse("d"), std::nullopt);
}

TEST(TwoPort, IdealTransformersGivePowerOn) {
    using Windings = Transformer::Windings;
    const Phasors from = ThreePhaseNetwork::balanced(2400);
    for (const Windings windings : {Windings::wye_wye, Windings::delta_wye, Windings::delta_delta})
        for (const bool leads : {false, true}) {
            PhaseBranch branch;
            branch.element = Transformer{.windings = windings,
                                         .leads = leads,
                                         .kva = 100,
                                         .from_kv = 4.16,
                                         .to_kv = 0.48,
                                         .impedance_pu = 0.0,
                                         .no_load_kva = 0.0};
            const TwoPort port = two_port(branch);
            const Phasors to = port.a * from;
            EXPECT_NEAR(std::abs(to[0]) / std::abs(from[0]), 0.48 / 4.16, 1e-12);
            const double shift = std::arg(to[0] / from[0]) * 180 / M_PI;
            EXPECT_NEAR(shift, windings != Windings::delta_wye ? 0 : leads ? 30 : -30, 1e-9);
            Phasors out(Complex(10, 3), Complex(-2, 4), Complex(1, 1));
            if (windings == Windings::delta_delta) out.array() -= out.mean();
            const Phasors in = port.d * out;
            EXPECT_NEAR(std::abs(in.dot(from) - out.dot(to)), 0, 1e-9);
        }
}

TEST(TwoPort, OpenDeltaRegulatorsRaiseTheirTwoVoltages) {
    PhaseBranch branch;
    branch.element = Regulator{.connection = Connection::delta, .taps = {8, 0, -4}};
    const TwoPort port = two_port(branch);
    Phasors from = ThreePhaseNetwork::balanced(2771);
    const Phasors to = port.a * from;
    const Phasors before = line_to_line(from);
    const Phasors after = line_to_line(to);
    EXPECT_NEAR(std::abs(after[0] / before[0] - 1.05), 0, 1e-12);
    EXPECT_NEAR(std::abs(after[1] / before[1] - 0.975), 0, 1e-12);
    EXPECT_NEAR(std::abs(to.sum()), 0, 1e-9);
    Phasors out(Complex(10, 3), Complex(-2, 4), 0);
    out[2] = -out[0] - out[1];
    const Phasors in = port.d * out;
    EXPECT_NEAR(std::abs(in.dot(from) - out.dot(to)), 0, 1e-9);
}

}  // namespace
}  // namespace kilter::model::three_phase_test
