#include "common/powerflow/three_phase_sweep.hpp"

#include <cmath>
#include <cstdio>
#include <numbers>

#include <gtest/gtest.h>

#include "common/topology/three_phase.hpp"
#include "tests/support/data.hpp"
#include "tests/support/ieee_csv.hpp"
#include "tests/support/opendss.hpp"

namespace kilter::powerflow {
namespace {

using model::Complex;
using model::Phasors;
using model::ThreePhaseNetwork;

std::size_t bus_named(const ThreePhaseNetwork& network, const std::string& name) {
    for (std::size_t i = 0; i < network.buses.size(); ++i)
        if (network.buses[i].name == name) return i;
    ADD_FAILURE() << "no bus " << name;
    return 0;
}

/// The largest distance from published voltages, phase to neutral or, for two phases, between them.
struct Distance {
    double magnitude_pu = 0;
    double angle_deg = 0;
    int values = 0;
};

Distance distance(const ThreePhaseNetwork& network,
                  const ThreePhaseState& state,
                  const std::string& table,
                  const std::string& except = {}) {
    Distance out;
    for (const testing::CsvRow& row :
         testing::read_csv(*testing::published("reference_voltages/" + table))) {
        if (row.at("node") == except) continue;
        const std::size_t at = bus_named(network, row.at("node"));
        const std::string& phase = row.at("phase");
        Complex voltage = state.voltage_v[at][phase[0] - 'A'];
        double base = model::nominal_v(network.buses[at]);
        if (phase.size() == 2) {
            voltage -= state.voltage_v[at][phase[1] - 'A'];
            base *= std::numbers::sqrt3;
        }
        const double degrees = std::arg(voltage) * 180 / std::numbers::pi;
        out.magnitude_pu = std::max(
            out.magnitude_pu, std::abs(std::abs(voltage) - std::stod(row.at("voltage_V"))) / base);
        out.angle_deg =
            std::max(out.angle_deg,
                     std::abs(std::remainder(degrees - std::stod(row.at("angle_deg")), 360.0)));
        ++out.values;
    }
    std::printf("%s: %d values, at most %.1e pu and %.4f degrees off\n", network.name.c_str(),
                out.values, out.magnitude_pu, out.angle_deg);
    return out;
}

void expect_near(const Phasors& value, const Phasors& expected, double tolerance) {
    EXPECT_LT((value - expected).cwiseAbs().maxCoeff(), tolerance) << value << "\n\n" << expected;
}

TEST(ThreePhaseSweep, GivesThePublishedVoltagesOfIeee13) {
    const auto folder = testing::published("ieee_csv/ieee-13");
    if (!folder) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    const ThreePhaseNetwork network = testing::read_ieee_csv(*folder);
    const auto state = three_phase_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    // The table has node 652 at 2363.35 V, 3.6 V above what its own voltage of node 684 leaves at
    // the end of the published cable 607 under the published load; the sweep leaves exactly that.
    const Distance off = distance(network, *state, "gridlabd_ieee13_voltages.csv", "652");
    EXPECT_EQ(off.values, 31);
    EXPECT_LT(off.magnitude_pu, 3.1e-5);
    EXPECT_LT(off.angle_deg, 0.0063);
    const Complex at_684 = std::polar(2373.11, -5.32 * std::numbers::pi / 180);
    const Complex load_ohm = 2401.7771 * 2401.7771 / std::conj(Complex(128e3, 86e3));
    const Complex cable_ohm = Complex(1.3425, 0.5124) * (800.0 / 5280);
    const double at_652 = std::abs(at_684 * load_ohm / (load_ohm + cable_ohm));
    EXPECT_NEAR(std::abs(state->voltage_v[bus_named(network, "652")][0]) / at_652, 1, 5e-5);
    // What the feeder draws, as published with it, kW and kvar.
    expect_near(
        state->import_kva,
        Phasors(Complex(1251.398, 681.570), Complex(977.332, 373.418), Complex(1348.461, 669.784)),
        0.35);
}

/// topologies/ieee13.toml, held to the publication's totals even without the tables.
TEST(ThreePhaseSweep, TheShippedIeee13IsThePublishedOne) {
    auto feeder =
        topology::load_feeder(std::filesystem::path(KILTER_SOURCE_DIR) / "topologies/ieee13.toml");
    ASSERT_TRUE(feeder.ok()) << feeder.error().message;
    const auto& network = std::get<ThreePhaseNetwork>(*feeder);
    const auto state = three_phase_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    expect_near(
        state->import_kva,
        Phasors(Complex(1251.398, 681.570), Complex(977.332, 373.418), Complex(1348.461, 669.784)),
        0.35);
    if (!testing::published("reference_voltages")) GTEST_SKIP() << "totals only: set KILTER_DATA";
    const Distance off = distance(network, *state, "gridlabd_ieee13_voltages.csv", "652");
    EXPECT_LT(off.magnitude_pu, 3.1e-5);
    EXPECT_LT(off.angle_deg, 0.0063);
}

TEST(ThreePhaseSweep, LineDropCompensatorsRestAtThePublishedTapsOfIeee13) {
    const auto folder = testing::published("ieee_csv/ieee-13");
    if (!folder) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    ThreePhaseNetwork network = testing::read_ieee_csv(*folder);
    model::Regulator* regulator = nullptr;
    for (model::PhaseBranch& branch : network.branches)
        if (auto* found = std::get_if<model::Regulator>(&branch.element)) regulator = found;
    ASSERT_NE(regulator, nullptr);
    regulator->taps = {};
    regulator->compensator = {.level_v = 122,
                              .bandwidth_v = 2,
                              .pt_ratio = 20,
                              .ct_primary_a = 700,
                              .r_v = {3, 3, 3},
                              .x_v = {9, 9, 9}};
    // From below, a relay stops as soon as it is inside its band of 2 V, some steps of 0.75 V lower.
    auto state = regulated_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ(regulator->taps, (std::array<int, 3>{9, 6, 9}));
    const std::array<int, 3> published{10, 8, 11};
    regulator->taps = published;
    state = regulated_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ(regulator->taps, published);
}

TEST(ThreePhaseSweep, GivesThePublishedVoltagesOfIeee37) {
    const auto file = testing::published("opendss/37Bus/ieee37.dss");
    if (!file) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    ThreePhaseNetwork network = testing::read_opendss(*file, {.root = "799"});
    ASSERT_TRUE(network.normalise().ok());
    const auto valid = network.validate();
    ASSERT_TRUE(valid.ok()) << valid.error().message;
    network.source_pu *= std::polar(1.0, -std::numbers::pi / 6);  // V_ab at 0°, as published
    for (model::PhaseBranch& branch : network.branches)
        if (auto* regulator = std::get_if<model::Regulator>(&branch.element)) {
            regulator->taps = {7, 0, 4};  // as published; the relays have to leave them there
            regulator->compensator->r_v = {1.5, 0, 1.5};
            regulator->compensator->x_v = {3, 0, 3};
        }
    const auto state = regulated_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    for (const model::PhaseBranch& branch : network.branches)
        if (const auto* regulator = std::get_if<model::Regulator>(&branch.element)) {
            EXPECT_EQ(regulator->taps, (std::array<int, 3>{7, 0, 4}));
        }
    const Distance off = distance(network, *state, "gridlabd_ieee37_voltages.csv");
    EXPECT_EQ(off.values, 6);
    EXPECT_LT(off.magnitude_pu, 4.7e-5);
    EXPECT_LT(off.angle_deg, 0.0047);
}

/// The reference holds the phasor of a constant-current load, where the feeder's publication (and
/// LoadModel::current) holds its magnitude and power factor: a load turned by as much as the voltage
/// across it has turned from its nominal angle draws the reference's current.
std::vector<model::PhaseLoad> with_fixed_phasors(const ThreePhaseNetwork& network,
                                                 const ThreePhaseState& state) {
    const Phasors nominal = ThreePhaseNetwork::balanced(1);
    std::vector<model::PhaseLoad> loads = network.loads_at(1);
    for (model::PhaseLoad& load : loads) {
        if (load.model != model::LoadModel::current) continue;
        const bool delta = load.connection == model::Connection::delta;
        const Phasors& v = state.voltage_v[load.bus];
        const Phasors across = delta ? model::line_to_line(v) : v;
        const Phasors usual = delta ? model::line_to_line(nominal) : nominal;
        for (int i = 0; i < 3; ++i)
            if (across[i] != 0.0) load.kva[i] *= std::polar(1.0, std::arg(across[i] / usual[i]));
    }
    return loads;
}

TEST(ThreePhaseSweep, GivesThePublishedVoltagesOfIeee123) {
    const auto folder = testing::published("ieee_csv/ieee-123");
    if (!folder) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    const ThreePhaseNetwork network = testing::read_ieee_csv(*folder);
    auto state = three_phase_sweep(network, network.loads_at(1));
    ASSERT_TRUE(state.ok()) << state.error().message;
    expect_near(
        state->import_kva,
        Phasors(Complex(1463.861, 582.101), Complex(963.484, 343.687), Complex(1193.153, 398.976)),
        1.1);
    const char* table = "gridlabd_ieee123_voltages.csv";
    Distance off = distance(network, *state, table);
    EXPECT_EQ(off.values, 53);
    EXPECT_LT(off.magnitude_pu, 8e-4);
    EXPECT_LT(off.angle_deg, 0.075);
    for (int round = 0; round < 10; ++round) {
        state = three_phase_sweep(network, with_fixed_phasors(network, *state));
        ASSERT_TRUE(state.ok()) << state.error().message;
    }
    off = distance(network, *state, table);
    EXPECT_LT(off.magnitude_pu, 2.3e-4);
    EXPECT_LT(off.angle_deg, 0.027);
}

/// A source, a line of 1 + 2j ohm per phase without coupling, a load.
ThreePhaseNetwork one_line(const model::PhaseLoad& load) {
    ThreePhaseNetwork network;
    network.name = "one line";
    network.base_kv = 4.16;
    network.buses = {{.name = "source", .phases = {}}, {.name = "end", .phases = {}}};
    model::PhaseBranch branch;
    branch.name = "line";
    branch.to = 1;
    model::PhaseLine line;
    line.series_ohm.diagonal().setConstant({1, 2});
    branch.element = line;
    network.branches = {branch};
    network.loads = {load};
    network.loads[0].bus = 1;
    EXPECT_TRUE(network.normalise().ok());
    EXPECT_TRUE(network.validate().ok());
    return network;
}

TEST(ThreePhaseSweep, KeepsPowerAndKirchhoffsLaws) {
    for (const auto connection : {model::Connection::wye, model::Connection::delta})
        for (const auto how :
             {model::LoadModel::power, model::LoadModel::current, model::LoadModel::impedance}) {
            const ThreePhaseNetwork network =
                one_line({.name = "load",
                          .connection = connection,
                          .model = how,
                          .kva = Phasors(Complex(300, 100), Complex(200, 50), Complex(0, 0))});
            const auto state = three_phase_sweep(network, network.loads_at(1));
            ASSERT_TRUE(state.ok());
            const Phasors drop = state->voltage_v[0] - state->voltage_v[1];
            expect_near(drop, Complex(1, 2) * state->out_of_a[0], 1e-6);
            const Complex lost = drop.dot(state->out_of_a[0]);
            Phasors consumed = Phasors::Zero();
            const Phasors current =
                model::load_current(network.loads[0], network.buses[1], state->voltage_v[1]);
            for (int i = 0; i < 3; ++i)
                consumed[i] = state->voltage_v[1][i] * std::conj(current[i]) / 1000.0;
            EXPECT_NEAR(
                std::abs(state->import_kva.sum() - consumed.sum() - std::conj(lost) / 1000.0), 0,
                1e-6);
            if (how == model::LoadModel::power) {
                EXPECT_NEAR(std::abs(consumed.sum() - Complex(500, 150)), 0, 1e-6);
            }
        }
}

TEST(ThreePhaseSweep, RefusesALoadThatCannotBeCarried) {
    const ThreePhaseNetwork network =
        one_line({.name = "load", .kva = Phasors::Constant({3000, 0})});
    const auto state = three_phase_sweep(network, network.loads_at(1));
    ASSERT_FALSE(state.ok());
    EXPECT_NE(state.error().message.find("bus end"), std::string::npos) << state.error().message;
}

TEST(ThreePhaseSweep, ADistributedLoadIsTheLimitOfManySmallOnes) {
    const model::PhaseLoad whole{
        .name = "spread", .model = model::LoadModel::current, .kva = Phasors::Constant({600, 0})};
    ThreePhaseNetwork split = one_line({.name = "none"});
    split.distribute(0, whole);
    ASSERT_TRUE(split.normalise().ok());
    const auto two = three_phase_sweep(split, split.loads_at(1));
    ASSERT_TRUE(two.ok());

    constexpr int parts = 2000;
    ThreePhaseNetwork many = one_line({.name = "none"});
    const model::PhaseBranch line = many.branches[0];
    many.branches.clear();
    many.buses.resize(1);
    for (int i = 0; i < parts; ++i) {
        many.buses.push_back({.name = std::to_string(i), .phases = {}});
        model::PhaseBranch piece = line;
        piece.from = static_cast<std::size_t>(i);
        piece.to = piece.from + 1;
        std::get<model::PhaseLine>(piece.element).series_ohm /= parts;
        many.branches.push_back(piece);
        model::PhaseLoad load = whole;
        load.bus = piece.to;
        load.kva /= parts;
        many.loads.push_back(load);
    }
    ASSERT_TRUE(many.normalise().ok());
    const auto fine = three_phase_sweep(many, many.loads_at(1));
    ASSERT_TRUE(fine.ok());
    EXPECT_NEAR(std::abs(two->voltage_v[1][0]), std::abs(fine->voltage_v[parts][0]), 0.1);
    // Loss: the import less what the loads take at their voltages.
    const auto loss = [](const ThreePhaseNetwork& network, const ThreePhaseState& state) {
        double taken = 0;
        for (const model::PhaseLoad& load : network.loads) {
            const Phasors& v = state.voltage_v[load.bus];
            const Phasors i = model::load_current(load, network.buses[load.bus], v);
            taken += v.dot(i).real() / 1000;
        }
        return state.import_kva.sum().real() - taken;
    };
    EXPECT_NEAR(loss(split, *two) / loss(many, *fine), 1, 1e-3);
}

}  // namespace
}  // namespace kilter::powerflow
