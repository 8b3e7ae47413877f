// Crashes, lies and changes in the middle of a session.

#include "tests/sim/fixture.hpp"

namespace kilter::sim::restart_test {
namespace {

const wire::Share* share_of(const agent::Outputs& out) {
    for (const auto& letter : out.send)
        if (const auto* share = std::get_if<wire::Share>(&letter.message)) return share;
    return nullptr;
}

TEST_F(Neighbourhood, a_home_that_crashed_never_joins_the_same_session_again) {
    const auto victim = world.homes[4].identity.public_key();
    std::optional<wire::SessionOpen> open;
    std::optional<market::SessionId> spoken;
    world.loses = [&](const Letter& letter) {
        if (const auto* seen = std::get_if<wire::SessionOpen>(&letter.message);
            seen != nullptr && letter.to == victim)
            open = *seen;
        if (const auto* share = std::get_if<wire::Share>(&letter.message);
            share != nullptr && letter.from == victim)
            spoken = share->session;
        return false;
    };
    ASSERT_TRUE(world.run(
        [&] {
            return world.reports.size() == 1 && open && spoken == open->session &&
                   spoken->interval > world.reports[0].session.interval;
        },
        600'000));
    world.switch_off(4);
    world.switch_on(4);
    // The coordinator, or one who has its key, tries to see two messages under one mask.
    for (double& dual : open->start_dual_eur_per_kw)
        dual += 0.01;
    const auto chain = crypto::Digest::from(world.genesis.chain_id().view());
    open->signature = world.coordinator.sign(wire::signing_bytes(*open, chain));
    world.send({world.coordinator.public_key(), victim, *open});
    ASSERT_TRUE(finish());
    expect_no_mask_twice();
    EXPECT_TRUE(told(4, "was in it already"));
    EXPECT_EQ(world.reports[1].excluded, 1U);
    EXPECT_EQ(world.reports[2].excluded, 0U);
}

TEST_F(Neighbourhood, a_home_that_crashes_before_its_first_share_leaves_joins_the_next_session) {
    bool crashed = false;
    world.crashes = [&](std::size_t home, const agent::Outputs& out) {
        const wire::Share* share = share_of(out);
        if (crashed || home != 4 || share == nullptr || share->share.iteration != 1 ||
            share->session.interval != first / 4 + 1)
            return false;
        return crashed = true;
    };
    ASSERT_TRUE(world.run([&] { return crashed; }, 600'000));
    world.switch_on(4);
    ASSERT_TRUE(finish());
    expect_no_mask_twice();
    EXPECT_TRUE(told(4, "was in it already"));
    EXPECT_EQ(world.reports[1].excluded, 1U);
    EXPECT_EQ(world.reports[2].homes, world.homes.size());
}

TEST_F(Neighbourhood, a_home_may_crash_at_every_point_of_a_session) {
    // After every step of home 2 that wants something durable, once.
    std::size_t crashes = 0;
    std::set<Bytes> seen;
    world.crashes = [&](std::size_t home, const agent::Outputs& out) {
        if (home != 2 || out.persist.empty()) return false;
        ByteWriter step;
        for (const auto& [key, value] : out.persist)
            step.text(key).raw(value);
        return seen.insert(step.bytes()).second && ++crashes > 0;
    };
    bool done = false;
    for (int i = 0; i < 200 && !done; ++i) {
        done = world.run([&] { return world.finished() || !world.homes[2].gateway; }, 600'000);
        if (!world.homes[2].gateway) {
            world.switch_on(2);
            done = false;
        }
    }
    EXPECT_TRUE(world.finished());
    EXPECT_GT(crashes, 2U);
    expect_no_mask_twice();
}

TEST_F(Neighbourhood, a_coordinator_that_crashed_opens_the_interval_again_under_another_name) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    const auto opened = [&] {
        std::set<market::SessionId> out;
        for (const Letter& letter : world.traffic)
            if (const auto* open = std::get_if<wire::SessionOpen>(&letter.message))
                out.insert(open->session);
        return out;
    };
    const auto iteration = [&](std::uint32_t reached) {
        return world.run(
            [&] {
                const auto* share = world.traffic.empty()
                                        ? nullptr
                                        : std::get_if<wire::Share>(&world.traffic.back().message);
                return share != nullptr && share->session.interval == first / 4 + 1 &&
                       share->share.iteration == reached;
            },
            600'000);
    };
    ASSERT_TRUE(iteration(5));
    const std::size_t before = opened().size();
    world.now += 1'000;
    world.restart_coordinator();
    ASSERT_TRUE(finish());
    expect_no_mask_twice();
    EXPECT_EQ(opened().size(), before + 2);  // the broken off interval again, and the last one
    EXPECT_EQ(world.records.size(), intervals * neighbourhood.network.nets.size());
    for (const Home& home : world.homes)
        EXPECT_EQ(home.setpoints.size(), intervals);
}

TEST_F(Neighbourhood, a_coordinator_that_lost_the_records_on_their_way_asks_for_new_ones) {
    bool lost = false;
    world.loses_record = [&](const settlement::ClearedNet& record) {
        return !lost && record.interval == first / 4 + 1;
    };
    ASSERT_TRUE(world.run([&] { return world.records_lost > 0; }, 600'000));
    lost = true;
    world.now += 1'000;
    world.restart_coordinator();
    ASSERT_TRUE(finish());
    expect_no_mask_twice();
    for (const Home& home : world.homes)
        EXPECT_EQ(home.setpoints.size(), intervals);
}

TEST_F(Neighbourhood, records_that_never_become_final_do_not_hold_the_market_up) {
    world.loses_record = [&](const settlement::ClearedNet& record) {
        return world.records_lost < neighbourhood.network.nets.size() &&
               record.interval == first / 4 + 1;
    };
    ASSERT_TRUE(finish());
    EXPECT_EQ(world.records_lost, neighbourhood.network.nets.size());
    for (const Home& home : world.homes)
        EXPECT_EQ(home.setpoints.size(), intervals);
}

TEST_F(Neighbourhood, a_record_of_an_earlier_opening_is_what_the_homes_agreed_to_as_well) {
    // The records of the first opening are held back until the homes have agreed to a second one.
    std::vector<settlement::ClearedNet> held;
    world.loses_record = [&](const settlement::ClearedNet& record) {
        if (held.size() >= neighbourhood.network.nets.size()) return false;
        held.push_back(record);
        return true;
    };
    ASSERT_TRUE(world.run(
        [&] {
            return held.size() == neighbourhood.network.nets.size() &&
                   std::all_of(world.homes.begin(), world.homes.end(),
                               [](const Home& home) { return home.reports.size() >= 2; });
        },
        600'000));
    for (const auto& record : held)
        world.submit(record);
    ASSERT_TRUE(finish());
    for (std::size_t i = 0; i < world.homes.size(); ++i) {
        EXPECT_FALSE(told(i, "is not what this home agreed to"));
        EXPECT_EQ(world.homes[i].setpoints.size(), intervals);
    }
}

TEST_F(Neighbourhood, a_smaller_roster_in_the_middle_of_a_session_changes_the_next_one) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    // The session hangs at iteration 5 until everyone has the next roster.
    bool hangs = true;
    world.loses = [&](const Letter& letter) {
        const auto* share = std::get_if<wire::Share>(&letter.message);
        return hangs && share != nullptr && share->session.interval == first / 4 + 1 &&
               share->share.iteration > 5;
    };
    ASSERT_TRUE(world.run(
        [&] {
            const auto* share = world.traffic.empty()
                                    ? nullptr
                                    : std::get_if<wire::Share>(&world.traffic.back().message);
            return share != nullptr && share->share.iteration > 5 &&
                   share->session.interval == first / 4 + 1;
        },
        600'000));
    // The first home is gone, so that all others have another party id.
    world.change_roster({{world.homes.front().identity.public_key(), false}}, {});
    world.run([] { return false; }, 300);
    for (const Home& home : world.homes)  // asked with an old epoch, the log's roster is the answer
        world.send({home.identity.public_key(), world.coordinator.public_key(),
                    wire::Hello{crypto::Digest::from(world.genesis.chain_id().view()), 1}});
    world.run([] { return false; }, 300);
    EXPECT_TRUE(told(1, "roster epoch 2"));
    EXPECT_TRUE(told(0, "does not name this home any more"));
    hangs = false;
    ASSERT_TRUE(world.run([&] { return world.finished(); }, 600'000));
    for (const std::size_t session : {1U, 2U})
        EXPECT_EQ(world.reports[session].homes, world.homes.size() - 1) << session;
    EXPECT_EQ(world.reports[1].excluded, 1U) << "it left in the middle of it";
    EXPECT_EQ(world.reports[2].excluded, 0U);
    for (const Event& event : world.events)
        EXPECT_NE(event.severity, Severity::wrong) << event.text;
    EXPECT_EQ(world.homes.front().setpoints.size(), 1U);
}

TEST_F(Neighbourhood, a_revoked_home_trades_no_more_and_a_new_one_in_its_place_does) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    const crypto::PublicKey key = world.homes[3].identity.public_key();
    settlement::RosterMember successor = *world.roster.find(key);
    const auto stranger = crypto::Identity::from_seed({});
    successor.key = stranger.public_key();
    world.change_roster({{key, true}}, {successor});
    ASSERT_TRUE(world.run([&] { return world.roster.epoch == 2; }, 60'000));
    const wire::RosterUpdate newest = world.newest_roster();
    world.send({world.coordinator.public_key(), key, newest});
    ASSERT_TRUE(world.run([&] { return world.finished(); }, 600'000));
    EXPECT_TRUE(told(3, "revokes this home's key"));
    for (const auto& record : world.records)
        for (const auto& member : record.members)
            EXPECT_TRUE(member.key != key || record.roster_epoch == 1);
    // It stays out after a restart, and an older roster that named it does not bring it back.
    world.switch_off(3);
    world.switch_on(3);
    EXPECT_LT(world.homes[3].setpoints.size(), intervals);
    EXPECT_NE(world.homes[3].gateway->explain().find("was revoked"), std::string::npos);
    EXPECT_FALSE(world.homes[3].memory.at("roster").empty());
    world.change_roster({}, {*world.roster.find(world.homes[4].identity.public_key())});
    ASSERT_TRUE(world.run([&] { return world.roster.epoch == 3; }, 60'000));
    const wire::RosterUpdate third = world.newest_roster();
    world.send({world.coordinator.public_key(), world.homes[4].identity.public_key(), third});
    world.send({world.coordinator.public_key(), world.homes[4].identity.public_key(), newest});
    world.run([] { return false; }, 1'000);
    EXPECT_TRUE(told(4, "sent roster epoch 2, this home has 3; ignored"));
}

TEST_F(Neighbourhood, a_roster_that_is_not_the_logs_is_not_taken) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    wire::RosterUpdate forged = world.newest_roster();
    forged.roster[8 + 4 + 32] ^= 3;  // a role
    world.send({world.coordinator.public_key(), world.homes[2].identity.public_key(), forged});
    forged = world.newest_roster();
    forged.receipt[forged.receipt.size() / 2] ^= 1;
    world.send({world.coordinator.public_key(), world.homes[2].identity.public_key(), forged});
    ASSERT_TRUE(finish());
    const auto& events = world.homes[2].events;
    EXPECT_EQ(std::count_if(events.begin(), events.end(),
                            [](const Event& event) {
                                return event.text.find("sent a roster that is not the log's") !=
                                       std::string::npos;
                            }),
              2);
}

struct Hurried : Neighbourhood {
    static market::Parameters hurried() {
        market::Parameters out = parameters();
        out.session_ms = out.silence_ms = 2'000;
        return out;
    }

    Hurried() : Neighbourhood(hurried()) {}

    void silence(std::size_t home, IntervalIndex interval, std::uint32_t since) {
        world.loses = [this, home, interval, since](const Letter& letter) {
            const auto* share = std::get_if<wire::Share>(&letter.message);
            return share != nullptr && letter.from == world.homes[home].identity.public_key() &&
                   share->session.interval == interval && share->share.iteration >= since;
        };
    }
};

TEST_F(Hurried, a_deadline_ends_a_session_at_its_best_iterate) {
    silence(4, first / 4 + 1, 20);
    ASSERT_TRUE(world.run([&] { return world.finished(); }, 600'000));
    EXPECT_EQ(world.reports[1].outcome, market::Outcome::partial);
    EXPECT_LT(world.reports[1].iterations, 20U);
    EXPECT_GE(world.reports[1].homes, world.homes.size() - 3);
    EXPECT_EQ(world.reports[2].outcome, market::Outcome::converged);
    expect_no_mask_twice();
}

TEST_F(Hurried, a_deadline_before_the_first_iterate_records_nothing) {
    silence(4, first / 4, 1);
    ASSERT_TRUE(world.run([&] { return !world.reports.empty(); }, 600'000));
    EXPECT_EQ(world.reports[0].outcome, market::Outcome::abandoned);
    EXPECT_TRUE(world.records.empty());
    world.loses = [](const Letter&) { return false; };
    ASSERT_TRUE(finish());
    expect_no_mask_twice();
}

// It is named by everyone who received both, and has no seat in the next sessions.
TEST_F(Neighbourhood, a_home_that_says_two_things_under_one_name_is_caught) {
    const crypto::PublicKey liar = world.homes[0].identity.public_key();
    world.loses = [&](const Letter& letter) {
        const auto* share = std::get_if<wire::Share>(&letter.message);
        if (share == nullptr || letter.from != liar || share->session.interval != first / 4 ||
            share->share.iteration != 2 || share->share.words[0] == 0)
            return false;
        wire::Share other = *share;
        other.share.words[0] = 0;
        world.send({letter.from, letter.to, other});
        return false;
    };
    ASSERT_TRUE(world.run([&] { return world.finished(); }, 600'000));
    ASSERT_EQ(world.reports.size(), intervals);
    EXPECT_EQ(world.reports[0].caught, std::vector{liar});
    EXPECT_EQ(world.reports[0].homes, world.homes.size()) << "its first word counts";
    for (std::size_t later = 1; later < intervals; ++later) {
        EXPECT_TRUE(world.reports[later].caught.empty());
        EXPECT_EQ(world.reports[later].homes, world.homes.size() - 1);
    }
    EXPECT_TRUE(told(0, "contradicted itself or sent what no home sends"));
    const std::string words = "member " + short_hex(liar.view()) + " of the net contradicted";
    for (std::size_t i = 1; i < world.homes.size(); ++i)
        EXPECT_EQ(told(i, words), neighbourhood.homes[i].net == neighbourhood.homes[0].net) << i;
}

struct Lies : Neighbourhood, testing::WithParamInterface<std::uint64_t> {};

TEST_P(Lies, a_home_that_lies_about_its_consumption_breaks_no_process_and_no_later_session) {
    world.loses = [&](const Letter& letter) {
        const auto* share = std::get_if<wire::Share>(&letter.message);
        if (share == nullptr || letter.from != world.homes[0].identity.public_key() ||
            share->session.interval != first / 4 || share->share.iteration < 3 ||
            share->share.words[0] == 0)
            return false;
        wire::Share lie = *share;
        // The same lie to everyone. The zero marks it, so that it passes the second time.
        lie.share.words[1] += GetParam();
        lie.share.words[2] -= GetParam();
        lie.share.words[0] = 0;
        world.send({letter.from, letter.to, lie});
        return true;
    };
    ASSERT_TRUE(world.run([&] { return world.finished(); }, 3'600'000));
    EXPECT_EQ(world.reports.back().outcome, market::Outcome::converged);
    for (const auto& record : world.records)
        for (const std::int64_t price : record.prices_micro_eur_per_kwh)
            EXPECT_LE(std::abs(price), 1'000'000'000);
}

INSTANTIATE_TEST_SUITE_P(kilowatts,
                         Lies,
                         testing::Values(std::uint64_t{1} << 24,
                                         std::uint64_t{1} << 40,
                                         std::uint64_t{1} << 62));

}  // namespace
}  // namespace kilter::sim::restart_test
