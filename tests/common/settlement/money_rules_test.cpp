#include "common/settlement/money_rules.hpp"

#include <gtest/gtest.h>

#include "common/settlement/bill.hpp"
#include "common/settlement/disclosure.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/position.hpp"
#include "common/settlement/tie_prices.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::money_rules_test {
namespace {

using consensus::Admission;
using consensus::EntryPtr;
using consensus::Verdict;

constexpr UnixMs hour_ms = 3'600'000;

crypto::Identity meter(std::uint8_t number) {
    return party(4, number);
}

CommittedSeries series_of(std::uint32_t net, IntervalIndex first, std::size_t intervals) {
    CommittedSeries out{first, NetId{net}, 1, {}};
    for (std::size_t t = 0; t < intervals; ++t)
        out.intervals.push_back({crypto::commit(static_cast<std::int64_t>(t), crypto::scalar_of(7)),
                                 {t, crypto::scalar_of(9)}});
    return out;
}

/// A meter begins with interval 100.
MeterReads reads_of(std::uint32_t net, IntervalIndex first, std::size_t intervals) {
    return {series_of(net, first, intervals), first == 100,
            std::vector<Quality>(intervals, Quality::measured),
            crypto::digest("test", as_bytes("raw"))};
}

Bill bill_of(IntervalIndex first, std::uint32_t intervals) {
    return {first, intervals, {-5, crypto::scalar_of(1)}, {6, crypto::scalar_of(2)}, {7, {}}};
}

/// Homes 0 to 5 with a meter each.
struct MoneyRules : testing::Test {
    Ledger ledger{neighbourhood()};
    consensus::StatePtr state = ledger.initial();
    UnixMs time_ms = start_ms + 1'000;
    std::uint64_t seq = 0;

    MoneyRules() {
        std::vector<RosterMember> members = first_roster().members;
        for (std::uint8_t i = 0; i < 6; ++i) {
            RosterMember member = certificate(i, NetId{i / 3u});
            member.key = meter(i).public_key();
            member.role = Role::meter;
            members.push_back(member);
        }
        const RosterChange change = first_changes(members).front();
        EXPECT_EQ(append(make_entry(change, ledger.chain(), 1, time_ms + hour_ms, grid_operator()))
                      .admission,
                  Admission::ready);
    }

    Verdict append(const EntryPtr& entry) {
        return execute_alone(ledger, state, 1, time_ms, entry);
    }

    template <class T>
    Verdict append(const T& value, const crypto::Identity& author) {
        return append(make_entry(value, ledger.chain(), ++seq, time_ms + hour_ms, author));
    }

