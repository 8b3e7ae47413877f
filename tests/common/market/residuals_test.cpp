#include "common/market/residuals.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace kilter::market::residuals_test {
namespace {

Terms terms() {
    Terms out;
    out.parameters.horizon = 4;
    out.terminals = 5;
    return out;
}

std::uint64_t units(double kw2) {
    return square_units(kw2);
}

TEST(Residuals, SquaresRoundDownAndSaturate) {
    EXPECT_EQ(units(0), 0u);
    EXPECT_EQ(units(1), std::uint64_t{1} << 36);
    EXPECT_EQ(units(1.99 * square_unit_kw2), 1u);
    EXPECT_EQ(units(1e300), UINT64_MAX);
    EXPECT_EQ(units(std::numeric_limits<double>::infinity()), UINT64_MAX);
    EXPECT_EQ(units(std::numeric_limits<double>::quiet_NaN()), UINT64_MAX);
    EXPECT_EQ(square_units(1e9, movement_max), movement_max);
    EXPECT_EQ(saturating_add(UINT64_MAX - 1, 1), UINT64_MAX);
    EXPECT_EQ(saturating_add(UINT64_MAX, 5), UINT64_MAX);
}

TEST(Residuals, AreRootMeanSquares) {
    // 20 cells, r = α · 0.05 kW in each: x's imbalance is r/α; movements of 0.5 kW at ρ = 0.01.
    const double r_kw = terms().parameters.alpha * 0.05;
    const Residuals residuals = residuals_of(terms(), units(20 * r_kw * r_kw), units(20 * 0.25),
                                             0.01, terms().parameters.alpha);
    EXPECT_NEAR(residuals.primal_kw, 0.05, 1e-7);
    EXPECT_NEAR(residuals.dual_eur_per_kw, 0.005, 1e-9);
    // In tolerances: 0.05 / 1e-3 and 0.005 / (1e-3 · 0.2 EUR/kWh · 0.25 h).
    EXPECT_NEAR(badness(terms(), residuals), 100, 1e-6);
    EXPECT_NEAR(badness(terms(), {.primal_kw = 0.05, .dual_eur_per_kw = 0}), 50, 1e-9);
}

/// A notice whose residuals are `primal` and `dual` times their tolerances at ρ = 0.01.
Notice notice(double primal, double dual) {
    const Parameters agreed = terms().parameters;
    const double r = primal * agreed.alpha * agreed.primal_tolerance_kw;
    const double moved =
        dual * agreed.dual_tolerance * agreed.price_scale_eur_per_kwh * 0.25 / 0.01;
    return {.about_iteration = 3,
            .primal_square = units(20 * r * r),
            .dual_square = units(20 * moved * moved),
            .stop_iteration = 0,
            .outcome = Outcome::converged};
}

TEST(Residuals, RhoMovesTowardsBalanceInTolerances) {
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, notice(50, 1.2), 5), 0.01 * 1.1);
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, notice(5, 13), 5), 0.01 / 1.1);
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, notice(5, 12), 5), 0.01);
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, notice(50, 1.3), 5), 0.01);
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.03, 0.01, notice(50, 1.2), 5), 0.03 * 1.1)
        << "what is now moves, by what was then";
}

TEST(Residuals, RhoStaysWhereNothingIsKnownOrAgreedOrAfterAWhile) {
    Notice nothing = notice(50, 1);
    nothing.about_iteration = 0;
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, nothing, 1), 0.01);
    EXPECT_EQ(Balancing{}.next_rho(terms(), 0.01, 0.01, notice(50, 1), balance_until + 1), 0.01);
    Terms fixed = terms();
    fixed.parameters.balance_rho = Balance::none;
    EXPECT_EQ(Balancing{}.next_rho(fixed, 0.01, 0.01, notice(50, 1), 5), 0.01);
}

/// ρ after iterates 61 to 72, heard of with the residuals of `primal` and `dual` times their tolerances.
double rho_after(const Terms& agreed,
                 double (*primal)(std::uint32_t),
                 double (*dual)(std::uint32_t)) {
    Balancing balancing;
    double rho = 0.01;
    for (std::uint32_t k = balance_until + 1; k <= balance_until + 12; ++k) {
        Notice heard = notice(primal(k), dual(k));
        heard.about_iteration = k;
        rho = balancing.next_rho(agreed, rho, 0.01, heard, k + 2);
    }
    return rho;
}

TEST(Residuals, RhoMovesInFavourOfAResidualThatStalls) {
    const auto four = [](std::uint32_t) { return 4.0; };
    const auto one = [](std::uint32_t) { return 1.0; };
    const auto two = [](std::uint32_t) { return 2.0; };
    const auto falls = [](std::uint32_t k) { return 3.0 * (k > balance_until + 10 ? 0.89 : 1); };
    EXPECT_EQ(rho_after(terms(), four, one), 0.01 * 1.2 * 1.2) << "iterates 71 and 72";
    EXPECT_EQ(rho_after(terms(), one, four), 0.01 / 1.2 / 1.2);
    EXPECT_EQ(rho_after(terms(), two, one), 0.01) << "about balanced";
    EXPECT_EQ(rho_after(terms(), falls, [](std::uint32_t) { return 0.5; }), 0.01);
    Terms gross = terms();
    gross.parameters.balance_rho = Balance::gross;
    EXPECT_EQ(rho_after(gross, four, one), 0.01);
}

TEST(Residuals, WhatStallsIsLeftAloneAfterAWhileAndWhereWhatWasIsNotKnown) {
    const auto after = [](std::uint32_t first, std::uint32_t second, std::uint32_t iteration) {
        Balancing balancing;
        Notice heard = notice(4, 1);
        heard.about_iteration = first;
        balancing.next_rho(terms(), 0.01, 0.01, heard, first + 2);
        heard.about_iteration = second;
        return balancing.next_rho(terms(), 0.01, 0.01, heard, iteration);
    };
    EXPECT_EQ(after(100, 110, 112), 0.01 * 1.2);
    EXPECT_EQ(after(100, 111, 113), 0.01) << "what iterate 101 had was not heard";
    EXPECT_EQ(after(100, 110, unstall_until + 1), 0.01);
}

TEST(Residuals, WhatEndedPartialIsFollowedByThePenaltyThatItsRatioAsksFor) {
    EXPECT_NEAR(aimed_rho(terms(), 0.01, 0.01, notice(3, 1)), 0.03, 1e-6);
    EXPECT_NEAR(aimed_rho(terms(), 0.01, 0.01, notice(1, 2)), 0.005, 1e-6);
    EXPECT_NEAR(aimed_rho(terms(), 0.03, 0.01, notice(3, 1)), 0.09, 1e-5)
        << "what is now moves, by what was then";
    EXPECT_NEAR(aimed_rho(terms(), 0.01, 0.01, notice(500, 1)), 0.1, 1e-12);
    EXPECT_NEAR(aimed_rho(terms(), 0.01, 0.01, notice(500, 0)), 0.1, 1e-12);
    EXPECT_NEAR(aimed_rho(terms(), 0.01, 0.01, notice(1, 500)), 0.001, 1e-12);
    EXPECT_EQ(aimed_rho(terms(), 0.01, 0.01, notice(0, 0)), 0.01) << "a number";
    Terms fixed = terms();
    fixed.parameters.balance_rho = Balance::none;
    EXPECT_EQ(aimed_rho(fixed, 0.01, 0.01, notice(500, 1)), 0.01);
}

}  // namespace
}  // namespace kilter::market::residuals_test
