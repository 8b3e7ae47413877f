#include "common/governance/docket.hpp"

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/crypto/identity.hpp"
#include "common/governance/known_rules.hpp"
#include "common/market/parameters.hpp"

namespace kilter::governance::docket_test {
namespace {

crypto::Identity person(std::uint8_t number) {
    crypto::initialise();
    crypto::Seed seed;
    seed.bytes[0] = 9;
    seed.bytes[1] = number;
    return crypto::Identity::from_seed(seed);
}

PublicKey key(std::uint8_t number) {
    return person(number).public_key();
}

EntryId id(std::uint8_t number) {
    EntryId out;
    out.bytes[0] = number;
    return out;
}

Bytes parameters(double tolerance_kw) {
    market::Parameters out;
    out.primal_tolerance_kw = tolerance_kw;
    return out.encode();
}

/// Operators 1 to 3, regulator 4, supplier 5. Tariffs: two of three operators and one supplier, regulator's veto and mandate,
/// ten blocks of notice.
Rules first_rules() {
    Rules out;
    Constitution& c = out.constitution;
    for (std::uint8_t i = 1; i <= 3; ++i)
        c.seats.push_back({Office::grid_operator, key(i)});
    c.seats.push_back({Office::regulator, key(4)});
    c.seats.push_back({Office::supplier, key(5)});
    for (const Subject subject : subjects) {
        Power power;
        power.subject = subject;
        power.propose = {Office::grid_operator, Office::regulator, Office::supplier};
        power.approvals = {{Office::grid_operator, 2}};
        power.veto = power.mandate = {Office::regulator};
        power.notice_blocks = 10;
        if (subject == Subject::tariff) power.approvals.push_back({Office::supplier, 1});
        if (subject == Subject::stop) {
            power.approvals = {{Office::grid_operator, 1}};
            power.notice_blocks = 0;
        }
        c.powers.push_back(power);
    }
    out.market_parameters = parameters(1e-3);
    return out;
}

struct DocketTest : testing::Test {
    Docket docket{first_rules()};
    Height height = 100;

