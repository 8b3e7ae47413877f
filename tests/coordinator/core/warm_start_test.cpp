#include "coordinator/core/warm_start.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace kilter::coordinator::warm_start_test {
namespace {

constexpr NetId street{0};
constexpr NetId lane{1};

// A quarter of an hour: y = price / 4.
struct WarmStartTest : testing::Test {
    WarmStartTest() { parameters.horizon = 4; }

    static std::vector<std::int64_t> flat(double price_eur_per_kwh) {
        return std::vector<std::int64_t>(4, static_cast<std::int64_t>(price_eur_per_kwh * 1e6));
    }

    static market::WarmState left(double z_kw, double y_eur_per_kw, double rho) {
        market::WarmState out = market::WarmState::cold(1, 4, rho);
        out.z_kw.setConstant(z_kw);
        out.y_eur_per_kw.setConstant(y_eur_per_kw);
        return out;
    }

    market::Parameters parameters;
};

TEST_F(WarmStartTest, without_a_past_it_is_cold) {
    const auto start = WarmStart(parameters).start(10, {street, lane});
    EXPECT_EQ(start.y_eur_per_kw.rows(), 2);
    EXPECT_EQ(start.y_eur_per_kw.cols(), 4);
    EXPECT_TRUE(start.y_eur_per_kw.isZero());
    EXPECT_EQ(start.rho_eur_per_kw2, parameters.rho_eur_per_kw2);
}

TEST_F(WarmStartTest, prices_on_the_log_start_their_net_only) {
    WarmStart warm(parameters);
    warm.on_record(9, lane, flat(0.2));
    warm.on_record(8, lane, flat(0.4));  // older
    const auto start = warm.start(10, {street, lane});
    EXPECT_TRUE(start.y_eur_per_kw.row(0).isZero());
    EXPECT_DOUBLE_EQ(start.y_eur_per_kw(1, 0), 0.05);
    EXPECT_TRUE(start.z_kw.isZero());
}

TEST_F(WarmStartTest, prices_move_on_with_the_intervals_that_passed) {
    WarmStart warm(parameters);
    warm.on_record(9, street, {100'000, 200'000, 300'000, 400'000});
    EXPECT_DOUBLE_EQ(warm.start(10, {street}).y_eur_per_kw(0, 0), 0.05);
    EXPECT_DOUBLE_EQ(warm.start(11, {street}).y_eur_per_kw(0, 0), 0.075);
    EXPECT_TRUE(warm.start(8, {street}).y_eur_per_kw.isZero());  // from later on: not used
}

TEST_F(WarmStartTest, its_own_state_wins_until_the_log_has_a_later_interval) {
    WarmStart warm(parameters);
    warm.on_cleared(9, {lane}, left(2, 0.03, 0.5));
    warm.on_record(9, lane, flat(0.2));
    const auto own = warm.start(10, {street, lane});
    EXPECT_DOUBLE_EQ(own.z_kw(1, 0), 2);
    EXPECT_DOUBLE_EQ(own.y_eur_per_kw(1, 0), 0.03);
    EXPECT_DOUBLE_EQ(own.rho_eur_per_kw2, 0.5);
    EXPECT_TRUE(own.z_kw.row(0).isZero());

    warm.on_record(10, lane, flat(0.4));
    const auto posted = warm.start(11, {street, lane});
    EXPECT_TRUE(posted.z_kw.isZero());
    EXPECT_DOUBLE_EQ(posted.y_eur_per_kw(1, 0), 0.1);
    EXPECT_EQ(posted.rho_eur_per_kw2, parameters.rho_eur_per_kw2);
}

TEST_F(WarmStartTest, prices_no_market_has_and_wrong_horizons_are_not_started_from) {
    const double absurd = 2 * limits::price_eur_per_kwh_max;
    WarmStart warm(parameters);
    warm.on_record(9, street, flat(absurd));
    warm.on_record(9, lane, {200'000});
    EXPECT_TRUE(warm.start(10, {street, lane}).y_eur_per_kw.isZero());
    warm.on_cleared(9, {street}, left(2, absurd / 4, 1e9));
    const auto start = warm.start(10, {street});
    EXPECT_TRUE(start.z_kw.isZero());
    EXPECT_EQ(start.rho_eur_per_kw2, limits::rho_eur_per_kw2_max);
}

}  // namespace
}  // namespace kilter::coordinator::warm_start_test
