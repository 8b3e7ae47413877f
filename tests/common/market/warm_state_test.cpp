#include <gtest/gtest.h>

#include "common/market/session.hpp"

namespace kilter::market::warm_state_test {
namespace {

WarmState counting(Eigen::Index horizon) {
    WarmState out = WarmState::cold(2, horizon, 0.5);
    for (Eigen::Index t = 0; t < horizon; ++t) {
        out.z_kw.col(t).setConstant(static_cast<double>(t));
        out.y_eur_per_kw(0, t) = 100 + static_cast<double>(t);
        out.y_eur_per_kw(1, t) = 200 + static_cast<double>(t);
    }
    return out;
}

std::vector<double> z_of(const WarmState& state) {
    return {state.z_kw.row(0).begin(), state.z_kw.row(0).end()};
}

TEST(WarmState, ColdIsZero) {
    const WarmState cold = WarmState::cold(3, 5, 0.25);
    EXPECT_EQ(cold.z_kw.rows(), 3);
    EXPECT_EQ(cold.z_kw.cols(), 5);
    EXPECT_TRUE(cold.z_kw.isZero(0) && cold.y_eur_per_kw.isZero(0));
    EXPECT_EQ(cold.rho_eur_per_kw2, 0.25);
}

TEST(WarmState, WhatEntersRepeatsTheDayBeforeAndTheEndStaysTheEnd) {
    // A day of 4 intervals, a horizon of 8.
    EXPECT_EQ(z_of(counting(8).shifted(0, 4)), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(z_of(counting(8).shifted(1, 4)), (std::vector<double>{1, 2, 3, 4, 5, 6, 6, 7}));
    EXPECT_EQ(z_of(counting(8).shifted(4, 4)), (std::vector<double>{4, 5, 6, 7, 4, 5, 6, 7}));
    EXPECT_EQ(z_of(counting(8).shifted(9, 4)), (std::vector<double>{5, 6, 7, 4, 5, 6, 6, 7}));
}

TEST(WarmState, AHorizonOfExactlyADayWrapsAround) {
    EXPECT_EQ(z_of(counting(6).shifted(3, 6)), (std::vector<double>{3, 4, 5, 0, 4, 5}));
}

TEST(WarmState, AHorizonShorterThanADayRepeatsItsLastInterval) {
    EXPECT_EQ(z_of(counting(5).shifted(3, 96)), (std::vector<double>{3, 4, 4, 3, 4}));
    EXPECT_EQ(z_of(counting(5).shifted(50, 96)), (std::vector<double>{4, 4, 4, 3, 4}));
    EXPECT_EQ(z_of(counting(2).shifted(1, 96)), (std::vector<double>{1, 1}));
    EXPECT_EQ(z_of(counting(1).shifted(1, 96)), (std::vector<double>{0}));
}

TEST(WarmState, PricesShiftLikeSchedulesAndRhoStays) {
    const WarmState later = counting(6).shifted(1, 4);
    EXPECT_EQ(later.y_eur_per_kw(0, 0), 101);
    EXPECT_EQ(later.y_eur_per_kw(1, 5), 205);
    EXPECT_EQ(later.rho_eur_per_kw2, 0.5);
}

}  // namespace
}  // namespace kilter::market::warm_state_test