    [[nodiscard]] Place place() const { return {height, static_cast<UnixMs>(height) * 1'000}; }

    [[nodiscard]] Offices offices(std::uint8_t who) const {
        return docket.rules_at(height).constitution.held_by(key(who));
    }

    std::string propose(std::uint8_t who, std::uint8_t proposal, Action action, Height from = 0) {
        const auto taken = docket.propose(key(who), offices(who), id(proposal),
                                          {std::move(action), from, ""}, place());
        return taken ? "" : taken.error().message;
    }

    std::string say(std::uint8_t who, std::uint8_t proposal, Opinion opinion) {
        const auto taken = docket.state(key(who), offices(who), {id(proposal), opinion}, place());
        return taken ? "" : taken.error().message;
    }

    [[nodiscard]] std::optional<std::int64_t> tariff_at(Height at) const {
        const Rules rules = docket.rules_at(at);
        const auto found = rules.tariffs.find("network.use");
        return found == rules.tariffs.end() ? std::nullopt : std::optional(found->second);
    }
};

const SetTariff tariff{"network.use", 21'000};

TEST_F(DocketTest, KOfNApprovalsAdoptAndTheHeightIsTheLaterOfWishAndNotice) {
    EXPECT_EQ(propose(1, 1, tariff, 105), "");
    EXPECT_EQ(docket.find(id(1))->state, CaseState::open);
    EXPECT_EQ(say(2, 1, Opinion::approve), "");
    EXPECT_EQ(docket.find(id(1))->state, CaseState::open) << "the supplier is missing";
    EXPECT_EQ(docket.edition(height), 2u);
    height = 103;
    EXPECT_EQ(say(5, 1, Opinion::approve), "");
    EXPECT_EQ(docket.find(id(1))->state, CaseState::adopted);
    EXPECT_EQ(docket.find(id(1))->effective, 113u);
    EXPECT_EQ(docket.edition(height), 3u);
    EXPECT_EQ(tariff_at(112), std::nullopt);
    EXPECT_EQ(tariff_at(113), 21'000);
    EXPECT_EQ(docket.edition(112), 3u);
    EXPECT_EQ(docket.edition(113), 4u);

    EXPECT_EQ(propose(1, 2, SetTariff{"network.use", 5}, 300), "");
    EXPECT_EQ(say(3, 2, Opinion::approve), "");
    EXPECT_EQ(say(5, 2, Opinion::approve), "");
    EXPECT_EQ(docket.find(id(2))->effective, 300u);
    EXPECT_EQ(tariff_at(299), 21'000);
    EXPECT_EQ(tariff_at(300), 5);
}

TEST_F(DocketTest, NobodySaysWhatIsNotHisToSay) {
    EXPECT_NE(propose(9, 1, tariff).find("the author is nobody"), std::string::npos);
    EXPECT_EQ(propose(1, 1, tariff), "");
    EXPECT_NE(say(1, 1, Opinion::approve).find("said so already"), std::string::npos);
    EXPECT_NE(say(4, 1, Opinion::approve).find("is for operator, supplier"), std::string::npos);
    EXPECT_NE(say(2, 1, Opinion::veto).find("is for regulator"), std::string::npos);
    EXPECT_NE(say(5, 1, Opinion::mandate).find("is for regulator"), std::string::npos);
    EXPECT_NE(say(2, 7, Opinion::approve).find("is not open"), std::string::npos);
    EXPECT_EQ(docket.find(id(1))->said.size(), 1u);
}

TEST_F(DocketTest, TheRegulatorVetoesUntilItIsInForceAndMandatesAlone) {
    EXPECT_EQ(propose(1, 1, tariff), "");
    EXPECT_EQ(say(2, 1, Opinion::approve), "");
    EXPECT_EQ(say(5, 1, Opinion::approve), "");
    EXPECT_EQ(tariff_at(110), 21'000);
    height = 109;
    EXPECT_EQ(say(4, 1, Opinion::veto), "");
    EXPECT_EQ(tariff_at(110), std::nullopt);
    EXPECT_EQ(docket.edition(height), 4u);
    const auto closed = docket.close(place());
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_EQ(closed[0].state, CaseState::vetoed);
    EXPECT_NE(say(3, 1, Opinion::approve).find("is not open"), std::string::npos);

    EXPECT_EQ(propose(4, 2, tariff), "");
    EXPECT_EQ(say(4, 2, Opinion::mandate), "");
    EXPECT_EQ(docket.find(id(2))->effective, 119u);
    height = 119;
    const auto in_force = docket.close(place());
    ASSERT_EQ(in_force.size(), 1u);
    EXPECT_EQ(in_force[0].state, CaseState::in_force);
    EXPECT_EQ(tariff_at(119), 21'000);
    EXPECT_NE(say(4, 2, Opinion::veto).find("is not open"), std::string::npos) << "too late";
}

TEST_F(DocketTest, OneOperatorStopsTheMarketInTheNextBlockAndTwoResumeIt) {
    EXPECT_EQ(propose(3, 1, Stop{}), "");
    EXPECT_FALSE(docket.rules_at(100).stopped);
    EXPECT_EQ(docket.rules_at(101).stopped, 1u);
    height = 120;
    EXPECT_EQ(propose(3, 2, Resume{}), "");
    EXPECT_EQ(docket.rules_at(500).stopped, 1u);
    EXPECT_EQ(say(1, 2, Opinion::approve), "");
    EXPECT_EQ(docket.rules_at(129).stopped, 1u);
    EXPECT_FALSE(docket.rules_at(130).stopped);
}

TEST_F(DocketTest, OfTwoSetsOfMarketParametersMadeAtOnceTheSecondIsMadeAgain) {
    const Digest before = market_digest(first_rules().market_parameters);
    EXPECT_EQ(propose(1, 1, SetMarketParameters{parameters(2e-3), before}), "");
    EXPECT_EQ(propose(1, 2, SetMarketParameters{parameters(3e-3), before}), "");
    EXPECT_EQ(say(2, 1, Opinion::approve), "");
    EXPECT_NE(propose(1, 3, SetMarketParameters{parameters(4e-3), before}).find("propose it again"),
              std::string::npos);
    EXPECT_EQ(say(2, 2, Opinion::approve), "");
    EXPECT_EQ(docket.rules_at(1'000).market_parameters, parameters(2e-3));
    Bytes damaged = parameters(2e-3);
    damaged.pop_back();
    EXPECT_FALSE(check(SetMarketParameters{damaged, before}));
}

TEST_F(DocketTest, OfficesChangeHandsAndNoQuotaIsLeftWithoutHolders) {
    EXPECT_EQ(propose(1, 1, SetSeat{{Office::grid_operator, key(6)}, true}), "");
    EXPECT_EQ(say(2, 1, Opinion::approve), "");
    height = 110;
    EXPECT_TRUE(offices(6).contains(Office::grid_operator));
    EXPECT_EQ(propose(6, 2, SetSeat{{Office::supplier, key(5)}, false}), "");
    EXPECT_EQ(say(3, 2, Opinion::approve), "");
    height = 120;
    EXPECT_TRUE(offices(5).contains(Office::supplier))
        << "tariffs need a supplier, so the last one does not leave";
    Constitution without = first_rules().constitution;
    without.seats.pop_back();
    EXPECT_FALSE(without.validate());
}

TEST_F(DocketTest, WhatNobodyDecidesLapsesAndTheDocketIsBounded) {
    for (std::uint8_t i = 1; i <= 32; ++i)
        EXPECT_EQ(propose(1, i, SetTariff{"t" + std::to_string(i), i}), "");
    EXPECT_NE(propose(1, 33, tariff).find("too many"), std::string::npos);
    height += static_cast<Height>(first_rules().constitution.open_ms) / 1'000 + 1;
    const auto closed = docket.close(place());
    EXPECT_EQ(closed.size(), 32u);
    EXPECT_EQ(closed.front().state, CaseState::lapsed);
    EXPECT_EQ(docket.cases(), 32u);
    EXPECT_EQ(propose(1, 33, tariff), "");
}

TEST_F(DocketTest, ARuleThatThisProgramDoesNotKnowIsNamed) {
    EXPECT_EQ(propose(1, 1, SetRule{"network", 2}, 150), "");
    EXPECT_EQ(say(2, 1, Opinion::approve), "");
    EXPECT_TRUE(understood(docket, 149, known_rules()));
    const auto not_understood = understood(docket, 150, known_rules());
    ASSERT_FALSE(not_understood);
    EXPECT_NE(not_understood.error().message.find("version 2 of rule 'network'"),
              std::string::npos);
    EXPECT_NE(not_understood.error().message.find("install a newer kilter"), std::string::npos);
    KnownRules newer = known_rules();
    newer["network"] = 2;
    EXPECT_TRUE(understood(docket, 150, newer));
}

// Whatever is said in whatever order: what holds at a height does not depend on when cases were closed, and the docket
// is its bytes.
TEST_F(DocketTest, ClosingAndCodingChangeNothingThatIsInForce) {
    Prng prng(17);
    for (int round = 0; round < 20; ++round) {
        docket = Docket(first_rules());
        Docket never_closed = docket;
        height = 100;
        std::uint8_t proposals = 0;
        for (int step = 0; step < 60; ++step) {
            height += prng.below(6);
            docket.close(place());
            const auto who = static_cast<std::uint8_t>(1 + prng.below(6));
            Offices held = offices(who);
            if (prng.chance(0.4)) {
                const Action actions[] = {
                    SetTariff{"a", static_cast<int>(prng.below(9))},
                    SetRule{"network", static_cast<std::uint32_t>(1 + prng.below(3))}, Stop{},
                    Resume{}, SetSeat{{Office::grid_operator, key(6)}, prng.chance(0.5)}};
                const Proposal proposal{actions[prng.below(5)], height + prng.below(30), "why"};
                const EntryId name = id(++proposals);
                const bool one = docket.propose(key(who), held, name, proposal, place()).ok();
                const bool other =
                    never_closed.propose(key(who), held, name, proposal, place()).ok();
                if (one != other) {  // full only for the one that never closes
                    EXPECT_TRUE(one);
                    break;
                }
            } else if (proposals > 0) {
                const Statement statement{id(static_cast<std::uint8_t>(1 + prng.below(proposals))),
                                          static_cast<Opinion>(1 + prng.below(3))};
                if (docket.state(key(who), held, statement, place())) {
                    EXPECT_TRUE(never_closed.state(key(who), held, statement, place()));
                }
            }
            const auto again = Docket::decode(docket.encode());
            ASSERT_TRUE(again.ok());
            EXPECT_EQ(*again, docket);
            for (const Height ahead : {0u, 3u, 17u, 90u}) {
                EXPECT_EQ(docket.rules_at(height + ahead), never_closed.rules_at(height + ahead));
                EXPECT_EQ(docket.edition(height + ahead), never_closed.edition(height + ahead));
            }
        }
    }
}

TEST(Constitution, IsItsBytesAndRefusesWhatMakesNoSense) {
    const Constitution one = first_rules().constitution;
    const auto again = Constitution::decode(one.encode());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(*again, one);
    Bytes longer = one.encode();
    longer.push_back(0);
    EXPECT_FALSE(Constitution::decode(longer));
    for (std::size_t size = 0; size < one.encode().size(); ++size)
        EXPECT_FALSE(Constitution::decode(ByteView(longer).first(size)));
    EXPECT_TRUE(Constitution::of_operator(key(1)).validate());
    EXPECT_TRUE(Constitution::of_operator_and_regulator(key(1), key(2)).validate());
    Constitution twice = one;
    twice.seats.push_back(twice.seats.front());
    EXPECT_FALSE(twice.validate());
}

}  // namespace
}  // namespace kilter::governance::docket_test
