// Whose turn it is and when, as a table of facts; what the host does with it: feeder_host_test.
#include "coordinator/core/turn.hpp"

#include <gtest/gtest.h>

namespace kilter::coordinator::turn_test {
namespace {

constexpr UnixMs quarter_ms = 900'000;
constexpr IntervalIndex present = 2'000'000;
constexpr UnixMs now = present * quarter_ms + 300'000;  // five minutes into an interval

Pace by_clock() {
    Pace out;
    out.lead_ms = 120'000;
    out.gather_ms = 1'000;
    out.takeover_ms = 4'000;
    return out;
}

Pace by_finality(IntervalIndex first, std::uint32_t intervals) {
    Pace out = by_clock();
    out.follow_clock = false;
    out.first_interval = first;
    out.intervals = intervals;
    return out;
}

Turn turn_of(consensus::ReplicaIndex own, const Pace& pace) {
    return {pace, own, 4, market::Parameters{}};
}

TEST(Turn, the_interval_under_way_is_never_next) {
    Turn turn = turn_of(0, by_clock());
    turn.on_record(present - 10, std::nullopt);
    EXPECT_EQ(turn.next_gate(now).interval, present + 1);
    EXPECT_EQ(turn.next_gate(now).wait_ms, 600'000 - 120'000);
}

TEST(Turn, without_the_clock_the_next_gate_is_open_until_the_last_interval_is_final) {
    Turn turn = turn_of(0, by_finality(7, 2));
    EXPECT_EQ(turn.next_gate(now).interval, 7);
    EXPECT_EQ(turn.next_gate(now).wait_ms, 0);
    turn.on_record(7, 0);
    EXPECT_EQ(turn.next_gate(now).interval, 8);
    EXPECT_FALSE(turn.all_final());
    turn.on_record(8, 0);
    EXPECT_TRUE(turn.all_final());
}

TEST(Turn, the_author_of_the_newest_record_acts_and_distance_goes_round) {
    Turn turn = turn_of(1, by_clock());
    EXPECT_EQ(turn.distance(), 1U);
    turn.on_record(present + 1, 2);
    EXPECT_EQ(turn.distance(), 3U);
    turn.on_record(present, 1);  // older
    EXPECT_EQ(turn.acting(), 2);
    turn.on_record(present + 2, std::nullopt);  // by no validator
    EXPECT_EQ(turn.acting(), 2);
    turn.take_over();
    EXPECT_TRUE(turn.mine());
}

TEST(Turn, standby_looks_its_distance_after_the_gate) {
    EXPECT_EQ(turn_of(0, by_clock()).await_ms(now), 480'000U);
    EXPECT_EQ(turn_of(3, by_clock()).await_ms(now), 480'000U + 3 * 4'000U);
    EXPECT_EQ(turn_of(0, by_finality(0, 0)).await_ms(now), 1U);
}

TEST(Turn, standby_waits_its_distance_from_the_last_sign_of_who_acts) {
    Turn turn = turn_of(2, by_finality(0, 0));
    EXPECT_EQ(turn.await_ms(now), 2 * 4'000U);
    EXPECT_EQ(turn.await_ms(now + 5'000), 3'000U);
    EXPECT_TRUE(turn.on_presence_of(0, now + 6'000));
    EXPECT_EQ(turn.await_ms(now + 6'000), 2 * 4'000U);
    EXPECT_EQ(turn.await_ms(now + 14'000), 1U);
}

TEST(Turn, a_clock_that_goes_back_delays_nothing_beyond_the_gate) {
    Turn turn = turn_of(0, by_clock());
    turn.await_ms(now + 3'600'000);
    EXPECT_EQ(turn.await_ms(now), 480'000U);
    Turn standby = turn_of(1, by_finality(0, 0));
    standby.await_ms(now + 3'600'000);
    EXPECT_EQ(standby.await_ms(now), 4'000U);
}

TEST(Turn, presence_counts_until_the_interval_is_due_for_longer_than_a_session_takes) {
    Turn turn = turn_of(3, by_finality(0, 0));
    EXPECT_FALSE(turn.on_presence_of(1, now));  // nothing is due yet
    turn.await_ms(now);
    const UnixMs longest = 1'000 + market::Parameters{}.session_ms + finality_ms;
    EXPECT_TRUE(turn.on_presence_of(1, now + longest));
    EXPECT_EQ(turn.acting(), 1);
    EXPECT_FALSE(turn.on_presence_of(2, now + longest + 1));
    EXPECT_EQ(turn.acting(), 1);
}

TEST(Turn, of_two_who_act_the_first_in_the_set_goes_on) {
    Turn turn = turn_of(1, by_finality(0, 0));
    turn.take_over();
    turn.await_ms(now);
    EXPECT_FALSE(turn.on_presence_of(2, now));
    EXPECT_TRUE(turn.mine());
    EXPECT_TRUE(turn.on_presence_of(0, now));
    EXPECT_FALSE(turn.mine());
}

TEST(Turn, no_interval_is_cleared_before_its_gate_opens) {
    const Turn turn = turn_of(0, by_clock());
    const UnixMs gate = (present + 2) * quarter_ms - 120'000;
    EXPECT_TRUE(turn.can_be_cleared(present + 1, now));
    EXPECT_FALSE(turn.can_be_cleared(present + 3, gate - quarter_ms - 1));
    EXPECT_TRUE(turn.can_be_cleared(present + 3, gate));
    EXPECT_TRUE(turn_of(0, by_finality(0, 0)).can_be_cleared(present + 1'000, now));
}

}  // namespace
}  // namespace kilter::coordinator::turn_test
