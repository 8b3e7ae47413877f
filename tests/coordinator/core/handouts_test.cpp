// To whom a roster or a receipt goes, and when.
#include "coordinator/core/handouts.hpp"

#include <gtest/gtest.h>

namespace kilter::coordinator::handouts_test {
namespace {

constexpr UnixMs now = 1'700'000'000'000;
constexpr std::size_t validators = 4;
constexpr consensus::ReplicaIndex own = 1;

// A home of the coordinator with this index.
crypto::PublicKey home_of(std::uint8_t coordinator, std::uint8_t number = 0) {
    crypto::PublicKey out;
    out.bytes[0] = coordinator;
    out.bytes[1] = number;
    return out;
}

using Homes = std::vector<crypto::PublicKey>;

struct HandoutsTest : testing::Test {
    HandoutsTest() { handouts.on_roster(now); }

    Homes due(std::int64_t after_ms, bool more_follow = false) {
        return handouts.rosters_due(more_follow, now + after_ms);
    }

    Handouts handouts{own, validators};
};

TEST_F(HandoutsTest, a_roster_is_shown_when_it_has_settled) {
    handouts.on_request(home_of(1), now);
    EXPECT_TRUE(due(Handouts::settle_ms - 1).empty());
    handouts.on_roster(now + 400);
    EXPECT_TRUE(due(Handouts::settle_ms).empty()) << "another one came";
    EXPECT_TRUE(due(5'000, true).empty()) << "another one is known to come";
    EXPECT_EQ(due(400 + Handouts::settle_ms_max, true), Homes{home_of(1)}) << "but it does not";
}

TEST_F(HandoutsTest, nobody_is_served_before_there_is_a_roster) {
    Handouts none{own, validators};
    none.on_request(home_of(1), now);
    EXPECT_TRUE(none.rosters_due(false, now + 60'000).empty());
}

TEST_F(HandoutsTest, who_has_it_is_not_sent_it_and_who_asks_on_is_sent_it_ever_more_seldom) {
    handouts.on_request(home_of(1), now);
    handouts.on_request(home_of(1, 1), now);
    handouts.on_answered(home_of(1, 1));
    std::vector<std::int64_t> served_ms;
    for (std::int64_t ms = 0; ms <= 120'000; ms += 250) {
        handouts.on_request(home_of(1), now + ms);
        for (const auto& home : due(ms)) {
            EXPECT_EQ(home, home_of(1));
            served_ms.push_back(ms);
        }
    }
    EXPECT_EQ(served_ms, (std::vector<std::int64_t>{500, 5'500, 15'500, 35'500, 75'500}));
}

TEST_F(HandoutsTest, who_was_served_and_asks_no_more_is_left_alone) {
    handouts.on_request(home_of(1), now);
    EXPECT_EQ(due(1'000).size(), 1U);
    EXPECT_TRUE(due(100'000).empty());
}

TEST_F(HandoutsTest, homes_of_another_coordinator_are_served_if_they_ask_on) {
    handouts.on_request(home_of(2), now);
    EXPECT_TRUE(due(60'000).empty()) << "its own coordinator has served it";
    handouts.on_request(home_of(2), now + 60'000);
    EXPECT_EQ(due(60'000), Homes{home_of(2)}) << "or is dead";
    handouts.on_roster(now + 100'000);
    handouts.on_request(home_of(2), now + 101'000);
    EXPECT_TRUE(due(109'000).empty()) << "the next roster is its own coordinator's first";
    handouts.on_request(home_of(2), now + 103'000);
    EXPECT_EQ(due(109'000), Homes{home_of(2)});
}

TEST_F(HandoutsTest, a_coordinator_that_is_no_validator_serves_whoever_asks_on) {
    Handouts learner{std::nullopt, validators};
    learner.on_roster(now);
    learner.on_request(home_of(1), now);
    learner.on_request(home_of(1), now + 5'000);
    EXPECT_EQ(learner.rosters_due(false, now + 5'000), Homes{home_of(1)});
}

TEST_F(HandoutsTest, proofs_of_an_epoch_are_repeated_seldom) {
    EXPECT_TRUE(handouts.epochs_due(home_of(2), 1, now));
    EXPECT_FALSE(handouts.epochs_due(home_of(2), 1, now + 59'999));
    EXPECT_TRUE(handouts.epochs_due(home_of(2), 2, now + 59'999));
    EXPECT_TRUE(handouts.epochs_due(home_of(2), 2, now + 200'000));
}

TEST_F(HandoutsTest, homes_are_shared_among_the_coordinators_there_are) {
    handouts.follow(consensus::ReplicaIndex{2}, 3);
    handouts.on_request(home_of(2), now);
    handouts.on_request(home_of(1), now);
    EXPECT_EQ(due(1'000), Homes{home_of(2)});
}

TEST_F(HandoutsTest, a_crowd_is_served_in_turns) {
    for (std::uint8_t i = 0; i < 100; ++i)
        handouts.on_request(home_of(1, i), now);
    EXPECT_EQ(due(1'000).size(), Handouts::at_once);
    EXPECT_EQ(due(1'000).size(), Handouts::at_once);
    EXPECT_EQ(due(1'000).size(), Handouts::at_once);
    EXPECT_EQ(due(1'000).size(), 100U - 3 * Handouts::at_once);
    EXPECT_TRUE(due(1'000).empty());
}

TEST_F(HandoutsTest, a_clock_set_back_keeps_nobody_waiting) {
    handouts.on_request(home_of(1), now);
    EXPECT_EQ(due(1'000).size(), 1U);
    handouts.on_request(home_of(1), now - 3'600'000);
    EXPECT_EQ(due(-3'600'000).size(), 1U);
}

TEST_F(HandoutsTest, a_receipt_is_repeated_once_a_second_and_a_new_one_sent_at_once) {
    const auto record = [](std::uint8_t number) {
        consensus::EntryId out;
        out.bytes[0] = number;
        return out;
    };
    EXPECT_TRUE(handouts.record_due(home_of(2), record(1), now));
    EXPECT_FALSE(handouts.record_due(home_of(2), record(1), now + 999));
    EXPECT_TRUE(handouts.record_due(home_of(2), record(2), now + 999));
    EXPECT_TRUE(handouts.record_due(home_of(2), record(2), now + 1'999));
    handouts.forget(home_of(2));
    EXPECT_TRUE(handouts.record_due(home_of(2), record(2), now + 2'000));
}

}  // namespace
}  // namespace kilter::coordinator::handouts_test
