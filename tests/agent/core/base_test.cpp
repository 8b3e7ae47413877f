#include "agent/core/base.hpp"

#include <gtest/gtest.h>

#include "agent/core/interim.hpp"

namespace kilter::agent::base_test {
namespace {

Base base_of_four() {
    Base out;
    out.record.interval = 100;
    out.record.opening = 8;
    out.record.prices_micro_eur_per_kwh = {100'000, 200'000, 300'000, 400'000};
    out.schedule_kw = {1, 2, 3, 4};
    return out;
}

market::Parameters of_four() {
    market::Parameters out;
    out.horizon = 4;
    return out;
}

TEST(Plans, DecodeToWhatWasEncodedAndKeepTheBases) {
    Plans plans;
    plans.add({1, 4}, {0.5, -1.5}, std::nullopt);
    for (IntervalIndex i = 2; i < 10; ++i)
        plans.add({i, 4}, {static_cast<double>(i)}, market::SessionId{1, 4});
    const Bytes bytes = plans.encode();
    const auto back = Plans::decode(bytes);
    ASSERT_TRUE(back);
    ASSERT_NE(back->find({1, 4}), nullptr) << "the base's";
    EXPECT_EQ(*back->find({1, 4}), (std::vector<double>{0.5, -1.5}));
    EXPECT_EQ(back->find({2, 4}), nullptr);
    EXPECT_NE(back->find({9, 4}), nullptr);
    EXPECT_FALSE(Plans::decode(ByteView(bytes).first(bytes.size() - 1)));
}

TEST(Base, ReachesTheRestOfItsHorizon) {
    const Base base = base_of_four();
    EXPECT_FALSE(base.reaches(100)) << "that one is cleared";
    EXPECT_TRUE(base.reaches(101));
    EXPECT_TRUE(base.reaches(103));
    EXPECT_FALSE(base.reaches(104));
    EXPECT_EQ(base.consumption_kw(102), 3);
}

TEST(Base, IsShiftedAsAWarmStartIs) {
    const Base base = base_of_four();
    model::Schedules later(1, 4);
    later << 3, 4, 3, 4;
    EXPECT_EQ(base.schedule_at(of_four(), 102), later);
    EXPECT_NEAR(base.dual_at(of_four(), 102)(0), 0.3 * 0.25, 1e-15);
}

TEST(InterimGate, LeavesTheCoordinatorsTheirTimeAndGoesRound) {
    const market::Parameters parameters = of_four();
    const UnixMs starts = interval_start(101, parameters.interval_s);
    EXPECT_EQ(interim_gate(parameters, 101, 0), starts - 60'000);
    EXPECT_EQ(interim_gate(parameters, 101, 2), starts - 60'000 + 4 * parameters.silence_ms);
    market::Parameters short_ones = parameters;
    short_ones.interval_s = 60;
    EXPECT_EQ(interim_lead_ms(short_ones), 30'000);
}

TEST(InterimTerms, CountTheChairAsTheHomeItIs) {
    market::Parameters parameters = of_four();
    parameters.method = market::Method::accelerated;
    parameters.privacy_members_min = 3;
    const InterimTerms terms{{101, interim_opening}, {5}, {{{5}, 1}, {{6}, 1}, {{7}, 10}}, 4};
    const market::Terms session = session_terms(parameters, terms);
    EXPECT_EQ(session.parameters.method, market::Method::proximal);
    EXPECT_EQ(session.parameters.privacy_members_min, 2U);
    EXPECT_EQ(session.terminals, 3U);
    EXPECT_TRUE(session.hosts.empty());
}

TEST(InterimTerms, EndWhereHalfOfTheNetIsLeft) {
    InterimTerms terms{{101, interim_opening}, {5}, {{{5}, 1}, {{6}, 1}, {{7}, 10}}, 4};
    EXPECT_EQ(session_terms(of_four(), terms).parameters.privacy_members_min, 2U)
        << "and the chair";
    terms.homes = 3;
    EXPECT_EQ(session_terms(of_four(), terms).parameters.privacy_members_min, 1U)
        << "and the chair";
}

TEST(InterimNumbers, NoTwoHomesShareOneAndNoneIsUsedAgain) {
    constexpr UnixMs now = 1'780'000'000'000;
    for (const std::uint32_t home : {0U, 3U, 4U, 255U, 259U}) {
        const std::uint32_t first = interim_number({home}, now, std::nullopt);
        EXPECT_EQ(first % interim_openers, home % interim_openers);
        EXPECT_NE(first & interim_opening, 0U);
        EXPECT_GE(first & ~interim_opening, now / 1'000);
        const std::uint32_t again =
            interim_number({home}, now - 3'600'000, market::SessionId{7, first});
        EXPECT_EQ(again, first + interim_openers) << "also by a clock that was set back";
    }
}

}  // namespace
}  // namespace kilter::agent::base_test
