// Governance as the log has it: offices, cases, and what they do to other entries.
#include <gtest/gtest.h>

#include "common/market/parameters.hpp"
#include "common/settlement/governance_entries.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::governance_test {
namespace {

using consensus::Admission;
using consensus::Verdict;
using governance::Opinion;

crypto::Identity regulator() {
    return party(4, 0);
}

Genesis governed() {
    Genesis out = neighbourhood();
    out.market_parameters = market::Parameters{}.encode();
    out.constitution = governance::Constitution::of_operator_and_regulator(
                           grid_operator().public_key(), regulator().public_key())
                           .encode();
    return out;
}

struct GovernanceTest : testing::Test {
    Ledger ledger{governed()};
    consensus::StatePtr state = ledger.initial();
    consensus::Height height = 0;
    UnixMs time_ms = start_ms;
    std::uint64_t seq = 0;

    /// In a block of its own. Empty: taken.
    std::string append(const consensus::EntryPtr& entry) {
        if (auto content = ledger.check(entry->entry); !content) return content.error().message;
        time_ms += 1'000;
        const auto execution = ledger.begin(state, ++height, time_ms);
        const Verdict verdict = execution->apply(*entry);
        state = execution->finish();
        return verdict.admission == Admission::ready ? "" : verdict.reason;
    }

    std::string propose(const governance::Action& action,
                        const crypto::Identity& who,
                        consensus::EntryId& id) {
        const auto entry = make_entry(governance::Proposal{action, 0, "as agreed"}, ledger.chain(),
                                      ++seq, time_ms + 3'600'000, who);
        id = entry->id;
        return append(entry);
    }

    std::string say(const consensus::EntryId& id, Opinion opinion, const crypto::Identity& who) {
        return append(make_entry(governance::Statement{id, opinion}, ledger.chain(), ++seq,
                                 time_ms + 3'600'000, who));
    }

    std::string clear(IntervalIndex interval) {
        return append(make_entry(cleared_of(ledger.chain(), interval, 1), ledger.chain(), ++seq,
                                 time_ms + 3'600'000, coordinator(0)));
    }

    std::string grant() {
        return append(make_entry(first_change(), ledger.chain(), ++seq, time_ms + 3'600'000,
                                 grid_operator()));
    }

    [[nodiscard]] governance::Rules rules() const {
        return docket(*state, ledger.genesis()).rules_at(height + 1);
    }
};

TEST_F(GovernanceTest, WithoutAConstitutionTheDocumentIsAsItWasAndTheOperatorDecides) {
    Genesis plain = neighbourhood();
    const auto again = Genesis::decode(plain.encode());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->encode(), plain.encode());
    EXPECT_TRUE(plain.rules()
                    .constitution.held_by(plain.operator_key)
                    .contains(governance::Office::grid_operator));
    const auto governed_again = Genesis::decode(governed().encode());
    ASSERT_TRUE(governed_again.ok());
    EXPECT_EQ(*governed_again, governed());
    EXPECT_NE(governed().chain_id(), plain.chain_id());
    plain.constitution = {1, 2, 3};
    EXPECT_FALSE(plain.validate());
}

TEST_F(GovernanceTest, AStopHoldsFromTheNextBlockUntilBothOfficesResume) {
    ASSERT_EQ(grant(), "");
    ASSERT_EQ(clear(7), "");
    consensus::EntryId stop;
    consensus::EntryId resume;
    EXPECT_NE(propose(governance::Stop{}, home(0), stop).find("and the author is home"),
              std::string::npos);
    EXPECT_EQ(propose(governance::Stop{}, grid_operator(), stop), "");
    EXPECT_EQ(clear(8), "the market is stopped by case 1 of the docket");
    EXPECT_EQ(propose(governance::Resume{}, grid_operator(), resume), "");
    EXPECT_EQ(clear(9), "the market is stopped by case 1 of the docket");
    EXPECT_EQ(say(resume, Opinion::approve, regulator()), "");
    EXPECT_EQ(clear(10), "");
    const auto all = cases(*state, ledger.genesis());
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].number, 1u);
    EXPECT_EQ(all[1].said.size(), 2u);
}

