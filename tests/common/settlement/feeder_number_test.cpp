// Feeders that share a log: whose net it is, who may write for which, and prices that do not get mixed up.
#include "common/settlement/feeder_number.hpp"

#include <gtest/gtest.h>

#include "common/settlement/hosts.hpp"
#include "common/settlement/price_book.hpp"
#include "common/settlement/tie_prices.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::feeder_number_test {
namespace {

using consensus::Admission;
using consensus::Verdict;

constexpr UnixMs hour_ms = 3'600'000;

TEST(FeederNumber, ANetsIdHoldsBothAndFeederZerosIsItsPosition) {
    for (const std::size_t position : {0U, 1U, 65'535U}) {
        EXPECT_EQ(net_id(0, position).value, position);
        for (const FeederNumber feeder : {FeederNumber{0}, FeederNumber{3}, FeederNumber{65'535}}) {
            EXPECT_EQ(feeder_of(net_id(feeder, position)), feeder);
            EXPECT_EQ(position_of(net_id(feeder, position)), position);
        }
    }
    EXPECT_EQ(name_of(net_id(0, 7)), "7");
    EXPECT_EQ(name_of(net_id(2, 7)), "2:7");
}

TEST(FeederNumber, TiePricesNameAnotherFeederThanZeroAndOnlyThat) {
    const TiePrices zero{5, {1, 2}, 0};
    const TiePrices other{5, {1, 2}, 3};
    EXPECT_EQ(*decode_tie_prices(encode(zero)), zero);
    EXPECT_EQ(*decode_tie_prices(encode(other)), other);
    EXPECT_EQ(encode(other).size(), encode(zero).size() + 2);
    EXPECT_NE(tie_prices_key(0, 5), tie_prices_key(3, 5));
    Bytes spelt_out = encode(zero);
    spelt_out.insert(spelt_out.end(), {0, 0});
    EXPECT_FALSE(decode_tie_prices(spelt_out)) << "one form only";
    Bytes half = encode(zero);
    half.push_back(3);
    EXPECT_FALSE(decode_tie_prices(half));
}

TEST(FeederNumber, EachFeedersEnergyIsPricedAtItsOwnTie) {
    PriceBook book(100, 104, 900);
    book.add(TiePrices{100, {10, 11, 12, 13}, 0});
    book.add(TiePrices{101, {70, 71}, 2});
    EXPECT_EQ(book.tie(0, 102), 12);
    EXPECT_EQ(book.tie(2, 102), 71);
    EXPECT_FALSE(book.tie(2, 100)) << "what feeder 0 said is not feeder 2's";
    EXPECT_EQ(*book.real_time(net_id(2, 4), 101), (PricePair{70, 70}));
    EXPECT_FALSE(book.real_time(net_id(1, 4), 101));
    ClearedNet record;
    record.interval = 101;
    record.net = net_id(2, 4);
    record.prices_micro_eur_per_kwh = {80, 81};
    book.add(record);
    EXPECT_EQ(*book.real_time(net_id(2, 4), 101), (PricePair{80, 70}));
    EXPECT_EQ(*book.real_time(net_id(0, 4), 101), (PricePair{11, 11}));
    const auto ahead = *book.day_ahead_prices(*book.day_ahead(net_id(2, 4), 102), 102);
    EXPECT_EQ(ahead, (PricePair{81, 71}));
}

// Coordinator 0 and homes 0 to 2 are feeder 0's, coordinator 1 and homes 3 to 5, on net 1:0, feeder 1's.
struct SharedLog : testing::Test {
    explicit SharedLog(std::uint32_t version = 3) : ledger(genesis_of(version)) {
        for (RosterMember& member : roster.members)
            if (member.net == NetId{1}) member.net = net_id(1, 0);
        roster.members.push_back(
            {coordinator(1).public_key(), Role::coordinator, net_id(1, 0), 333, "tcp://y"});
        EXPECT_EQ(append(make_entry(first_changes(roster.members).front(), ledger.chain(), 1,
                                    start_ms + hour_ms, grid_operator()))
                      .admission,
                  Admission::ready);
    }

    static Genesis genesis_of(std::uint32_t version) {
        Genesis out = neighbourhood();
        out.begin_with(version);
        return out;
    }

    Verdict append(const consensus::EntryPtr& entry) {
        return execute_alone(ledger, state, 1, start_ms + 1'000, entry);
    }

    Verdict tie(IntervalIndex interval, FeederNumber feeder, std::uint8_t by) {
        return append(make_entry(TiePrices{interval, {1}, feeder}, ledger.chain(), ++seq,
                                 start_ms + hour_ms, coordinator(by)));
    }

    // Of homes 3 × home / 3 and the next two.
    Verdict cleared(IntervalIndex interval, NetId net, std::uint8_t first_home, std::uint8_t by) {
        ClearedNet record = cleared_of(ledger.chain(), interval, first_home / 3u);
        record.net = net;
        for (ClearedMember& member : record.members)
            for (std::uint8_t i = 0; i < 6; ++i)
                if (home(i).public_key() == member.key)
                    member.signature = home(i).sign(
                        clearing_statement(ledger.chain(), interval, 0, net, record.iteration,
                                           record.prices_micro_eur_per_kwh, member.commitment));
        return append(
            make_entry(record, ledger.chain(), ++seq, start_ms + hour_ms, coordinator(by)));
    }

    Roster roster = first_roster();
    Ledger ledger;
    consensus::StatePtr state = ledger.initial();
    std::uint64_t seq = 1;
};

void expect_refused(const Verdict& verdict, const std::string& reason) {
    EXPECT_EQ(verdict.admission, Admission::refused);
    EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
}

TEST_F(SharedLog, ACoordinatorWritesForTheFeederOfItsCertificate) {
    EXPECT_EQ(tie(10, 0, 0).admission, Admission::ready);
    EXPECT_EQ(tie(10, 1, 1).admission, Admission::ready) << "the same interval, another feeder";
    expect_refused(tie(10, 1, 1), "same key");
    expect_refused(tie(11, 1, 0), "no certificate for feeder 1");
    expect_refused(tie(11, 0, 1), "no certificate for feeder 0");
    expect_refused(tie(11, 1, 2), "no certificate for feeder 1");
    EXPECT_EQ(tie(11, 0, 2).admission, Admission::ready) << "a validator without a certificate";

    EXPECT_EQ(cleared(10, net_id(0, 0), 0, 0).admission, Admission::ready);
    EXPECT_EQ(cleared(10, net_id(1, 0), 3, 1).admission, Admission::ready);
    expect_refused(cleared(11, net_id(1, 0), 3, 0), "no certificate for feeder 1");
    expect_refused(cleared(11, net_id(0, 0), 0, 1), "no certificate for feeder 0");
    expect_refused(cleared(11, net_id(1, 0), 0, 1), "is not a home of net 1:0");
}

TEST_F(SharedLog, AFeedersHostsAreThoseWithACertificateForIt) {
    const Directory directory(roster);
    const auto& validators = ledger.genesis().validators;
    const auto first = hosts_of(directory, validators, 0, 1);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(directory.at(first[0]).key, coordinator(0).public_key());
    const auto second = hosts_of(directory, validators, 1, 0);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(directory.at(second[0]).key, coordinator(1).public_key());
    EXPECT_TRUE(hosts_of(directory, validators, 2, 0).empty());
}

struct SharedLogOfVersionTwo : SharedLog {
    SharedLogOfVersionTwo() : SharedLog(2) {}
};

TEST_F(SharedLogOfVersionTwo, OldRulesKnowOneTie) {
    expect_refused(tie(10, 1, 1), "--rule ledger=3");
    EXPECT_EQ(tie(10, 0, 1).admission, Admission::ready) << "and any validator may say it";
}

}  // namespace
}  // namespace kilter::settlement::feeder_number_test
