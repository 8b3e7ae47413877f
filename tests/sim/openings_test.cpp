// Which openings a home joins. Each test takes a good opening, spoils one thing, signs it as the coordinator would, and
// shows it to a home that has the roster and is in no session.

#include "tests/sim/fixture.hpp"

namespace kilter::sim::openings_test {
namespace {

struct Openings : Neighbourhood {
    explicit Openings(const market::Parameters& agreed = parameters()) : Neighbourhood(agreed) {
        world.loses = [this](const Letter& letter) {
            const auto* open = std::get_if<wire::SessionOpen>(&letter.message);
            if (open != nullptr && open->net == neighbourhood.homes[home].net) good = *open;
            return open != nullptr;
        };
        world.run([this] { return good.terminals > 0; }, 600'000);
    }

    agent::Outputs show(wire::SessionOpen open) {
        const auto chain = crypto::Digest::from(world.genesis.chain_id().view());
        open.signature = world.coordinator.sign(wire::signing_bytes(open, chain));
        return world.homes[home].gateway->step(
            agent::MessageReceived{world.coordinator.public_key(), open}, world.now);
    }

    void expect_refused(const wire::SessionOpen& open, const std::string& why) {
        const agent::Outputs out = show(open);
        EXPECT_FALSE(speaks(out)) << why;
        ASSERT_FALSE(out.events.empty()) << why;
        EXPECT_NE(out.events.back().text.find(why), std::string::npos) << out.events.back().text;
    }

    void expect_joined(const wire::SessionOpen& open) { EXPECT_TRUE(speaks(show(open))); }

    static bool speaks(const agent::Outputs& out) {
        return std::any_of(out.send.begin(), out.send.end(), [](const wire::Outgoing& letter) {
            return std::holds_alternative<wire::Share>(letter.message);
        });
    }

    static constexpr std::size_t home = 0;
    wire::SessionOpen good;
};

TEST_F(Openings, a_good_one_is_joined) {
    expect_joined(good);
}

TEST_F(Openings, of_another_time_is_not_joined_and_the_home_says_whose_clock_to_look_at) {
    const UnixMs opened = good.opened_ms;
    good.opened_ms = opened - 3'600'000;
    expect_refused(good, "this home's clock is 60 min ahead of its coordinator's");
    EXPECT_NE(world.homes[home].gateway->explain().find("clock is 60 min ahead"),
              std::string::npos);
    good.opened_ms = opened + 3'600'000;
    expect_refused(good, "this home's clock is 60 min behind its coordinator's");
    good.opened_ms = opened;
    world.now += 3'600'000 / 4;  // a quarter of an interval is the most
    expect_joined(good);
}

// Whatever it remembers: it may have been put back from an older copy.
TEST_F(Openings, of_before_the_home_began_is_not_joined) {
    const wire::SessionOpen before = good;
    world.now += 60'000;
    world.switch_off(home);
    world.switch_on(home);
    expect_refused(before, "opened before this home's program began");
    good.opened_ms = world.now;
    expect_refused(good, "its number is older than the opening");
    const auto coordinators = static_cast<std::uint32_t>(world.genesis.validators.size());
    good.session.opening += 60 * coordinators;
    expect_joined(good);
}

TEST_F(Openings, of_before_a_clock_was_set_back_is_not_joined_either) {
    const wire::SessionOpen before = good;
    world.now += 60'000;
    world.switch_off(home);
    world.switch_on(home);
    world.now -= 30'000;
    expect_refused(before, "opened before this home's program began");
    good.opened_ms = world.now;
    good.session.opening += 30 * static_cast<std::uint32_t>(world.genesis.validators.size());
    expect_joined(good);
}

TEST_F(Openings, of_an_older_roster_than_a_record_on_the_log_names_is_not_joined) {
    const agent::Memory before = world.homes[home].memory;
    world.loses = [](const Letter&) { return false; };
    settlement::RosterMember renewed = *world.roster.find(world.homes[home].identity.public_key());
    renewed.valid_until_ms += 1'000;
    world.change_roster({}, {renewed});
    ASSERT_TRUE(world.run(
        [&] { return !world.records.empty() && world.records.back().roster_epoch == 2; }, 600'000));

    world.switch_off(home);
    world.homes[home].memory = before;
    world.loses = [](const Letter& letter) {
        return std::holds_alternative<wire::RosterUpdate>(letter.message) ||
               std::holds_alternative<wire::SessionOpen>(letter.message);
    };
    world.switch_on(home);
    world.run([] { return false; }, 2'000);
    EXPECT_EQ(world.homes[home].gateway->roster_epoch(), 1U);
    good.opened_ms = world.now;
    expect_refused(good, "a record on the log is of roster epoch 2");
}

TEST_F(Openings, another_roster_is_not_joined) {
    good.roster_epoch = 2;
    expect_refused(good, "roster epoch 2");
}

struct Expired : Openings {
    // The home has a roster on which this home's certificate has just ended.
    void let_expire(std::size_t whose) {
        settlement::RosterMember brief =
            *world.roster.find(world.homes[whose].identity.public_key());
        brief.valid_until_ms = world.now + 10'000;
        world.change_roster({}, {brief});
        ASSERT_TRUE(world.run([&] { return world.roster.epoch == 2; }, 9'000));
        world.step_home(
            home, agent::MessageReceived{world.coordinator.public_key(), world.newest_roster()});
        good.roster_epoch = 2;
        world.now = brief.valid_until_ms - 1;
    }
};

TEST_F(Expired, a_home_whose_certificate_has_ended_joins_nothing_and_says_what_to_do) {
    let_expire(home);
    ++world.now;
    expect_refused(good, "this home's certificate has expired: ask the operator to renew it");
    EXPECT_NE(world.homes[home].gateway->explain().find("has expired"), std::string::npos);
}

TEST_F(Expired, a_session_with_a_member_whose_certificate_has_ended_is_not_joined) {
    let_expire(1);
    ++world.now;
    expect_refused(good, "a party whose certificate has expired");
}

TEST_F(Expired, a_certificate_is_good_until_its_last_moment) {
    let_expire(1);
    expect_joined(good);
}

TEST_F(Openings, other_parameters_are_not_joined) {
    good.parameters.bytes[0] ^= 1;
    expect_refused(good, "other market parameters");
}

struct AcceleratedOpenings : Openings {
    AcceleratedOpenings() : Openings(accelerated()) {}

    static market::Parameters accelerated() {
        market::Parameters out = parameters();
        out.method = market::Method::accelerated;
        return out;
    }
};

TEST_F(AcceleratedOpenings, an_accelerated_session_of_the_first_form_is_not_joined) {
    const wire::SessionOpen as_now = good;
    good.parameters = crypto::digest("market", accelerated().encode());
    expect_refused(good, "that method of another version");
    expect_joined(as_now);
}

TEST_F(Openings, another_net_is_not_joined) {
    good.net.value += 1;
    expect_refused(good, "another net");
}

TEST_F(Openings, another_horizon_is_not_joined) {
    good.start_dual_eur_per_kw.push_back(0);
    expect_refused(good, "horizon");
}

TEST_F(Openings, a_home_in_the_chair_is_not_followed) {
    for (const market::Member& member : good.members)
        if (member.party != good.chair) {
            good.chair = member.party;
            break;
        }
    expect_refused(good, "its chair is not its sender");
}

TEST_F(Openings, a_party_nobody_knows_is_not_met) {
    good.members.push_back({PartyId{1'000'000}, 1});
    expect_refused(good, "not on the roster");
}

TEST_F(Openings, a_home_of_another_net_is_not_met) {
    for (std::size_t i = 0; i < world.homes.size(); ++i) {
        if (neighbourhood.homes[i].net == good.net) continue;
        good.members.push_back({PartyId{static_cast<std::uint32_t>(i) + 1}, 1});
        break;
    }
    expect_refused(good, "another net");
}

TEST_F(Openings, a_homes_weight_is_the_rosters) {
    good.members.back().weight *= 2;
    expect_refused(good, "a weight differs");
}

TEST_F(Openings, the_chairs_weight_is_the_markets) {
    for (market::Member& member : good.members)
        if (member.party == good.chair) member.weight = 1e-320;
    expect_refused(good, "a weight differs");
}

TEST_F(Openings, a_session_without_this_home_is_not_joined) {
    const auto own = *std::find_if(
        world.roster.members.begin(), world.roster.members.end(),
        [&](const auto& member) { return member.key == world.homes[home].identity.public_key(); });
    const auto place = static_cast<std::uint32_t>(
        std::find(world.roster.members.begin(), world.roster.members.end(), own) -
        world.roster.members.begin());
    std::erase_if(good.members, [&](const auto& member) { return member.party.value == place; });
    for (market::Member& member : good.members)
        if (member.party == good.chair) member.weight = 0.5;
    expect_refused(good, "this home is not among the members");
}

TEST_F(Openings, numbers_no_market_has_are_refused) {
    wire::SessionOpen spoilt = good;
    spoilt.start_dual_eur_per_kw[3] = 1e308;
    expect_refused(spoilt, "no market's");
    spoilt = good;
    spoilt.rho_eur_per_kw2 = 1e-300;
    expect_refused(spoilt, "no market's");
    spoilt = good;
    spoilt.session.interval = INT64_MAX;
    expect_refused(spoilt, "no market's");
    spoilt = good;
    spoilt.rho_eur_per_kw2 = 1e300;
    expect_refused(spoilt, "no market's");
    // So many that any residual looks small.
    spoilt = good;
    spoilt.terminals = 4'000'000'000;
    expect_refused(spoilt, "no market's");
    expect_joined(good);
}

TEST_F(Openings, a_session_is_joined_once) {
    expect_joined(good);
    const agent::Outputs out = world.homes[home].gateway->step(
        agent::MessageReceived{world.coordinator.public_key(),
                               wire::SessionExcluded{good.session, good.net}},
        world.now);
    ASSERT_TRUE(out.report && out.report->outcome == market::Outcome::excluded);
    expect_refused(good, "was in it already");
    good.session.opening += 1;
    expect_joined(good);
    good.session.opening -= 1;
    expect_refused(good, "already");
}

struct OpeningsOfFew : Openings {
    static market::Parameters many() {
        market::Parameters out = parameters();
        out.privacy_members_min = 3;
        return out;
    }

    OpeningsOfFew() : Openings(many()) {}
};

TEST_F(OpeningsOfFew, fewer_homes_than_privacy_allows_are_not_joined) {
    ASSERT_EQ(good.members.size(), 4U);
    for (std::size_t i = 0; i < good.members.size(); ++i) {
        const PartyId party = good.members[i].party;
        const auto& key = world.roster.members[party.value].key;
        if (party == good.chair || key == world.homes[home].identity.public_key()) continue;
        good.members.erase(good.members.begin() + static_cast<std::ptrdiff_t>(i));
        break;
    }
    for (market::Member& member : good.members)
        if (member.party == good.chair) member.weight = 0.5;
    expect_refused(good, "fewer than privacy allows");
}

}  // namespace
}  // namespace kilter::sim::openings_test
