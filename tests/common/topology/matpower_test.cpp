#include "common/topology/matpower.hpp"

#include <string>

#include <gtest/gtest.h>

#include "common/topology/native.hpp"

namespace kilter::topology::matpower_test {
namespace {

std::string two_buses(const std::string& branch = "1 2 1 2 0.001 0 0 0 1.05 0 1",
                      const std::string& after = "") {
    return "function mpc = two\n%% a comment\nmpc.version = '2';\nmpc.baseMVA = 10;\n"
           "mpc.bus = [ %% kW\n1 3 0 0 0 0 1 1 0 10 1 1 1;\n2 1 500 100 0 0 1 1 0 10 1 1.1 "
           "0.9;\n];\n"
           "mpc.gen = [1 0 0 9 -9 1 100 1 9 0];\nmpc.branch = [\n" +
           branch + ";\n];\n" + after;
}

const std::string conversions =
    "Vbase = mpc.bus(1, BASE_KV) * 1e3;\nSbase = mpc.baseMVA * 1e6;\n"
    "mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);\n"
    "mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;\n";

std::string refusal(const std::string& text) {
    const auto network = parse_matpower(text, "two.m");
    return network ? "accepted" : network.error().message;
}

TEST(Matpower, AppliesTheConversionsThatACaseEndsWith) {
    const auto network =
        parse_matpower(two_buses("1 2 1 2 0.001 0 0 0 1.05 0 1", conversions), "two.m");
    ASSERT_TRUE(network.ok()) << network.error().message;
    EXPECT_EQ(network->branches[0].r_ohm, 1);
    EXPECT_EQ(network->branches[0].x_ohm, 2);
    EXPECT_EQ(network->branches[0].ratio, 1.05);
    EXPECT_EQ(network->branches[0].charging_kvar, 10);
    EXPECT_EQ(network->buses[1].load_p_kw, 500);
    EXPECT_TRUE(network->losses);
}

TEST(Matpower, ReadsPerUnitAndMegawattsWithoutThem) {
    const auto network = parse_matpower(two_buses(), "two.m");
    ASSERT_TRUE(network.ok()) << network.error().message;
    EXPECT_EQ(network->branches[0].r_ohm, 10);
    EXPECT_EQ(network->buses[1].load_p_kw, 500'000);
}

TEST(Matpower, RefusesWhatItDoesNotUnderstand) {
    EXPECT_NE(refusal(two_buses("1 2 1 2 0 0 0 0 0 0 1", "mpc.bus(:, PD) = mpc.bus(:, PD) * 2;"))
                  .find("not understood"),
              std::string::npos);
    EXPECT_NE(refusal(two_buses("1 3 1 2 0 0 0 0 0 0 1")).find("branch 1-3"), std::string::npos);
    EXPECT_NE(refusal(two_buses("1 2 NaN 2 0 0 0 0 0 0 1")).find("not a number"),
              std::string::npos);
    EXPECT_NE(refusal(two_buses("1 2 -1 2 0 0 0 0 0 0 1")).find("r_ohm"), std::string::npos);
    EXPECT_NE(refusal(two_buses("1 2 1 2 0 0 0 0 0 0 0")).find("bus 2 cannot be reached"),
              std::string::npos);
    EXPECT_NE(refusal(two_buses("1 2 1 2 0 0 0 0 0 0 1;\n1 2 1 2 0 0 0 0 0 0 1")).find("loop"),
              std::string::npos);
    EXPECT_NE(refusal("hello").find("baseMVA"), std::string::npos);
}

TEST(Native, KeepsLossesShuntsTapsAndCharging) {
    const auto network =
        parse_matpower(two_buses("1 2 1 2 0.001 7 0 0 1.05 0 1", conversions), "two.m");
    ASSERT_TRUE(network.ok());
    model::Network given = *network;
    given.buses[1].shunt_p_kw = 3;
    given.buses[1].shunt_q_kvar = 40;
    given.limit_penalty_eur_per_kwh = 7;
    given.daily_shape.assign(96, 1);
    given.tie.price_eur_per_kwh.assign(96, 0.2);
    const auto again = parse_network(write_network(given), "two.toml");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->buses[1].shunt_p_kw, 3);
    EXPECT_EQ(again->buses[1].shunt_q_kvar, 40);
    EXPECT_EQ(again->branches[0].ratio, 1.05);
    EXPECT_EQ(again->branches[0].charging_kvar, 10);
    EXPECT_EQ(again->branches[0].rating_kva, 7000);
    EXPECT_EQ(again->limit_penalty_eur_per_kwh, 7);
    EXPECT_TRUE(again->losses);
}

}  // namespace
}  // namespace kilter::topology::matpower_test
