// From signatures to records to finality. The chair is party 0; homes 1 and 2 live on net 0, home 3 on net 1.
#include "coordinator/core/records.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace kilter::coordinator::records_test {
namespace {

crypto::Identity identity_of(std::uint64_t number) {
    const auto seed = crypto::digest("kilter test", ByteWriter{}.u64(number).bytes());
    return crypto::Identity::from_seed(crypto::Seed::from(seed.view()));
}

struct RecordsTest : testing::Test {
    RecordsTest() : charter{chair, {}, {}, {}, {}, {}, {}} {
        charter.parameters.horizon = 4;
        settlement::Roster roster;
        roster.epoch = 3;
        roster.members.push_back(
            {chair.public_key(), settlement::Role::coordinator, NetId{0}, 1000, ""});
        for (std::uint32_t i = 1; i <= 3; ++i) {
            homes.push_back(identity_of(i));
            roster.members.push_back(
                {homes.back().public_key(), settlement::Role::home, NetId{i / 3}, 1000, ""});
        }
        directory = std::make_shared<const settlement::Directory>(roster);
        cleared.outcome = market::Outcome::partial;
        cleared.iteration = 12;
        cleared.primal_residual_kw = 0.002;
        cleared.y_eur_per_kw = model::Schedules::Constant(2, 4, 0.05);
        cleared.members = {{PartyId{0}, PartyId{1}, PartyId{2}}, {PartyId{0}, PartyId{3}}};
    }

    Records records() const { return {charter, session, directory, nets, cleared}; }

    // What `home` signs when its session came to a price of 0.2 EUR/kWh.
    wire::ClearingShare share(std::size_t home,
                              NetId net,
                              std::int64_t price_micro = 200'000) const {
        wire::ClearingShare out{session, net, 12, crypto::digest("kilter test", {}), {}};
        out.signature = homes[home - 1].sign(settlement::clearing_statement(
            charter.genesis.chain_id(), session.interval, session.opening, net, 12,
            std::vector<std::int64_t>(4, price_micro), out.commitment));
        return out;
    }

    Records::Verdict sign(Records& into, std::size_t home, const wire::ClearingShare& share) const {
        return into.on_signature(homes[home - 1].public_key(), share);
    }

    crypto::Identity chair = identity_of(0);
    std::vector<crypto::Identity> homes;
    Charter charter;
    settlement::DirectoryPtr directory;
    market::SessionId session{7, 40};
    std::vector<NetId> nets{NetId{0}, NetId{1}};
    market::Cleared cleared;
};

TEST_F(RecordsTest, are_complete_when_every_home_that_cleared_has_signed) {
    Records out = records();
    EXPECT_EQ(sign(out, 1, share(1, NetId{0})), Records::Verdict::accepted);
    EXPECT_EQ(sign(out, 2, share(2, NetId{0})), Records::Verdict::accepted);
    EXPECT_FALSE(out.complete());
    EXPECT_EQ(sign(out, 3, share(3, NetId{1})), Records::Verdict::accepted);
    EXPECT_TRUE(out.complete());
    EXPECT_EQ(out.homes(), 3U);
}

TEST_F(RecordsTest, a_signature_under_other_prices_is_forged_and_one_nobody_asked_for_is_not_used) {
    Records out = records();
    EXPECT_EQ(sign(out, 1, share(1, NetId{0}, 100'000)), Records::Verdict::forged);
    EXPECT_EQ(sign(out, 2, share(1, NetId{0})), Records::Verdict::forged);
    EXPECT_EQ(sign(out, 3, share(3, NetId{0})), Records::Verdict::not_asked);
    wire::ClearingShare other = share(1, NetId{0});
    other.iteration = 11;
    EXPECT_EQ(sign(out, 1, other), Records::Verdict::not_asked);
    EXPECT_EQ(out.homes(), 0U);
}

TEST_F(RecordsTest, a_record_holds_who_has_signed_and_a_net_without_signatures_has_none) {
    Records out = records();
    sign(out, 1, share(1, NetId{0}));
    sign(out, 2, share(2, NetId{0}));
    const auto made = out.make();
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(made[0].net, NetId{0});
    EXPECT_EQ(made[0].outcome, settlement::Outcome::partial);
    EXPECT_EQ(made[0].residual_milliwatt, 2'000);
    EXPECT_EQ(made[0].roster_epoch, 3U);
    ASSERT_EQ(made[0].members.size(), 2U);
    EXPECT_LT(made[0].members[0].key, made[0].members[1].key);
    EXPECT_TRUE(settlement::decode_cleared_net(settlement::encode(made[0])).ok());
}

TEST_F(RecordsTest, the_last_record_to_become_final_is_told) {
    Records out = records();
    sign(out, 1, share(1, NetId{0}));
    sign(out, 3, share(3, NetId{1}));
    EXPECT_FALSE(out.made());
    EXPECT_EQ(out.make().size(), 2U);
    EXPECT_EQ(out.open(), 2U);
    EXPECT_FALSE(out.on_final(NetId{1}));
    EXPECT_FALSE(out.on_final(NetId{1}));
    EXPECT_TRUE(out.on_final(NetId{0}));
}

TEST_F(RecordsTest, a_home_that_left_the_roster_is_neither_waited_for_nor_recorded) {
    Records out = records();
    sign(out, 1, share(1, NetId{0}));
    sign(out, 3, share(3, NetId{1}));
    settlement::Roster next = directory->roster();
    next.epoch = 4;
    next.members.erase(next.members.begin() + 1);  // home 1 is gone
    next.members.back().net = NetId{0};            // home 3 has moved
    out.leave_out_who_left(settlement::Directory(next));
    EXPECT_EQ(sign(out, 1, share(1, NetId{0})), Records::Verdict::not_asked);
    EXPECT_FALSE(out.complete());
    sign(out, 2, share(2, NetId{0}));
    EXPECT_TRUE(out.complete());
    const auto made = out.make();
    ASSERT_EQ(made.size(), 1U);
    ASSERT_EQ(made[0].members.size(), 1U);
    EXPECT_EQ(made[0].members[0].key, homes[1].public_key());
}

TEST_F(RecordsTest, prices_no_market_has_are_asked_of_nobody) {
    cleared.y_eur_per_kw.row(0).setConstant(limits::price_eur_per_kwh_max);  // for a quarter hour
    Records out = records();
    EXPECT_EQ(out.implausible(), std::vector<NetId>{NetId{0}});
    EXPECT_EQ(sign(out, 1, share(1, NetId{0})), Records::Verdict::not_asked);
    sign(out, 3, share(3, NetId{1}));
    EXPECT_TRUE(out.complete());
}

}  // namespace
}  // namespace kilter::coordinator::records_test
