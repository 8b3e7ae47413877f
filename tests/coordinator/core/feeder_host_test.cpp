// Whose turn it is, when gates open, and which rosters a feeder can serve. Sessions themselves: tests/sim.
#include "coordinator/core/feeder_host.hpp"

#include <set>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::coordinator::feeder_host_test {
namespace {

constexpr UnixMs quarter_ms = 900'000;
constexpr IntervalIndex now_interval = 2'000'000;
constexpr UnixMs start_ms = now_interval * quarter_ms;

crypto::Identity identity_of(std::uint64_t number) {
    const auto seed = crypto::digest("kilter test", ByteWriter{}.u64(number).bytes());
    return crypto::Identity::from_seed(crypto::Seed::from(seed.view()));
}

model::Network one_net() {
    model::Network out;
    out.name = "test";
    out.base_kv = 0.4;
    out.buses = {{"root"}, {"end"}};
    out.branches = {{"cable", 0, 1, 0.01, 0.01}};
    out.nets = {{"street", 1}};
    out.daily_shape = {1};
    out.tie.price_eur_per_kwh = {0.2};
    return out;
}

struct FeederHostTest : testing::Test {
    FeederHostTest() {
        genesis.time_ms = start_ms - 1'000'000;
        genesis.operator_key = identity_of(99).public_key();
        for (std::uint64_t i = 0; i < 4; ++i) {
            coordinators.push_back(identity_of(i));
            const auto key = coordinators.back().public_key();
            genesis.validators.validators.push_back({key, "tcp://127.0.0.1:1"});
            roster.members.push_back(
                {key, settlement::Role::coordinator, NetId{0}, 1000, "", one_net().name});
        }
        genesis.market_parameters = market::Parameters{}.encode();
        roster.epoch = 1;
        pace.lead_ms = 120'000;
        pace.gather_ms = 1'000;
        pace.takeover_ms = 4'000;
    }

