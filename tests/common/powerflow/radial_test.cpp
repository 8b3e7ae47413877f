#include "common/powerflow/radial.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/powerflow/validation.hpp"
#include "common/topology/files.hpp"
#include "common/topology/matpower.hpp"

namespace kilter::powerflow {
namespace {

using Complex = std::complex<double>;

/// root — a line of z = 0.01 + 0.02j pu²/MW at 1 kV — bus B.
model::Network two_buses() {
    model::Network network;
    network.name = "two";
    network.base_kv = 1;
    network.buses = {{"A", 0.9, 1.1, 0, 0}, {"B", 0.9, 1.1, 0, 0}};
    network.branches = {{"line", 0, 1, 0.1, 0.2}};
    network.nets = {{"B", 1}};
    return network;
}

/// v_B solves v² − (1 − 2(rP + xQ)) v + |z|²(P² + Q²) = 0.
TEST(RadialPowerFlow, SolvesTheQuadraticOfTwoBuses) {
    const model::Network network = two_buses();
    for (const Complex load : {Complex(200, 50), Complex(-150, 80), Complex(0, -300)}) {
        const auto point = solve(network, {0, load});
        ASSERT_TRUE(point.ok());
        const double r = 0.1 / 1000, x = 0.2 / 1000;
        const double half = 0.5 - (r * load.real() + x * load.imag());
        const double v = half + std::sqrt(half * half - (r * r + x * x) * std::norm(load));
        EXPECT_NEAR(std::norm(point->voltage_pu[1]), v, 1e-12);
        EXPECT_NEAR(point->loss_kw, r * std::norm(load) / v, 1e-9);
        EXPECT_NEAR(point->import_kva.real(), load.real() + point->loss_kw, 1e-9);
        EXPECT_LT(std::abs(point->to_kva[0] - load), 1e-9);
    }
}

TEST(RadialPowerFlow, ShuntsTapsAndChargingKeepKirchhoffsLaws) {
    model::Network network = two_buses();
    network.buses.push_back({"C", 0.9, 1.1, 0, 0, 20, 90});
    network.branches.push_back({"regulator", 1, 2, 0.05, 0.1, 500, 0.95, 60});
    const auto point = solve(network, {0, Complex(100, 40), Complex(150, 30)});
    ASSERT_TRUE(point.ok());
    const auto& v = point->voltage_pu;
    // C draws its load and its shunt; the branch supplies that much there
    const Complex at_c = Complex(150, 30) + std::norm(v[2]) * Complex(20, -90);
    EXPECT_LT(std::abs(point->to_kva[1] - at_c), 1e-8);
    // what enters and leaves the branch, from its two terminal voltages alone
    const Complex admittance = 1.0 / Complex(0.05 / 1000, 0.1 / 1000);
    const Complex inside = v[1] / 0.95;
    const Complex in = (inside - v[2]) * admittance + inside * Complex(0, 30);
    const Complex out = (inside - v[2]) * admittance - v[2] * Complex(0, 30);
    EXPECT_LT(std::abs(point->from_kva[1] - inside * std::conj(in)), 1e-8);
    EXPECT_LT(std::abs(point->to_kva[1] - v[2] * std::conj(out)), 1e-8);
    EXPECT_LT(std::abs(point->to_kva[0] - Complex(100, 40) - point->from_kva[1]), 1e-8);
    EXPECT_GT(std::abs(v[2]), std::abs(v[1]));
}

/// A transformer given from its secondary is the same transformer.
TEST(RadialPowerFlow, ABranchTurnedAroundIsTheSameBranch) {
    model::Network network = two_buses();
    network.branches[0] = {"t", 1, 0, 0.1, 0.2, 500, 1.04, 80};  // ratio at B
    model::Network turned = network;
    ASSERT_TRUE(turned.normalise().ok());
    const auto point = solve(turned, {0, Complex(120, 60)});
    ASSERT_TRUE(point.ok());
    const auto& v = point->voltage_pu;
    const Complex admittance = 1.0 / Complex(0.1 / 1000, 0.2 / 1000);
    const Complex inside = v[1] / 1.04;
    const Complex into_b = (inside - v[0]) * admittance + inside * Complex(0, 40);
    EXPECT_LT(std::abs(inside * std::conj(into_b) + Complex(120, 60)), 1e-8);
    const Complex into_a = (v[0] - inside) * admittance + v[0] * Complex(0, 40);
    EXPECT_LT(std::abs(v[0] * std::conj(into_a) - point->import_kva), 1e-8);
}

TEST(RadialPowerFlow, SaysWhereTheVoltageCollapses) {
    const auto point = solve(two_buses(), {0, Complex(3000, 2000)});
    ASSERT_FALSE(point.ok());
    EXPECT_NE(point.error().message.find("bus B"), std::string::npos) << point.error().message;
}

struct Known {
    const char* name;
    double load_mw, load_mvar, v_min_pu;
    const char* at;
    double loss_kw;
};

/// Published totals, lowest voltages and losses of the radial cases.
TEST(RadialPowerFlow, ReproducesThePublishedVoltagesOfTheDistributionCases) {
    const auto data = topology::data_folder();
    if (!data) GTEST_SKIP() << "no ../shared/data";
    for (const Known& known : {Known{"case10ba", 12.3680, 4.1860, 0.8375, "10", 783.8},
                               {"case12da", 0.4350, 0.4050, 0.9434, "12", 20.7},
                               {"case15da", 1.2264, 1.2512, 0.9445, "13", 61.8},
                               {"case18", 11.6000, 7.5900, 1.0268, "8", 260.2},
                               {"case33bw", 3.7150, 2.3000, 0.9131, "18", 202.7},
                               {"case69", 3.8021, 2.6947, 0.9092, "65", 225.0},
                               {"case85", 2.5143, 2.5651, 0.8739, "54", 299.3},
                               {"case118zh", 22.7097, 17.0411, 0.8688, "77", 1298.1},
                               {"case141", 11.9446, 7.4026, 0.9279, "87", 632.7}}) {
        const auto network =
            topology::load_matpower(*data / "matpower" / (std::string(known.name) + ".m"));
        ASSERT_TRUE(network.ok()) << network.error().message;
        std::vector<Complex> load;
        Complex total;
        for (const auto& bus : network->buses) {
            load.emplace_back(bus.load_p_kw, bus.load_q_kvar);
            total += load.back();
        }
        EXPECT_NEAR(total.real() / 1000, known.load_mw, 1e-4) << known.name;
        EXPECT_NEAR(total.imag() / 1000, known.load_mvar, 1e-4) << known.name;
        const auto point = solve(*network, load);
        ASSERT_TRUE(point.ok()) << point.error().message;
        std::size_t lowest = 0;
        for (std::size_t i = 0; i < load.size(); ++i)
            if (std::abs(point->voltage_pu[i]) < std::abs(point->voltage_pu[lowest])) lowest = i;
        EXPECT_EQ(network->buses[lowest].name, known.at) << known.name;
        EXPECT_NEAR(std::abs(point->voltage_pu[lowest]), known.v_min_pu, 5.1e-5) << known.name;
        EXPECT_NEAR(point->loss_kw, known.loss_kw, 0.051) << known.name;
    }
}

/// Bus 400 is held at 1.05 by a generator's reactive power behind a tap of 1.025.
TEST(RadialPowerFlow, ReproducesTheFourBusCaseWithItsRegulatedBus) {
    const auto data = topology::data_folder();
    if (!data) GTEST_SKIP() << "no ../shared/data";
    const auto network = topology::load_matpower(*data / "matpower/case4_dist.m");
    ASSERT_TRUE(network.ok()) << network.error().message;
    double low = -10'000, high = 10'000;  // kvar the generator supplies
    Result<OperatingPoint> point = Error{};
    for (int i = 0; i < 60; ++i) {
        const double supplied = (low + high) / 2;
        point = solve(*network,
                      {0, Complex(400, 200), Complex(400, 200), Complex(400, 200 - supplied)});
        ASSERT_TRUE(point.ok());
        (std::abs(point->voltage_pu[3]) < 1.05 ? low : high) = supplied;
    }
    EXPECT_NEAR(std::abs(point->voltage_pu[2]), 1.0431, 5.1e-5);
    EXPECT_NEAR(point->loss_kw, 52.8, 0.051);
}

TEST(Validation, StatesTheLargestViolations) {
    model::Network network = two_buses();
    network.branches[0].rating_kva = 100;
    network.buses[1].v_min_pu = 0.99;
    network.tie.import_max_kw = 1000;
    const model::FeederHorizon horizon = model::horizon_of(network, 0, 2, 900);
    model::Schedules p(1, 2), q = model::Schedules::Zero(1, 2);
    p << 50, 150;
    const auto result = validate(network, horizon, p, q);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->voltage.item, "bus B");
    EXPECT_EQ(result->voltage.interval, 1);
    EXPECT_NEAR(result->voltage.by, 0.99 - result->voltage_pu(1, 1), 1e-12);
    EXPECT_EQ(result->loading.item, "branch line");
    EXPECT_NEAR(result->loading.by, result->from_kva(0, 1) / 100 - 1, 1e-12);
    EXPECT_NEAR(result->from_kva(0, 1),
                std::hypot(150 + result->loss_kw[1], 2 * result->loss_kw[1]), 1e-9);
    network.branches[0].rating_kva = 300;
    EXPECT_LT(validate(network, horizon, p, q)->loading.by, 0);
}

}  // namespace
}  // namespace kilter::powerflow
