// Who is waited for and who sits where. Rosters a feeder cannot serve in full: feeder_host_test.
#include "coordinator/core/attendance.hpp"

#include <gtest/gtest.h>

#include "common/settlement/feeder_number.hpp"

namespace kilter::coordinator::attendance_test {
namespace {

crypto::Identity identity_of(std::uint64_t number) {
    const auto seed = crypto::digest("kilter test", ByteWriter{}.u64(number).bytes());
    return crypto::Identity::from_seed(crypto::Seed::from(seed.view()));
}

// The chair is party 0; homes 1 and 2 live on net 0, homes 3 to 5 on net 1.
struct AttendanceTest : testing::Test {
    AttendanceTest() {
        roster.epoch = 1;
        roster.members.push_back(
            {chair.public_key(), settlement::Role::coordinator, NetId{0}, 1000, ""});
        for (std::uint32_t i = 1; i <= 5; ++i)
            roster.members.push_back({key(i), settlement::Role::home, NetId{i / 3}, 5000, ""});
    }

    static crypto::PublicKey key(std::uint64_t party) {
        return identity_of(100 + party).public_key();
    }

    Attendance attendance(std::size_t nets = 2) const {
        model::Network feeder;
        feeder.number = number;
        feeder.nets.resize(nets);
        return {chair, std::make_shared<const settlement::Directory>(roster), feeder,
                market::Parameters{}};
    }

    settlement::FeederNumber number = 0;