TEST_F(GovernanceTest, TheOperatorsKeyChangesHandsByTheDocket) {
    const crypto::Identity successor = party(3, 1);
    consensus::EntryId in;
    consensus::EntryId out;
    EXPECT_EQ(
        propose(
            governance::SetSeat{{governance::Office::grid_operator, successor.public_key()}, true},
            regulator(), in),
        "");
    EXPECT_EQ(say(in, Opinion::mandate, regulator()), "");
    EXPECT_NE(
        append(make_entry(first_change(), ledger.chain(), ++seq, time_ms + 3'600'000, successor)),
        "")
        << "not in force yet";
    EXPECT_EQ(propose(
                  governance::SetSeat{
                      {governance::Office::grid_operator, grid_operator().public_key()}, false},
                  regulator(), out),
              "");
    EXPECT_EQ(say(out, Opinion::mandate, regulator()), "");
    for (consensus::EntryId other; height < 9;)
        EXPECT_EQ(propose(governance::SetTariff{"filler", 1}, regulator(), other), "");
    EXPECT_EQ(grant(), "only the operator may change the roster");
    EXPECT_EQ(
        append(make_entry(first_change(), ledger.chain(), ++seq, time_ms + 3'600'000, successor)),
        "");
}

TEST_F(GovernanceTest, WhoOrdersTheLogChangesOnlyAsDecided) {
    consensus::ValidatorSet next = ledger.genesis().validators;
    next.validators[3].key = coordinator(9).public_key();
    consensus::EpochChange change{0, next, 0, {}};
    consensus::Entry entry;
    entry.type = consensus::epoch_change_entry;
    entry.key = consensus::epoch_change_key(0);
    entry.body = consensus::encode(change);
    const auto judge = [&] {
        entry.seq = ++seq;
        entry.expires_ms = time_ms + 3'600'000;
        consensus::sign(entry, ledger.chain(), coordinator(0));
        const auto execution = ledger.begin(state, height + 1, time_ms + 1);
        return execution->apply(*consensus::seal(entry)).reason;
    };
    EXPECT_NE(judge().find("has not decided"), std::string::npos);
    consensus::EntryId id;
    EXPECT_EQ(propose(governance::SetValidators{next}, grid_operator(), id), "");
    EXPECT_EQ(say(id, Opinion::approve, regulator()), "");
    EXPECT_NE(judge().find("has not decided"), std::string::npos) << "four blocks of notice";
    for (consensus::EntryId other; height < 5;)
        EXPECT_EQ(propose(governance::SetTariff{"filler", 1}, regulator(), other), "");
    EXPECT_EQ(judge(), "");
    change.next.validators[3].key = coordinator(8).public_key();
    entry.body = consensus::encode(change);
    EXPECT_NE(judge().find("has not decided"), std::string::npos) << "another set";
}

TEST_F(GovernanceTest, WhatARefusedEntryLeavesIsTheStateBefore) {
    consensus::EntryId id;
    EXPECT_EQ(propose(governance::SetTariff{"network.use", 3}, grid_operator(), id), "");
    const auto root = [&](const consensus::EntryPtr& entry) {
        const auto execution = ledger.begin(state, height + 1, time_ms + 1);
        EXPECT_NE(execution->apply(*entry).admission, Admission::ready);
        return execution->finish()->root();
    };
    const auto untouched = ledger.begin(state, height + 1, time_ms + 1)->finish()->root();
    EXPECT_EQ(root(make_entry(governance::Statement{id, Opinion::veto}, ledger.chain(), 77,
                              time_ms + 5'000, grid_operator())),
              untouched);
    EXPECT_EQ(root(make_entry(governance::Statement{{}, Opinion::approve}, ledger.chain(), 78,
                              time_ms + 5'000, regulator())),
              untouched);
}

}  // namespace
}  // namespace kilter::settlement::governance_test
