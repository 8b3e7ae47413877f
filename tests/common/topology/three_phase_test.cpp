#include "common/topology/three_phase.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace kilter::topology::three_phase_test {
namespace {

using model::Complex;
using model::Connection;

const std::string good = R"(system = "three-phase"
name = "street"
base_kv = 4.16
root = "top"
v_min_pu = 0.95
v_max_pu = 1.05
length_unit = "ft"
code_length_unit = "mile"
nets = "every-load"
bus = [{ name = "top" }, { name = "reg" }, { name = "mid", v_min_pu = 0.94 }, { name = "low" }, { name = "end" }]
code = [
    { name = "main", r_ohm = [0.3, 0.1, 0.1, 0.3, 0.1, 0.3], x_ohm = [1.0, 0.5, 0.4, 1.0, 0.3, 1.0], b_us = [6, -1, -1, 6, -1, 6] },
    { name = "tail", phases = "bc", r_ohm = [1.3, 0.2, 1.4], x_ohm = [1.3, 0.4, 1.5] },
]
line = [
    { from = "reg", to = "mid", code = "main", length = 5280, rating_a = 200 },
    { from = "mid", to = "end", code = "tail", length = 528 },
]
regulator = [{ from = "top", to = "reg", taps = [3, -1, 16] }]
transformer = [{ from = "mid", to = "low", windings = "delta-wye-leading", kva = 100, from_kv = 4.16, to_kv = 0.4, r_pu = 0.01, x_pu = 0.04 }]
switch = [{ from = "low", to = "end", closed = false }]
load = [
    { bus = "end", connection = "delta", model = "current", kw = [0, 20, 0], kvar = [0, 5, 0] },
    { bus = "low", kw = [3, 0, 4] },
    { along = "reg-mid", model = "impedance", kw = [30, 60, 90] },
]
capacitor = [{ bus = "mid", kvar = [10, 20, 30] }]
[shape]
daily = [0.5, 1.0]
[tie]
import_max_kw = 300.0
price_eur_per_kwh = [0.2]
)";

TEST(ThreePhaseTopology, ReadsWhatIsWritten) {
    const auto read = parse_three_phase(good, "good.toml");
    ASSERT_TRUE(read.ok()) << read.error().message;
    const model::ThreePhaseNetwork& network = *read;
    ASSERT_EQ(network.buses.size(), 6u);
    EXPECT_EQ(network.buses[2].v_min_pu, 0.94);
    EXPECT_EQ(network.buses[3].base_kv, 0.4);
    const auto branch = [&](const std::string& name) -> const model::PhaseBranch& {
        for (const model::PhaseBranch& one : network.branches)
            if (one.name == name) return one;
        ADD_FAILURE() << name;
        return network.branches[0];
    };
    // A mile of code main, cut at a quarter by the load along it.
    const auto& first = std::get<model::PhaseLine>(branch("reg-mid").element);
    const auto& rest = std::get<model::PhaseLine>(branch("reg-mid-rest").element);
    EXPECT_NEAR(std::abs(first.series_ohm(0, 1) + rest.series_ohm(0, 1) - Complex(0.1, 0.5)), 0,
                1e-12);
    EXPECT_NEAR(first.shunt_s(1, 1).imag(), 1.5e-6, 1e-18);
    EXPECT_EQ(branch("reg-mid-rest").rating_a, 200);
    EXPECT_EQ(branch("mid-end").phases.text(), "bc");
    EXPECT_NEAR(std::abs(std::get<model::PhaseLine>(branch("mid-end").element).series_ohm(2, 2) -
                         Complex(0.14, 0.15)),
                0, 1e-12);
    EXPECT_EQ(std::get<model::Regulator>(branch("top-reg").element).taps,
              (std::array<int, 3>{3, -1, 16}));
    EXPECT_TRUE(std::get<model::Transformer>(branch("mid-low").element).leads);
    ASSERT_EQ(network.loads.size(), 4u);
    EXPECT_NEAR(network.loads[2].kva[2].real(), 60, 1e-12);
    EXPECT_EQ(network.capacitors[0].kvar[2], 30);
    std::vector<std::string> nets;
    for (const model::PhaseNet& net : network.nets)
        nets.push_back(net.name);
    EXPECT_EQ(nets, (std::vector<std::string>{"end.bc", "low.a", "low.c", "reg-mid.a", "reg-mid.b",
                                              "reg-mid.c", "mid.a", "mid.b", "mid.c"}));
    EXPECT_EQ(network.nets[0].connection, Connection::delta);
    EXPECT_EQ(network.daily_shape.size(), 96u);
}

