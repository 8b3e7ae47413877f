// Members that fall silent, and what the others do without them.
#include <tuple>

#include "neighbourhood.hpp"
#include <gtest/gtest.h>

#include "common/market/session.hpp"

namespace kilter::market::session_silence_test {
namespace {

using namespace test;

TEST(Session, AHomeThatFallsSilentIsDroppedAtWhateverIteration) {
    Scene whole = scene(3, 4, 6);
    Exchange undisturbed(whole);
    undisturbed.run();
    const std::uint32_t last = undisturbed.cleared.at(whole.chair).iteration;
    const PartyId dead{2};

    // The market without that home altogether: the drop must lead to the same optimum.
    Scene rest = scene(3, 4, 6);
    std::erase_if(rest.seats[0].members,
                  [&](const Member& member) { return member.party == dead; });
    rest.devices.erase(dead);
    rest.parameters.primal_tolerance_kw = rest.parameters.dual_tolerance = 1e-5;
    Exchange without(rest);
    without.run();

    for (std::uint32_t at = 1; at <= last; ++at) {
        Scene faulty = scene(3, 4, 6);
        Exchange exchange(faulty, at);
        exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
            return from == dead && share.iteration >= at;
        };
        exchange.run();
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        ASSERT_EQ(chair.outcome, Outcome::converged) << at;
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {1}, {3}, {4}})) << at;
        EXPECT_EQ(chair.members[1].size(), 5u);
        EXPECT_EQ(exchange.cleared.at(dead).outcome, Outcome::excluded) << at;
        EXPECT_GE(chair.iteration, at);
        EXPECT_EQ(exchange.silences, 1u);
        expect_agreement(faulty, exchange);
        EXPECT_LT((chair.y_eur_per_kw - without.cleared.at(rest.chair).y_eur_per_kw)
                      .cwiseAbs()
                      .maxCoeff(),
                  1e-3)
            << at;
    }
}

TEST(Session, OneLostMessageToTheChairMakesTheOthersUndoOneNetStep) {
    // The others had the message and went on; the chair did not and decides.
    for (const std::uint32_t at : {1u, 2u, 7u}) {
        Scene faulty = scene(2, 4, 6);
        Exchange exchange(faulty);
        const PartyId unheard{3};
        exchange.loses = [&](PartyId from, PartyId to, const MaskedShare& share) {
            return from == unheard && to == faulty.chair && share.iteration >= at;
        };
        exchange.run();
        EXPECT_EQ(exchange.cleared.at(unheard).outcome, Outcome::excluded);
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        EXPECT_EQ(chair.outcome, Outcome::converged);
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {1}, {2}, {4}}));
        expect_agreement(faulty, exchange);

        // No mask ever covers two plaintexts: same place, same words.
        std::map<std::tuple<PartyId, NetId, std::uint32_t, std::uint16_t>, MaskedShare> sent;
        for (const auto& [party, shares] : exchange.traffic)
            for (const MaskedShare& share : shares) {
                const auto [there, fresh] = sent.emplace(
                    std::tuple(party, share.net, share.iteration, share.attempt), share);
                EXPECT_TRUE(fresh || there->second == share);
            }
    }
}

TEST(Session, AMemberCutOffFromAnotherHomeIsTheOneDropped) {
    Scene faulty = scene(2, 4, 6);
    Exchange exchange(faulty);
    exchange.loses = [](PartyId from, PartyId to, const MaskedShare& share) {
        return from == PartyId{1} && to == PartyId{4} && share.iteration == 5;
    };
    exchange.run();
    EXPECT_EQ(exchange.cleared.at(PartyId{4}).outcome, Outcome::excluded);
    EXPECT_EQ(exchange.cleared.at(faulty.chair).members[0],
              (std::vector<PartyId>{{0}, {1}, {2}, {3}}));
    EXPECT_EQ(exchange.cleared.at(faulty.chair).outcome, Outcome::converged);
    expect_agreement(faulty, exchange);
}

TEST(Session, SeveralFallSilentOneAfterTheOther) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Scene faulty = scene(3, 5, 4, seed);
        Exchange exchange(faulty, seed);
        // Party 1 at once, 2 in the re-attempt of that very iteration, 7 and 11 later and together.
        exchange.loses = [](PartyId from, PartyId, const MaskedShare& share) {
            return (from == PartyId{1} && share.iteration >= 3) ||
                   (from == PartyId{2} && share.attempt >= 1) ||
                   (from == PartyId{7} && share.iteration >= 9) ||
                   (from == PartyId{11} && share.iteration >= 9);
        };
        exchange.run();
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        EXPECT_EQ(chair.outcome, Outcome::converged);
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {3}, {4}, {5}}));
        EXPECT_EQ(chair.members[1], (std::vector<PartyId>{{0}, {6}, {8}, {9}, {10}}));
        EXPECT_EQ(chair.members[2], (std::vector<PartyId>{{0}, {12}, {13}, {14}, {15}}));
        for (const std::uint32_t party : {1, 2, 7, 11})
            EXPECT_EQ(exchange.cleared.at(PartyId{party}).outcome, Outcome::excluded);
        expect_agreement(faulty, exchange);
    }
}