    static constexpr UnixMs now = 1'700'000'000'000;
    crypto::Identity chair = identity_of(0);
    settlement::Roster roster;
};

TEST_F(AttendanceTest, who_has_greeted_or_was_waived_is_not_waited_for) {
    Attendance homes = attendance();
    EXPECT_EQ(homes.missing(now).size(), 5U);
    EXPECT_TRUE(homes.on_greeting(key(1)));
    EXPECT_FALSE(homes.on_greeting(key(1)));
    EXPECT_EQ(homes.missing(now).size(), 4U);
    homes.waive(homes.missing(now));
    EXPECT_TRUE(homes.missing(now).empty());
}

TEST_F(AttendanceTest, a_waived_home_is_asked_again_and_not_waited_for) {
    Attendance homes = attendance();
    homes.waive(homes.missing(now));
    EXPECT_TRUE(homes.missing(now).empty());
    EXPECT_EQ(homes.to_greet(now).size(), 5U);
}

TEST_F(AttendanceTest, a_home_that_does_not_answer_is_asked_less_and_less_often) {
    Attendance homes = attendance();
    std::vector<std::int64_t> asked_ms;
    for (std::int64_t ms = 0; ms <= 60'000; ms += 50)
        if (!homes.to_greet(now + ms).empty()) asked_ms.push_back(ms);
    const std::vector<std::int64_t> expected = {0,      250,    750,    1'750,  3'750,  7'750,
                                                15'750, 23'750, 31'750, 39'750, 47'750, 55'750};
    EXPECT_EQ(asked_ms, expected);
    EXPECT_EQ(homes.to_greet(now).size(), 5U) << "the clock went back";
    EXPECT_TRUE(homes.on_greeting(key(4)));
    homes.on_silence(key(4));
    EXPECT_EQ(homes.to_greet(now), std::vector<PartyId>{PartyId{4}}) << "it has been heard since";
}

TEST_F(AttendanceTest, a_crowd_is_asked_in_turns) {
    for (std::uint32_t i = 6; i <= 600; ++i)
        roster.members.push_back({key(i), settlement::Role::home, NetId{i % 20}, 5000, ""});
    Attendance homes = attendance(20);
    const auto first = homes.to_greet(now);
    const auto second = homes.to_greet(now);
    const auto third = homes.to_greet(now);
    EXPECT_EQ(first.size(), Attendance::greeted_at_once);
    EXPECT_EQ(first.size() + second.size() + third.size(), 600U);
    EXPECT_TRUE(homes.to_greet(now).empty()) << "each of them once";
}

TEST_F(AttendanceTest, a_waived_home_that_greets_and_falls_silent_is_waited_for_again) {
    Attendance homes = attendance();
    homes.waive(homes.missing(now));
    EXPECT_TRUE(homes.on_greeting(key(2)));
    homes.on_silence(key(2));
    EXPECT_EQ(homes.missing(now), std::vector<PartyId>{PartyId{2}});
}

TEST_F(AttendanceTest, greetings_of_strangers_and_coordinators_seat_nobody) {
    Attendance homes = attendance();
    EXPECT_FALSE(homes.on_greeting(key(77)));
    EXPECT_FALSE(homes.on_greeting(chair.public_key()));
    EXPECT_TRUE(homes.seats(now).empty());
}

TEST_F(AttendanceTest, a_net_trades_with_the_chair_when_enough_homes_for_privacy_are_ready) {
    Attendance homes = attendance();
    for (const std::uint64_t party : {1U, 3U, 5U})
        homes.on_greeting(key(party));
    const auto seats = homes.seats(now);
    ASSERT_EQ(seats.size(), 1U);
    const std::vector<market::Member> expected = {
        {PartyId{0}, 0.5}, {PartyId{3}, 5}, {PartyId{5}, 5}};
    EXPECT_EQ(seats[0].members, expected);
    EXPECT_EQ(nets_of(seats), std::vector<NetId>{NetId{1}});
}

TEST_F(AttendanceTest, homes_on_a_net_the_feeder_lacks_are_told_of_and_not_waited_for) {
    const Attendance homes = attendance(1);
    EXPECT_EQ(homes.missing(now).size(), 2U);
    ASSERT_EQ(homes.unserved().size(), 1U);
    EXPECT_EQ(homes.unserved()[0].severity, Severity::wrong);
    EXPECT_TRUE(attendance(2).unserved().empty());
}

TEST_F(AttendanceTest, homes_of_another_feeder_are_told_of_and_not_waited_for) {
    roster.members[4].feeder = "elsewhere";
    const Attendance homes = attendance();
    EXPECT_EQ(homes.missing(now).size(), 4U);
    ASSERT_EQ(homes.unserved().size(), 1U);
    EXPECT_NE(homes.unserved()[0].text.find("1 homes of another feeder"), std::string::npos);
}

TEST_F(AttendanceTest, each_feeder_of_a_log_has_homes_and_coordinators_of_its_own) {
    roster.members[1].net = settlement::net_id(2, 0);
    roster.members[2].net = settlement::net_id(2, 1);
    EXPECT_EQ(attendance().missing(now).size(), 3U);
    EXPECT_TRUE(attendance().unserved().empty()) << "others see to the other feeder's";
    number = 2;
    EXPECT_FALSE(attendance().chair()) << "its certificate is for feeder 0";
    roster.members[0].net = settlement::net_id(2, 0);
    Attendance homes = attendance(1);
    EXPECT_EQ(homes.chair(), PartyId{0});
    EXPECT_EQ(homes.homes(), 2U);
    EXPECT_EQ(homes.missing(now), std::vector<PartyId>{PartyId{1}});
    ASSERT_EQ(homes.unserved().size(), 1U) << "net 2:1 is beyond the feeder's nets";
    EXPECT_NE(homes.unserved()[0].text.find("net 2:1"), std::string::npos);
    EXPECT_FALSE(homes.on_greeting(key(3)));
}

TEST_F(AttendanceTest, a_certificate_must_last_until_the_session_is_on_the_log) {
    const UnixMs end = now + market::Parameters{}.session_ms + 120'000;
    roster.members[2].valid_until_ms = end;
    Attendance homes = attendance();
    EXPECT_TRUE(homes.on_greeting(key(1)));
    EXPECT_TRUE(homes.on_greeting(key(2)));
    ASSERT_EQ(homes.seats(now).size(), 1U);
    EXPECT_TRUE(homes.expiring(now).empty());
    EXPECT_TRUE(homes.seats(end - 120'000).empty()) << "one home is left on the net";
    EXPECT_EQ(homes.expiring(end - 120'000), std::vector<PartyId>{PartyId{2}});
    EXPECT_EQ(homes.missing(end).size(), 3U) << "and it is not waited for";
}

TEST_F(AttendanceTest, who_is_not_on_the_roster_has_no_chair) {
    EXPECT_EQ(attendance().chair(), PartyId{0});
    roster.members.erase(roster.members.begin());
    EXPECT_FALSE(attendance().chair());
}

}  // namespace
}  // namespace kilter::coordinator::attendance_test