TEST(ThreePhaseTopology, ErrorsNameTheItem) {
    struct Case {
        std::string from, to, expected;
    };

    const std::vector<Case> cases{
        {"root = \"top\"", "root = \"tip\"", "names bus \"tip\", which does not exist"},
        {"code = \"tail\"", "code = \"tall\"", "code \"tall\" does not exist"},
        {"length = 528 }", "length = 0 }", "length"},
        {"taps = [3, -1, 16]", "taps = [3, -1]", "taps has 2 numbers; give 3"},
        {"taps = [3, -1, 16]", "taps = [3, -1, 17]", "taps"},
        {"taps = [3, -1, 16]", "taps = [3, -1, 0.5]", "whole steps"},
        {"\"delta-wye-leading\"", "\"star\"", "windings is one of"},
        {"x_ohm = [1.3, 0.4, 1.5]", "x_ohm = [1.3]", "phases bc need 3"},
        {"closed = false", "closed = true", "closes a loop"},
        {"along = \"reg-mid\"", "along = \"reg-low\"", "line \"reg-low\", which does not exist"},
        {"kw = [3, 0, 4]", "kw = [3, 0, nan]", "kw"},
        {"bus = \"end\", connection = \"delta\"", "bus = \"end\"", "current"},
        {"kw = [0, 20, 0]", "kw = [20, 0, 0]", "is connected to ab"},
        {"phases = \"bc\"", "phases = \"cb\"", "phases is some of a, b, c"},
        {"nets = \"every-load\"", "nets = \"all\"", "the only rule is \"every-load\""},
        {"name = \"street\"", "nome = \"street\"", "nome"},
        {"kva = 100", "kva = -1", "kva"},
        {"from_kv = 4.16", "from_kv = 12.47", "from_kv is"},
        {"length_unit = \"ft\"", "length_unit = \"yard\"", "length_unit is one of"},
    };
    for (const Case& one : cases) {
        std::string text = good;
        const std::size_t at = text.find(one.from);
        ASSERT_NE(at, std::string::npos) << one.from;
        text.replace(at, one.from.size(), one.to);
        const auto read = parse_three_phase(text, "bad.toml");
        if (one.expected == "current") {  // wye at the same bus is as good
            EXPECT_TRUE(read.ok());
            continue;
        }
        ASSERT_FALSE(read.ok()) << one.to;
        EXPECT_NE(read.error().message.find(one.expected), std::string::npos)
            << one.to << ": " << read.error().message;
        EXPECT_TRUE(read.error().message.starts_with("bad.toml:")) << read.error().message;
    }
}

TEST(ThreePhaseTopology, TheFileSaysWhichKindOfFeederItIs) {
    const std::filesystem::path folder = std::filesystem::path(KILTER_SOURCE_DIR) / "topologies";
    const auto balanced = load_feeder(folder / "baran-wu-33.toml");
    ASSERT_TRUE(balanced.ok()) << balanced.error().message;
    EXPECT_TRUE(std::holds_alternative<model::Network>(*balanced));
    const auto unbalanced = load_feeder(folder / "ieee13.toml");
    ASSERT_TRUE(unbalanced.ok()) << unbalanced.error().message;
    EXPECT_TRUE(std::holds_alternative<model::ThreePhaseNetwork>(*unbalanced));
}

TEST(ThreePhaseTopology, HomesTakeTheirLoadWithThem) {
    const auto read = parse_three_phase(good, "good.toml");
    ASSERT_TRUE(read.ok());
    HomeSpec home;
    home.name = "h";
    home.net = {0};  // end.bc, in delta
    home.load_kw.assign(96, 2.0);
    HomeSpec many = home;
    many.net = {1};  // low.a, which has only 3 kW
    many.load_kw.assign(96, 50.0);
    const model::ThreePhaseNetwork rest = without_homes(*read, {home, many});
    EXPECT_NEAR(std::abs(rest.loads[0].kva[1] - Complex(18, 5)), 0, 1e-12);
    EXPECT_NEAR(std::abs(rest.loads[1].kva[0]), 0, 1e-12);
    EXPECT_NEAR(rest.loads[1].kva[2].real(), 4, 1e-12);
}

}  // namespace
}  // namespace kilter::topology::three_phase_test