TEST(Session, ANetTooSmallForPrivacyIsLeftByAllItsHomes) {
    Scene faulty = scene(2, 3, 4);
    faulty.parameters.privacy_members_min = 3;
    Exchange exchange(faulty);
    exchange.loses = [](PartyId from, PartyId, const MaskedShare& share) {
        return from == PartyId{1} && share.iteration >= 4;
    };
    exchange.run();
    const Cleared& chair = exchange.cleared.at(faulty.chair);
    EXPECT_EQ(chair.outcome, Outcome::converged);
    EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}}));
    EXPECT_LT(chair.x_kw.row(0).cwiseAbs().maxCoeff(), 5e-2) << "the terminal settles at zero";
    for (const std::uint32_t party : {1, 2, 3})
        EXPECT_EQ(exchange.cleared.at(PartyId{party}).outcome, Outcome::excluded);
    expect_agreement(faulty, exchange);
}

TEST(Session, AHomeRefusesASumOverFewerHomesThanItAllows) {
    Scene two = scene(1, 3, 4);
    Exchange exchange(two);
    exchange.give(PartyId{1}, Begin{});
    MaskedShare lonely{.net = two.seats[0].net,
                       .from = two.chair,
                       .iteration = 1,
                       .attempt = 1,
                       .members = {two.chair, PartyId{1}},
                       .words = std::vector<std::uint64_t>(5, 0),
                       .notice = Notice{}};
    Outputs out = exchange.sessions.at(PartyId{1}).step(ShareReceived{lonely});
    EXPECT_EQ(out.verdict, Verdict::malformed);
    EXPECT_TRUE(out.send.empty());
    lonely.members = {two.chair, PartyId{1}, PartyId{3}};
    out = exchange.sessions.at(PartyId{1}).step(ShareReceived{lonely});
    EXPECT_EQ(out.verdict, Verdict::accepted);
    ASSERT_EQ(out.send.size(), 1u);
    EXPECT_EQ(out.send[0].share.members, lonely.members);
    EXPECT_EQ(out.send[0].share.attempt, 1);
}

TEST(Session, AnExcludedMembersLateMessageIsHarmlessAndAnswered) {
    Scene faulty = scene(2, 4, 4), same = scene(2, 4, 4);
    Exchange exchange(faulty), quiet(same);
    const auto dies = [](PartyId from, PartyId, const MaskedShare& share) {
        return from == PartyId{2} && share.iteration >= 3;
    };
    exchange.loses = quiet.loses = dies;
    quiet.run();
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    exchange.give(faulty.chair, SilenceElapsed{});
    const MaskedShare late = exchange.sent(PartyId{2}, 3);
    Outputs answer = exchange.sessions.at(faulty.chair).step(ShareReceived{late});
    EXPECT_EQ(answer.verdict, Verdict::duplicate);
    EXPECT_EQ(answer.expel, (std::vector<Expulsion>{{.net = late.net, .party = PartyId{2}}}));
    EXPECT_TRUE(answer.send.empty());
    // The others may count it before they hear of the drop: then they undo that net step.
    for (const std::uint32_t home : {1, 3, 4})
        exchange.give(PartyId{home}, ShareReceived{late});
    EXPECT_EQ(exchange.verdicts[Verdict::malformed] + exchange.verdicts[Verdict::contradiction],
              0u);
    while (!exchange.packets.empty())
        exchange.deliver();
    expect_same(quiet, exchange);
}

TEST(Session, ASessionThatAllHomesLeaveIsAbandoned) {
    Scene left = scene(2, 4, 4);
    Exchange exchange(left);
    exchange.loses = [&](PartyId from, PartyId, const MaskedShare&) { return from != left.chair; };
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    const Outputs out = exchange.sessions.at(left.chair).step(SilenceElapsed{});
    ASSERT_TRUE(out.cleared.has_value());
    EXPECT_EQ(out.cleared->outcome, Outcome::abandoned);
    EXPECT_NE(out.cleared->explanation.find("All homes were silent"), std::string::npos);
    EXPECT_EQ(out.expel.size(), 8u);
}

TEST(Session, WaitsForNobodyButThoseWhoAreMissing) {
    Scene plain = scene(2, 2, 4);
    Exchange exchange(plain);
    exchange.loses = [](PartyId from, PartyId, const MaskedShare&) { return from == PartyId{3}; };
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    const Session& chair = exchange.sessions.at(plain.chair);
    EXPECT_EQ(chair.iteration(), 1u);
    EXPECT_EQ(chair.awaited(), (std::vector<std::vector<PartyId>>{{}, {PartyId{3}}}));
    EXPECT_EQ(exchange.sessions.at(PartyId{1}).iteration(), 2u) << "its own net was complete";
}

}  // namespace
}  // namespace kilter::market::session_silence_test