    void add_homes(std::size_t count, NetId net) {
        for (std::size_t i = 0; i < count; ++i) {
            homes.push_back(identity_of(1'000 + homes.size()));
            roster.members.push_back(
                {homes.back().public_key(), settlement::Role::home, net, 1000, "", one_net().name});
        }
    }

    // Coordinators 0 and 2 host feeder 0, 1 and 3 feeder 1.
    void share_the_log() {
        for (std::size_t i = 0; i < coordinators.size(); ++i)
            roster.members[i].net = settlement::net_id(i % 2, 0);
    }

    // Coordinator `index`, after it has started and seen the roster.
    Outputs start(std::size_t index, settlement::FeederNumber feeder = 0) {
        model::Network network = one_net();
        network.number = feeder;
        auto made = FeederHost::create(coordinators[index], genesis, network, pace);
        EXPECT_TRUE(made.ok()) << made.error().message;
        host = std::move(*made);
        host->step(Started{}, now);
        return host->step(RosterFinal{roster}, now);
    }

    wire::Hello hello() const {
        return {crypto::Digest::from(genesis.chain_id().view()), roster.epoch};
    }

    Outputs greet(const crypto::Identity& from) {
        return host->step(MessageReceived{from.public_key(), hello()}, now);
    }

    // The last greeting of those a host waits for makes it open.
    std::vector<wire::SessionOpen> greet_all() {
        std::vector<wire::SessionOpen> out;
        for (const auto& home : homes)
            for (auto& open : openings(greet(home)))
                out.push_back(std::move(open));
        return out;
    }

    Outputs elapse(Timer timer, UnixMs after_ms) {
        now += after_ms;
        return host->step(TimerElapsed{timer}, now);
    }

    Outputs record_by(std::size_t coordinator, IntervalIndex interval, NetId net = {}) {
        settlement::ClearedNet record;
        record.net = net;
        record.interval = interval;
        record.prices_micro_eur_per_kwh.assign(96, 0);
        return host->step(ClearedNetFinal{record, coordinators[coordinator].public_key()}, now);
    }

    // The last word on a timer; 0: not armed.
    static std::uint32_t delay(const Outputs& out, Timer timer) {
        std::uint32_t delay_ms = 0;
        for (const ArmTimer& arm : out.timers)
            if (arm.timer == timer) delay_ms = arm.delay_ms;
        return delay_ms;
    }

    static std::vector<wire::SessionOpen> openings(const Outputs& out) {
        std::vector<wire::SessionOpen> found;
        for (const auto& letter : out.send)
            if (const auto* open = std::get_if<wire::SessionOpen>(&letter.message))
                found.push_back(*open);
        return found;
    }

    std::vector<crypto::Identity> coordinators;
    std::vector<crypto::Identity> homes;
    settlement::Genesis genesis;
    settlement::Roster roster;
    Pace pace;
    UnixMs now = start_ms + 300'000;  // five minutes into an interval
    std::optional<FeederHost> host;
};

// ---- gates ---------------------------------------------------------------------------------------------------------

TEST_F(FeederHostTest, a_gate_opens_its_lead_before_the_interval_starts) {
    add_homes(3, NetId{0});
    // It looks again before, because clocks are set.
    EXPECT_EQ(delay(start(0), Timer::gate), Turn::look_again_ms);
    greet_all();
    EXPECT_TRUE(openings(elapse(Timer::gate, Turn::look_again_ms)).empty());
    const auto opened = openings(elapse(Timer::gate, 600'000 - pace.lead_ms - Turn::look_again_ms));
    ASSERT_EQ(opened.size(), 3U);
    EXPECT_EQ(opened[0].session.interval, now_interval + 1);
}

TEST_F(FeederHostTest, an_interval_under_way_is_not_opened) {
    add_homes(3, NetId{0});
    start(0);
    greet_all();
    EXPECT_TRUE(openings(elapse(Timer::gate, 0)).empty());
}

TEST_F(FeederHostTest, a_late_start_opens_the_coming_interval_at_once) {
    add_homes(3, NetId{0});
    now = start_ms + quarter_ms - 60'000;
    EXPECT_EQ(delay(start(0), Timer::gate), 1U);
    greet_all();
    const auto opened = openings(elapse(Timer::gate, 1));
    ASSERT_FALSE(opened.empty());
    EXPECT_EQ(opened[0].session.interval, now_interval + 1);
}

TEST_F(FeederHostTest, after_a_record_the_next_gate_is_the_next_intervals) {
    add_homes(3, NetId{0});
    start(0);
    record_by(0, now_interval + 1);
    greet_all();
    EXPECT_TRUE(openings(elapse(Timer::gate, 600'000 + quarter_ms - pace.lead_ms - 1)).empty());
    EXPECT_FALSE(openings(elapse(Timer::gate, 1)).empty());
}

TEST_F(FeederHostTest, a_record_from_the_future_does_not_stop_the_market) {
    add_homes(3, NetId{0});
    start(0);
    const Outputs out = record_by(3, now_interval + 1'000'000);
    ASSERT_FALSE(out.events.empty());
    EXPECT_EQ(out.events[0].severity, Severity::wrong);
    greet_all();
    EXPECT_FALSE(openings(elapse(Timer::gate, 600'000 - pace.lead_ms)).empty());
}

TEST_F(FeederHostTest, no_opening_has_the_name_of_an_earlier_one_even_after_a_restart) {
    add_homes(3, NetId{0});
    pace.follow_clock = false;
    pace.first_interval = 7;
    std::set<market::SessionId> names;
    for (const std::size_t index : {0U, 1U, 0U, 1U}) {
        start(index);
        if (index != 0) elapse(Timer::takeover, pace.takeover_ms);
        auto opened = greet_all();
        for (auto& open : openings(elapse(Timer::gate, 0)))
            opened.push_back(std::move(open));
        ASSERT_EQ(opened.size(), 3U);
        names.insert(opened[0].session);
        for (const auto& open : opened)
            EXPECT_EQ(open.session.opening % 4, index);
        now += 1'000;
    }
    EXPECT_EQ(names.size(), 4U);
}

// ---- turns ---------------------------------------------------------------------------------------------------------

TEST_F(FeederHostTest, standby_waits_its_distance_and_takes_over) {
    add_homes(3, NetId{0});
    const std::uint32_t gate = 600'000 - pace.lead_ms;
    EXPECT_EQ(delay(start(2), Timer::takeover), Turn::look_again_ms);
    greet_all();
    EXPECT_TRUE(openings(elapse(Timer::takeover, gate + 2 * pace.takeover_ms - 2)).empty());
    const Outputs out = elapse(Timer::takeover, 2);
    EXPECT_EQ(openings(out).size(), 3U);
    EXPECT_GT(delay(out, Timer::presence), 0U);
}

TEST_F(FeederHostTest, standby_does_not_take_over_what_is_not_due) {
    add_homes(3, NetId{0});
    start(1);
    greet_all();
    const Outputs out = elapse(Timer::takeover, 1);
    EXPECT_TRUE(out.events.empty());
    EXPECT_GT(delay(out, Timer::takeover), 0U);
    EXPECT_EQ(delay(out, Timer::gate), 0U);
}

TEST_F(FeederHostTest, presence_holds_standby_back_until_the_interval_is_long_overdue) {
    add_homes(3, NetId{0});
    pace.follow_clock = false;
    EXPECT_EQ(delay(start(1), Timer::takeover), pace.takeover_ms);
    now += 1'000;
    EXPECT_EQ(delay(greet(coordinators[0]), Timer::takeover), pace.takeover_ms);
    now += 600'000;
    EXPECT_TRUE(greet(coordinators[0]).timers.empty());
}

TEST_F(FeederHostTest, standby_follows_whoever_took_over) {
    add_homes(3, NetId{0});
    pace.follow_clock = false;
    EXPECT_EQ(delay(start(3), Timer::takeover), 3 * pace.takeover_ms);
    EXPECT_EQ(delay(greet(coordinators[1]), Timer::takeover), 2 * pace.takeover_ms);
}

TEST_F(FeederHostTest, of_two_who_act_the_first_goes_on) {
    add_homes(3, NetId{0});
    pace.follow_clock = false;
    start(1);
    elapse(Timer::takeover, pace.takeover_ms);  // gathers
    EXPECT_TRUE(greet(coordinators[2]).timers.empty());
    EXPECT_EQ(delay(greet(coordinators[0]), Timer::takeover), pace.takeover_ms);
    EXPECT_TRUE(greet_all().empty());
    EXPECT_TRUE(openings(elapse(Timer::gather, 10'000)).empty());
}

TEST_F(FeederHostTest, who_gathers_stops_when_another_has_cleared) {
    add_homes(3, NetId{0});
    pace.follow_clock = false;
    start(0);
    EXPECT_GT(delay(elapse(Timer::gate, 1), Timer::gather), 0U);
    record_by(1, 0);
    EXPECT_TRUE(greet_all().empty());
    EXPECT_TRUE(openings(elapse(Timer::gather, 10'000)).empty());
}

TEST_F(FeederHostTest, a_coordinator_the_roster_does_not_name_leaves_the_gate_to_others) {
    add_homes(3, NetId{0});
    roster.members.erase(roster.members.begin());
    const Outputs out = start(0);
    EXPECT_EQ(delay(out, Timer::gate), 0U);
    EXPECT_EQ(delay(out, Timer::presence), 0U);
    ASSERT_FALSE(out.events.empty());
    EXPECT_EQ(out.events.back().severity, Severity::wrong);
}

// ---- feeders that share a log --------------------------------------------------------------------------------------

TEST_F(FeederHostTest, a_feeders_hosts_take_turns_among_themselves) {
    share_the_log();
    add_homes(3, settlement::net_id(1, 0));
    pace.follow_clock = false;
    EXPECT_EQ(delay(start(3, 1), Timer::takeover), pace.takeover_ms) << "next after coordinator 1";
    EXPECT_EQ(host->explain(), "standing by for coordinator 1");
    greet_all();
    EXPECT_TRUE(greet(coordinators[0]).timers.empty()) << "acts, but for another feeder";
    const auto opened = openings(elapse(Timer::takeover, pace.takeover_ms));
    ASSERT_EQ(opened.size(), 3U);
    EXPECT_EQ(opened[0].net, settlement::net_id(1, 0));
    EXPECT_EQ(opened[0].session.opening % 4, 3U) << "numbers are the log's, not the feeder's";
    const Outputs presence = elapse(Timer::presence, 1);
    ASSERT_EQ(presence.send.size(), 1U);
    EXPECT_EQ(presence.send[0].to, coordinators[1].public_key());
}

TEST_F(FeederHostTest, another_feeders_records_and_homes_are_not_this_ones) {
    share_the_log();
    add_homes(3, settlement::net_id(0, 0));
    add_homes(3, settlement::net_id(1, 0));
    pace.follow_clock = false;
    for (const Event& event : start(0).events)
        EXPECT_NE(event.severity, Severity::wrong) << event.text;
    EXPECT_TRUE(record_by(1, 0, settlement::net_id(1, 0)).timers.empty());
    greet_all();
    auto opened = openings(elapse(Timer::gate, 1));
    ASSERT_EQ(opened.size(), 3U);
    EXPECT_EQ(opened[0].session.interval, 0) << "feeder 1's record has not cleared it";
    EXPECT_EQ(opened[0].members.size(), 4U);
}

TEST_F(FeederHostTest,
       a_coordinator_with_a_certificate_for_another_feeder_opens_nothing_and_says_so) {
    share_the_log();
    add_homes(3, settlement::net_id(1, 0));
    pace.follow_clock = false;
    const Outputs out = start(0, 1);
    EXPECT_EQ(delay(out, Timer::gate), 0U);
    EXPECT_EQ(delay(out, Timer::takeover), 0U);
    ASSERT_FALSE(out.events.empty());
    EXPECT_EQ(out.events.back().severity, Severity::wrong);
    EXPECT_NE(out.events.back().text.find("for feeder 1 (test)"), std::string::npos);
    greet_all();
    EXPECT_TRUE(openings(elapse(Timer::gate, 1)).empty());
}

// ---- rosters -------------------------------------------------------------------------------------------------------

TEST_F(FeederHostTest, a_newcomer_opens_nothing_until_an_epoch_of_the_log_names_it) {
    add_homes(3, NetId{0});
    now = start_ms + quarter_ms - 60'000;
    coordinators.push_back(identity_of(4));
    roster.members[0].key = coordinators[4].public_key();  // in place of the first
    EXPECT_EQ(delay(start(4), Timer::gate), 0U);
    EXPECT_NE(host->explain().find("following the log"), std::string::npos) << host->explain();
    EXPECT_TRUE(greet_all().empty());
    consensus::ValidatorSet members = genesis.validators;
    members.validators[0].key = coordinators[4].public_key();
    EXPECT_EQ(delay(host->step(MembersFinal{members}, now), Timer::gate), 1U)
        << "who acted has left: the first does";
    greet_all();
    const auto opened = openings(elapse(Timer::gate, 1));
    ASSERT_EQ(opened.size(), 3U);
    EXPECT_EQ(opened[0].session.opening % 4, 0U);
    // And nothing any more when one does not.
    members.validators[0] = genesis.validators.validators[0];
    const auto left = host->step(MembersFinal{members}, now);
    EXPECT_EQ(delay(left, Timer::gate), 0U);
    EXPECT_NE(host->explain().find("following the log"), std::string::npos) << host->explain();
}

TEST_F(FeederHostTest, who_acts_goes_on_at_another_place_of_the_next_set) {
    add_homes(3, NetId{0});
    start(1);
    record_by(2, now_interval);
    EXPECT_EQ(host->explain(), "standing by for coordinator 2");
    consensus::ValidatorSet members = genesis.validators;
    members.validators.erase(members.validators.begin());
    host->step(MembersFinal{members}, now);
    EXPECT_EQ(host->explain(), "standing by for coordinator 1");
}

TEST_F(FeederHostTest, homes_on_a_net_the_feeder_lacks_do_not_keep_the_others_from_trading) {
    add_homes(3, NetId{0});
    add_homes(3, NetId{7});
    pace.follow_clock = false;
    EXPECT_EQ(start(0).events[0].severity, Severity::wrong);
    greet_all();
    const auto opened = openings(elapse(Timer::gate, 1));
    ASSERT_EQ(opened.size(), 3U);
    EXPECT_EQ(opened[0].net, NetId{0});
}

TEST_F(FeederHostTest, a_net_with_too_many_homes_trades_with_those_a_record_can_hold) {
    add_homes(300, NetId{0});
    pace.follow_clock = false;
    EXPECT_EQ(start(0).events[0].severity, Severity::wrong);
    greet_all();
    const auto opened = openings(elapse(Timer::gate, 1));
    ASSERT_FALSE(opened.empty());
    settlement::ClearedNet record;
    record.prices_micro_eur_per_kwh.resize(96);
    record.members.resize(opened.size());
    EXPECT_LE(settlement::encode(record).size(), limits::entry_body_bytes_max);
    EXPECT_EQ(opened[0].members.size(), opened.size() + 1);
    EXPECT_TRUE(wire::check(opened[0]).ok());
}

TEST_F(FeederHostTest, too_few_homes_open_nothing_and_say_so_once) {
    add_homes(1, NetId{0});
    pace.follow_clock = false;
    start(0);
    greet_all();
    const Outputs out = elapse(Timer::gate, 1);
    EXPECT_TRUE(openings(out).empty());
    EXPECT_EQ(out.events.size(), 1U);
    const Outputs again = elapse(Timer::gather, delay(out, Timer::gather));
    EXPECT_TRUE(again.events.empty());
    EXPECT_GT(delay(again, Timer::gather), 0U);
}

}  // namespace
}  // namespace kilter::coordinator::feeder_host_test
