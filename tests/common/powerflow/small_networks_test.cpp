// Three-phase networks with solutions that other programs computed: lines with neutrals, delta-wye
// transformers with magnetising current, single-phase lines and panels, low-voltage feeders.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <numbers>

#include <gtest/gtest.h>

#include "common/powerflow/three_phase_sweep.hpp"
#include "tests/support/data.hpp"
#include "tests/support/open_3ph.hpp"
#include "tests/support/opendss.hpp"

namespace kilter::powerflow {
namespace {

using model::Complex;
using model::Phasors;
using model::ThreePhaseNetwork;
using Solution = std::map<std::string, Phasors>;  ///< V by bus

/// "bus": { name: { "va": { "1": radians }, "vm": { "1": volts } } }, one value a line.
Solution read_solution(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::map<std::string, std::array<Eigen::Vector3d, 2>> polar;
    std::string bus;
    std::size_t which = 0;
    for (std::string line; std::getline(in, line);) {
        const std::size_t open = line.find('"');
        if (open == std::string::npos) continue;
        const std::string key = line.substr(open + 1, line.find('"', open + 1) - open - 1);
        if (key == "va" || key == "vm") {
            which = key == "va" ? 1 : 0;
        } else if (line.find('{') != std::string::npos && key != "bus") {
            polar[bus = key] = {Eigen::Vector3d::Zero(), Eigen::Vector3d::Zero()};
        } else if (key.size() == 1) {
            polar[bus][which][key[0] - '1'] = std::stod(line.substr(line.find(':') + 1));
        }
    }
    Solution out;
    for (const auto& [name, value] : polar)
        for (int i = 0; i < 3; ++i)
            out[name][i] = std::polar(value[0][i], value[1][i]);
    return out;
}

/// Held at the root's solved voltage, the network's farthest distance from the solution in per unit
/// of nominal voltage, as a complex number.
double distance(ThreePhaseNetwork network, const Solution& solution) {
    const std::string root = network.buses[network.root].name;
    network.source_pu = solution.at(root) / (1000 * network.base_kv / std::numbers::sqrt3);
    const auto tree = network.normalise();
    EXPECT_TRUE(tree.ok()) << tree.error().message;
    if (!tree) return 1;
    const auto valid = network.validate();
    EXPECT_TRUE(valid.ok()) << valid.error().message;
    const auto state = three_phase_sweep(network, network.loads_at(1));
    EXPECT_TRUE(state.ok()) << state.error().message;
    if (!state) return 1;
    double most = 0;
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const Phasors off = state->voltage_v[i] - solution.at(network.buses[i].name);
        for (int phase = 0; phase < 3; ++phase)
            if (network.buses[i].phases.has(phase))
                most = std::max(most, std::abs(off[phase]) / model::nominal_v(network.buses[i]));
    }
    return most;
}

TEST(SmallNetworks, AgreeWithTheirSolutions) {
    const auto folder = testing::published("three_phase_small");
    if (!folder) GTEST_SKIP() << "no published networks: set KILTER_DATA";
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dss") continue;
        const std::string name = entry.path().stem().string();
        SCOPED_TRACE(name);
        ThreePhaseNetwork network = testing::read_opendss(entry.path());
        if (name == "case3_unbalanced_switch") {  // two closed switches in parallel paths
            const auto tree = network.normalise();
            ASSERT_FALSE(tree.ok());
            EXPECT_NE(tree.error().message.find("closes a loop"), std::string::npos);
            continue;
        }
        const double off =
            distance(network, read_solution(*folder / "solutions" / (name + ".json")));
        std::printf("%s: %.2e pu\n", name.c_str(), off);
        EXPECT_LT(off, 1e-6);
        ++count;
    }
    EXPECT_EQ(count, 15);
}

TEST(SmallNetworks, LowVoltageFeedersAgreeWithTheirSolutions) {
    const auto folder = testing::published("open_3ph");
    if (!folder) GTEST_SKIP() << "no published networks: set KILTER_DATA";
    // The first two were solved to a tolerance of 1e-4: their own powers do not balance better.
    const std::map<const char*, double> bounds{{"13BusOxEmf_dss", 5e-5},
                                               {"4Bus-YY-Bal_dss", 5e-6},
                                               {"n5_1_dss", 1e-6},
                                               {"n4_3_dss", 1e-6}};
    for (const auto& [name, bound] : bounds) {
        SCOPED_TRACE(name);
        const testing::SolvedNetwork solved = testing::read_open_3ph(*folder / name);
        const double off = distance(solved.network, solved.voltage_v);
        std::printf("%s: %.2e pu\n", name, off);
        EXPECT_LT(off, bound);
    }
}

}  // namespace
}  // namespace kilter::powerflow
