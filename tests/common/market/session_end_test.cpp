// How a session ends where it does not converge, or is told that it does.
#include "neighbourhood.hpp"
#include <gtest/gtest.h>

#include "common/market/session.hpp"

namespace kilter::market::session_end_test {
namespace {

using namespace test;

TEST(Session, TheDeadlineStopsEveryoneAtTheBestCommonIterate) {
    for (const std::size_t delivered : {250u, 400u, 777u, 1200u}) {
        Scene slow = scene(3, 3, 6);
        slow.parameters.primal_tolerance_kw = slow.parameters.dual_tolerance = 1e-7;
        Exchange exchange(slow, 3);
        for (auto& [party, session] : exchange.sessions)
            exchange.give(party, Begin{});
        for (std::size_t i = 0; i < delivered; ++i)
            exchange.deliver();
        ASSERT_FALSE(exchange.cleared.contains(slow.chair));
        exchange.give(slow.chair, DeadlineElapsed{});
        while (!exchange.packets.empty())
            exchange.deliver();
        ASSERT_EQ(exchange.cleared.size(), exchange.sessions.size()) << delivered;
        const Cleared& chair = exchange.cleared.at(slow.chair);
        EXPECT_EQ(chair.outcome, Outcome::partial);
        EXPECT_GT(chair.primal_residual_kw, 0);
        EXPECT_FALSE(chair.explanation.empty());
        expect_agreement(slow, exchange);
    }
}

TEST(Session, TheDeadlineBeforeAnyCommonIterateAbandons) {
    Scene slow = scene(1, 3, 4);
    Exchange exchange(slow);
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    exchange.give(slow.chair, DeadlineElapsed{});
    EXPECT_EQ(exchange.cleared.at(slow.chair).outcome, Outcome::abandoned);
    exchange.give(PartyId{1}, DeadlineElapsed{});
    EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
    EXPECT_FALSE(exchange.cleared.at(PartyId{1}).explanation.empty());
}

TEST(Session, RunningOutOfIterationsIsPartialAtTheBestOne) {
    Scene short_one = scene(2, 3, 6), theirs = scene(2, 3, 6);
    short_one.parameters.iterations_max = theirs.parameters.iterations_max = 9;
    Exchange exchange(short_one);
    exchange.run();
    const Cleared& chair = exchange.cleared.at(short_one.chair);
    EXPECT_EQ(chair.outcome, Outcome::partial);
    expect_agreement(short_one, exchange);
    const Terms terms = theirs.terms();
    const Reference reference(theirs, 9);
    const auto badness_at = [&](std::uint32_t k) {
        const Reference::Step& step = reference.steps[k];
        return badness(terms, residuals_of(terms, step.primal_square, step.dual_square, step.rho,
                                           terms.parameters.alpha));
    };
    for (std::uint32_t k = 2; k <= 8; ++k)
        EXPECT_GE(badness_at(k), badness_at(chair.iteration)) << k;
    EXPECT_GE(chair.iteration, 2u);
    EXPECT_LE(chair.iteration, 8u);
}

TEST(Session, AChairThatLiesAboutWhatAHomeCanSeeIsNotFollowed) {
    for (const bool stops : {false, true}) {
        Scene plain = scene(1, 3, 4);
        Exchange exchange(plain);
        // The chair's fifth message was lost; this one says less imbalance than the home's net had.
        MaskedShare lie = exchange.until_the_chairs_is_lost(5);
        ASSERT_GT(lie.notice->primal_square, 0u);
        lie.notice->primal_square = 0;
        if (stops) lie.notice->stop_iteration = lie.notice->about_iteration;
        exchange.give(PartyId{1}, ShareReceived{lie});
        ASSERT_TRUE(exchange.cleared.contains(PartyId{1}));
        EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
        EXPECT_NE(exchange.cleared.at(PartyId{1}).explanation.find("smaller imbalance"),
                  std::string::npos);
    }
}

TEST(Session, AStopAtAnIterateNobodyKeepsIsNotFollowed) {
    Scene plain = scene(1, 3, 4);
    plain.parameters.primal_tolerance_kw = 1e-9;  // not over before iterate 3 is forgotten
    Exchange exchange(plain);
    MaskedShare old = exchange.until_the_chairs_is_lost(13);
    old.notice->about_iteration = old.notice->stop_iteration = 3;
    old.notice->outcome = Outcome::partial;
    exchange.give(PartyId{1}, ShareReceived{old});
    ASSERT_TRUE(exchange.cleared.contains(PartyId{1}));
    EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
    EXPECT_FALSE(exchange.cleared.at(PartyId{1}).explanation.empty());
}

TEST(Session, AnEndedSessionDoesNothingMore) {
    Scene plain = scene(1, 3, 4);
    Exchange exchange(plain);
    exchange.run();
    for (const Input& input :
         {Input{Begin{}}, Input{SilenceElapsed{}}, Input{DeadlineElapsed{}}, Input{Expelled{}}}) {
        const Outputs out = exchange.sessions.at(plain.chair).step(input);
        EXPECT_TRUE(out.send.empty() && !out.cleared && out.expel.empty());
    }
}

}  // namespace
}  // namespace kilter::market::session_end_test