    void expect_refused(const Verdict& verdict, const std::string& reason) {
        EXPECT_EQ(verdict.admission, Admission::refused);
        EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
    }
};

TEST_F(MoneyRules, ReadsContinueWhatIsThere) {
    EXPECT_EQ(append(reads_of(0, 100, 4), meter(0)).admission, Admission::ready);
    const ServicePoint point = certificate(0, NetId{0}).service_point;
    EXPECT_EQ(metered(*state->map(), point), (Metered{100, 104, 100}));
    expect_refused(append(reads_of(0, 100, 4), meter(0)), "same key");
    expect_refused(append(reads_of(0, 103, 2), meter(0)),
                   "interval 103 of this meter is on the log");
    const Verdict early = append(reads_of(0, 105, 1), meter(0));
    EXPECT_EQ(early.admission, Admission::later);
    EXPECT_NE(early.reason.find("104"), std::string::npos);
    EXPECT_EQ(append(reads_of(0, 104, 1), meter(0)).admission, Admission::ready);
    EXPECT_EQ(append(reads_of(0, 105, 1), meter(0)).admission, Admission::ready);
    EXPECT_EQ(metered(*state->map(), point)->until, 106);
}

TEST_F(MoneyRules, ReadsThatArriveBeforeTheMetersFirstOnesWaitForThem) {
    const EntryPtr second =
        make_entry(reads_of(0, 101, 1), ledger.chain(), 77, time_ms + hour_ms, meter(0));
    EXPECT_EQ(append(second).admission, Admission::later);
    ASSERT_EQ(append(reads_of(0, 100, 1), meter(0)).admission, Admission::ready);
    EXPECT_EQ(append(second).admission, Admission::ready);
}

TEST_F(MoneyRules, AMeterBeginsAgainAfterASilenceOnceAllBeforeIsBilled) {
    ASSERT_EQ(append(reads_of(0, 100, 4), meter(0)).admission, Admission::ready);
    MeterReads again = reads_of(0, 50'000, 2);
    again.begins = true;
    EXPECT_EQ(append(again, meter(0)).admission, Admission::later);
    ASSERT_EQ(append(bill_of(100, 4), home(0)).admission, Admission::ready);
    EXPECT_EQ(append(again, meter(0)).admission, Admission::ready);
    EXPECT_EQ(metered(*state->map(), certificate(0, NetId{0}).service_point),
              (Metered{50'000, 50'002, 50'000}));
}

TEST_F(MoneyRules, OnlyAMeterOfTheNetReads) {
    expect_refused(append(reads_of(0, 100, 1), home(0)), "only a meter");
    expect_refused(append(reads_of(1, 100, 1), meter(0)), "the meter is on net 0");
    MeterReads ahead = reads_of(0, 100, 1);
    ahead.series.roster_epoch = 2;
    EXPECT_EQ(append(ahead, meter(0)).admission, Admission::later);
    time_ms = certificate(0, NetId{0}).valid_until_ms;
    expect_refused(append(reads_of(0, 100, 1), meter(0)), "not valid at the block's time");
}

TEST_F(MoneyRules, WhatIsNoCommitmentIsRefused) {
    MeterReads bad = reads_of(0, 100, 2);
    bad.series.intervals[1].commitment.bytes[0] ^= 1;
    expect_refused(append(bad, meter(0)), "interval 101 is no element");
    bad = reads_of(0, 100, 2);
    bad.series.intervals[0].opening.blinding.bytes.fill(0xff);
    expect_refused(append(bad, meter(0)), "interval 100 is no element");
    bad = reads_of(0, 100, 0);
    expect_refused(append(bad, meter(0)), "no intervals");
    bad = reads_of(0, 100, 97);
    expect_refused(append(bad, meter(0)), "meter reads");
}

TEST_F(MoneyRules, BillsFollowOneAnotherAndWaitForReads) {
    EXPECT_EQ(append(bill_of(100, 4), home(0)).admission, Admission::later);
    ASSERT_EQ(append(reads_of(0, 100, 3), meter(0)).admission, Admission::ready);
    EXPECT_EQ(append(bill_of(100, 4), home(0)).admission, Admission::later);
    ASSERT_EQ(append(reads_of(0, 103, 5), meter(0)).admission, Admission::ready);
    expect_refused(append(bill_of(101, 2), home(0)), "begins with interval 100");
    expect_refused(append(bill_of(100, 4), meter(0)), "only a home");
    EXPECT_EQ(append(bill_of(100, 4), home(0)).admission, Admission::ready);
    expect_refused(append(bill_of(100, 4), home(0)), "same key");
    expect_refused(append(bill_of(105, 1), home(0)), "begins with interval 104");
    EXPECT_EQ(append(bill_of(104, 4), home(0)).admission, Admission::ready);
}

TEST_F(MoneyRules, PositionsTiePricesAndDisclosures) {
    EXPECT_EQ(append(Position{3, series_of(0, 100, 2)}, home(0)).admission, Admission::ready);
    expect_refused(append(Position{3, series_of(0, 100, 2)}, home(0)), "same key");
    expect_refused(append(Position{3, series_of(0, 100, 2)}, meter(1)), "only a home");
    EXPECT_EQ(append(TiePrices{100, {250'000, -3}}, coordinator(1)).admission, Admission::ready);
    expect_refused(append(TiePrices{101, {1}}, home(0)), "only a coordinator");
    expect_refused(append(TiePrices{101, {}}, coordinator(1)), "there are none");
    const OpeningDocument document{meter(0).public_key(), 100, {{5, crypto::scalar_of(7)}}};
    EXPECT_EQ(*OpeningDocument::decode(document.encode()), document);
    EXPECT_EQ(
        append(Disclosure{home(1).public_key(), 100, 1, document.digest()}, home(0)).admission,
        Admission::ready);
}

TEST_F(MoneyRules, BodiesAreCanonicalAndBounded) {
    const auto every_cut_fails = [](const Bytes& bytes, const auto& decode) {
        ASSERT_TRUE(decode(bytes).ok());
        EXPECT_EQ(encode(*decode(bytes)), bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode(ByteView(bytes).first(size)).ok()) << size;
        Bytes longer = bytes;
        longer.push_back(0);
        EXPECT_FALSE(decode(longer).ok());
    };
    every_cut_fails(encode(reads_of(0, 100, 2)),
                    [](ByteView body) { return decode_meter_reads(body); });
    every_cut_fails(encode(Position{3, series_of(0, 100, 2)}),
                    [](ByteView body) { return decode_position(body); });
    every_cut_fails(encode(TiePrices{100, {250'000, -3}}), decode_tie_prices);
    every_cut_fails(encode(bill_of(100, 4)), decode_bill);
    every_cut_fails(encode(Disclosure{home(1).public_key(), 100, 1, {}}), decode_disclosure);
    EXPECT_FALSE(decode_bill(encode(bill_of(100, 0))).ok());
    EXPECT_LE(encode(reads_of(0, 100, series_intervals_max)).size(), limits::entry_body_bytes_max);
}

}  // namespace
}  // namespace kilter::settlement::money_rules_test
