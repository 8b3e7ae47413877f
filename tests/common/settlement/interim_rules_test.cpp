// What the ledger asks of a record that homes have cleared among themselves.
#include <gtest/gtest.h>

#include "common/market/parameters.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::interim_rules_test {
namespace {

using consensus::Admission;
using consensus::Verdict;

Genesis with_a_market(std::uint32_t ledger_version = 2) {
    Genesis out = neighbourhood();
    out.begin_with(ledger_version);
    market::Parameters parameters;
    parameters.horizon = 3;
    out.market_parameters = parameters.encode();
    return out;
}

struct InterimRules : testing::Test {
    explicit InterimRules(const Genesis& genesis = with_a_market()) : ledger(genesis) {
        EXPECT_EQ(append(make_entry(first_change(), ledger.chain(), 1, expiry, grid_operator()))
                      .admission,
                  Admission::ready);
        EXPECT_EQ(append(make_entry(cleared_of(ledger.chain(), before, 0), ledger.chain(), 1,
                                    expiry, coordinator(0)))
                      .admission,
                  Admission::ready);
    }

    Verdict append(const consensus::EntryPtr& entry) {
        return execute_alone(ledger, state, 1, time_ms, entry);
    }

    /// Of homes 0, 1, … of net 0.
    ClearedNet interim(IntervalIndex interval, std::uint8_t homes = 3) const {
        ClearedNet out;
        out.interval = interval;
        out.opening = 0x8000'0001;
        out.roster_epoch = 1;
        out.outcome = Outcome::interim;
        out.iteration = 20;
        out.residual_milliwatt = 900;
        out.prices_micro_eur_per_kwh = {200'000, 190'000, 210'000};
        out.base = before;
        for (std::uint8_t i = 0; i < homes; ++i)
            out.members.push_back({home(i).public_key(), {}, {}});
        std::sort(out.members.begin(), out.members.end(),
                  [](const ClearedMember& a, const ClearedMember& b) { return a.key < b.key; });
        sign(out);
        return out;
    }

    void sign(ClearedNet& record) const {
        for (ClearedMember& member : record.members)
            for (std::uint8_t i = 0; i < 6; ++i)
                if (home(i).public_key() == member.key)
                    member.signature =
                        home(i).sign(statement_of(ledger.chain(), record, member.commitment));
    }

    consensus::EntryPtr of(const ClearedNet& record, std::uint8_t author = 0) const {
        return make_entry(record, ledger.chain(), 1, expiry, home(author));
    }

    void expect_refused(const consensus::EntryPtr& entry, const std::string& reason) {
        const Verdict verdict = append(entry);
        EXPECT_EQ(verdict.admission, Admission::refused);
        EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
    }

    Ledger ledger;
    consensus::StatePtr state = ledger.initial();
    IntervalIndex before = start_ms / 900'000 - 1;
    UnixMs time_ms = start_ms + 1'000;
    UnixMs expiry = start_ms + 20'000'000;
};

TEST_F(InterimRules, ARecordThatAllHaveSignedIsAppendedOnceWhoeverBringsIt) {
    EXPECT_EQ(append(of(interim(before + 1))).admission, Admission::ready);
    expect_refused(of(interim(before + 1), 1), "same key");
    EXPECT_EQ(append(make_entry(cleared_of(ledger.chain(), before + 1, 0), ledger.chain(), 2,
                                expiry, coordinator(0)))
                  .admission,
              Admission::refused)
        << "nor is the interval cleared with the feeder after that";
}

TEST_F(InterimRules, NothingReplacesWhatWasClearedWithTheFeeder) {
    ClearedNet record = interim(before);
    record.base = before - 1;
    sign(record);
    expect_refused(of(record), "same key");
}

TEST_F(InterimRules, OnlyAMemberBringsIt) {
    expect_refused(of(interim(before + 1), 3), "only a member");
    expect_refused(make_entry(interim(before + 1), ledger.chain(), 1, expiry, coordinator(0)),
                   "only a member");
}

TEST_F(InterimRules, NobodyIsLeftOutOfWhatAllHaveSigned) {
    ClearedNet record = interim(before + 1);
    record.members.pop_back();
    expect_refused(of(record), "did not sign");
    record = interim(before + 1);
    record.residual_milliwatt = 0;
    expect_refused(of(record), "did not sign");
    record = interim(before + 1);
    record.base -= 1;
    expect_refused(of(record), "did not sign");
}

TEST_F(InterimRules, ItTakesMoreThanHalfOfTheNet) {
    expect_refused(of(interim(before + 1, 1)), "more than half");
    EXPECT_EQ(append(of(interim(before + 1, 2))).admission, Admission::ready);
}

TEST_F(InterimRules, ItWaitsForItsIntervalAndForItsBase) {
    EXPECT_EQ(append(of(interim(before + 2))).admission, Admission::later);
    time_ms += 900'000;
    EXPECT_EQ(append(of(interim(before + 2))).admission, Admission::ready);
    ClearedNet record = interim(before + 1);
    record.base = before - 1;
    sign(record);
    EXPECT_EQ(append(of(record)).admission, Admission::later);
}

TEST_F(InterimRules, ItKeepsToTheHorizonAndToTheTolerance) {
    time_ms += 4 * 900'000;
    expect_refused(of(interim(before + 3)), "does not reach");
    ClearedNet record = interim(before + 1);
    record.residual_milliwatt = 1'001;  // the tolerance is 1 W
    sign(record);
    expect_refused(of(record), "tolerance");
    record = interim(before + 1);
    record.base = before + 1;
    sign(record);
    expect_refused(of(record), "earlier one");
}

TEST_F(InterimRules, ItsBytesComeBackTheSame) {
    const Bytes bytes = encode(interim(before + 1));
    EXPECT_EQ(*decode_cleared_net(bytes), interim(before + 1));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_cleared_net(ByteView{bytes}.first(size)).ok()) << size;
}

struct FirstVersion : InterimRules {
    FirstVersion() : InterimRules(with_a_market(1)) {}
};

TEST_F(FirstVersion, KnowsNoSuchRecords) {
    expect_refused(of(interim(before + 1)), "version 2 of the rule 'ledger'");
}

}  // namespace
}  // namespace kilter::settlement::interim_rules_test
