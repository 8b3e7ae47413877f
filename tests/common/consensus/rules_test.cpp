// The replica's rules one by one: what it answers to exactly these messages.
#include <gtest/gtest.h>

#include "tests/common/consensus/past.hpp"

namespace kilter::consensus::rules_test {
namespace {

TEST(Rules, WithoutWorkThereIsNothingButTheRareStatus) {
    LoneReplica r;
    EXPECT_FALSE(r.armed(TimerKind::view));
    EXPECT_EQ(r.armed(TimerKind::standstill), r.config.parameters.idle_status_ms);
    r.step(TimerElapsed{r.timer(TimerKind::standstill)});
    ASSERT_EQ(r.out.send.size(), 1u);
    EXPECT_EQ(r.sent<Status>().size(), 1u);
    EXPECT_TRUE(r.out.persist.empty());
}

TEST(Rules, WorkStartsTheViewsTimerAndItsExpirySkips) {
    LoneReplica r;
    r.step(Submitted{{r.entry(1)}});
    EXPECT_EQ(r.armed(TimerKind::view), r.config.parameters.view_timeout_ms);
    EXPECT_EQ(r.armed(TimerKind::standstill), r.config.parameters.standstill_ms);
    r.step(Submitted{{r.entry(2)}});
    EXPECT_FALSE(r.armed(TimerKind::view)) << "it is running";
}

TEST(Rules, SkippingIsWrittenBeforeItIsSent) {
    LoneReplica r;
    r.step(Submitted{{r.entry(1)}});
    r.step(TimerElapsed{r.timer(TimerKind::view)});
    ASSERT_EQ(r.out.persist.size(), 1u);
    const auto* own = std::get_if<OwnVote>(&r.out.persist.front());
    ASSERT_NE(own, nullptr);
    ASSERT_EQ(r.sent<Vote>().size(), 1u);
    EXPECT_EQ(r.sent<Vote>().front().second, own->vote());
    EXPECT_EQ(own->vote().kind, VoteKind::skip);
}

TEST(Rules, FPlusOneSkipsOfOthersAreJoined) {
    LoneReplica r;  // view 1 is led by replica 1
    r.receive(2, r.vote(VoteKind::skip, 1, 2));
    EXPECT_TRUE(r.sent<Vote>().empty());
    r.receive(3, r.vote(VoteKind::skip, 1, 3));
    ASSERT_EQ(r.sent<Vote>().size(), 1u);
    EXPECT_EQ(r.sent<Vote>().front().second.kind, VoteKind::skip);
}

TEST(Rules, TheLeadersOwnSkipIsJoinedAtOnce) {
    LoneReplica r;
    r.receive(1, r.vote(VoteKind::skip, 1, 1));
    EXPECT_EQ(r.sent<Vote>().size(), 1u);
}

TEST(Rules, TheCertificateThatLetsIntoAViewIsPassedOnOnce) {
    LoneReplica r;
    const Cert skip = r.cert(VoteKind::skip, 1);
    r.receive(2, skip);
    EXPECT_EQ(r.replica->status().view, 2u);
    ASSERT_EQ(r.sent<Cert>().size(), 1u);
    EXPECT_FALSE(r.sent<Cert>().front().first) << "to all";
    EXPECT_EQ(r.sent<Cert>().front().second, skip);
    r.receive(3, skip);
    EXPECT_TRUE(r.sent<Cert>().empty());
}

TEST(Rules, TimeoutsGrowFromTheThirdViewWithoutFinality) {
    LoneReplica r;
    r.step(Submitted{{r.entry(1)}});
    std::vector<std::int64_t> timeouts;
    for (View view = 1; view < 8; ++view) {
        // The leader shows life, so its views are not cut short.
        r.receive(r.config.validators.leader(view) == 0 ? 1 : r.config.validators.leader(view),
                  Status{0, view, 0, 0, {}});
        r.receive(2, r.cert(VoteKind::skip, view));
        if (const auto timeout = r.armed(TimerKind::view)) timeouts.push_back(*timeout);
    }
    ASSERT_GE(timeouts.size(), 5u);
    EXPECT_EQ(timeouts[0], 500);
    for (std::size_t i = 1; i + 1 < timeouts.size(); ++i)
        EXPECT_NEAR(static_cast<double>(timeouts[i + 1]), 1.5 * static_cast<double>(timeouts[i]),
                    2);
}

TEST(Rules, ALeaderSilentInThreeOfItsViewsIsNotWaitedForUntilItSpeaks) {
    LoneReplica r;
    r.step(Submitted{{r.entry(1)}});
    const auto enter = [&](View view) {
        const View past = view - 1;
        r.receive(2, r.cert(VoteKind::skip, past, {}, r.config.validators.leader(past)));
        return r.armed(TimerKind::view);
    };
    for (View view = 2; view < 13; ++view)
        EXPECT_GE(enter(view).value_or(500), 500) << view;
    EXPECT_EQ(enter(13), r.config.parameters.dead_leader_timeout_ms)
        << "1, 5 and 9 were replica 1's";
    r.receive(1, Status{0, 14, 0, 0, {}});
    for (View view = 14; view < 17; ++view)
        (void)enter(view);
    EXPECT_GT(enter(17).value_or(0), r.config.parameters.dead_leader_timeout_ms);
}

TEST(Rules, AYoungLonelyEntryWaitsForCompanyOnceAndOneLeaderBlockHoldsAll) {
    LoneReplica r(4, 1);  // leads view 1
    r.step(Submitted{{r.entry(1)}});
    EXPECT_TRUE(r.sent<Proposal>().empty());
    EXPECT_EQ(r.armed(TimerKind::batch), r.config.parameters.batch_wait_ms);
    const Timer batch = r.timer(TimerKind::batch);
    r.step(Submitted{{r.entry(2)}});
    r.now += 2;
    r.step(TimerElapsed{batch});
    ASSERT_EQ(r.sent<Proposal>().size(), 1u);
    EXPECT_EQ(r.sent<Proposal>().front().second.block->entries.size(), 2u);
}

bool votes_for(LoneReplica& r, const FinalBlock& block) {
    const auto [view, leader] = std::pair(block.block->header.view, block.block->header.proposer);
    const Vote vote = r.vote(VoteKind::notar, view, leader, block.block->hash);
    r.receive(leader, Proposal{block.block, vote});
    return !r.sent<Vote>().empty();
}

TEST(Rules, ABlockFromTheFutureWaitsButOneThatIsMerelyLaterThanItsParentDoesNot) {
    constexpr UnixMs hour_ms = 3'600'000;
    LoneReplica r;
    Past past(r);
    const FinalBlock ahead = past.add({}, r.now + hour_ms);
    LoneReplica right;
    EXPECT_FALSE(votes_for(right, ahead));
    r.now += hour_ms;  // this clock is wrong as well, for a while
    EXPECT_TRUE(votes_for(r, ahead));
    r.receive(2, *ahead.certificate);
    r.now -= hour_ms;
    const FinalBlock next = past.add({}, r.now + hour_ms + 1);
    EXPECT_TRUE(votes_for(r, next)) << "as early as it can be";
    r.receive(2, past.cert(VoteKind::notar, 2));
    EXPECT_FALSE(votes_for(r, past.add({}, r.now + hour_ms + 3)));
}

// Everybody waited for an entry that no block could take, gave every view up before its leader had anything to say, and so
// nothing above the tip became final, where alone it would have shown.
TEST(Rules, WhatTheFinalStateRefusesIsNoWorkAboveABlockThatIsNotFinal) {
    LoneReplica r;  // leads view 4
    Past past{r};
    r.step(Submitted{{r.entry(1, {}, opening_entry)}});
    const FinalBlock first = past.add({r.entry(2)});
    r.receive(1, Status{0, 2, 1, 1, {}});
    r.receive(1, Range{{first}});
    ASSERT_EQ(r.replica->status().final_view, 1u);
    const FinalBlock second = past.add({});
    ASSERT_TRUE(votes_for(r, second));
    r.receive(3, past.cert(VoteKind::notar, 2));
    r.receive(1, r.cert(VoteKind::skip, 3));
    ASSERT_EQ(r.replica->status().view, 4u);
    EXPECT_EQ(r.replica->status().mempool, 1u) << "it may be in a block under way";
    EXPECT_TRUE(r.sent<Proposal>().empty());
    r.receive(1, r.vote(VoteKind::skip, 4, 1));
    EXPECT_EQ(r.sent<Proposal>().size(), 1u);
    EXPECT_EQ(r.replica->status().mempool, 0u);
}

TEST(Rules, AnAttachedCertificateGivesWayToAnOwnOneForTheSame) {
    for (const bool holds_own : {true, false}) {
        LoneReplica r;
        Past past(r);
        const FinalBlock first = past.add({r.entry(1)});
        const Cert own = past.cert(VoteKind::notar, 1);
        Block second = *past.add({r.entry(2)}).block;
        second.justification.parent->signatures[1].bytes[0] ^= 1;
        r.receive(1, Proposal{first.block, r.vote(VoteKind::notar, 1, 1, first.block->hash)});
        if (holds_own) r.receive(3, own);
        r.receive(2, Proposal{std::make_shared<Block>(second),
                              r.vote(VoteKind::notar, 2, 2, second.hash)});
        const auto stored =
            std::find_if(r.out.persist.begin(), r.out.persist.end(),
                         [](const Write& one) { return std::holds_alternative<BlockPtr>(one); });
        ASSERT_EQ(stored != r.out.persist.end(), holds_own);
        EXPECT_EQ(r.out.faults.size(), holds_own ? 0u : 1u);
        if (holds_own) {
            EXPECT_EQ(std::get<BlockPtr>(*stored)->justification.parent, own);
        }
    }
}

TEST(Rules, ASubmittedEntryIsForwardedOnceAndKnownByIdAndByKey) {
    LoneReplica r;
    const EntryPtr entry = r.entry(1, {5});
    r.step(Submitted{{entry}});
    ASSERT_EQ(r.out.answers.size(), 1u);
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::accepted);
    EXPECT_EQ(r.sent<Submit>().size(), 1u);
    r.step(Submitted{{entry}});
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::pending);
    EXPECT_TRUE(r.sent<Submit>().empty());
    r.step(Submitted{{r.entry(2, {5})}});
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::pending) << "its key waits already";
    r.receive(2, Submit{{r.entry(3)}});
    EXPECT_EQ(r.replica->status().mempool, 2u);
    EXPECT_TRUE(r.sent<Submit>().empty()) << "what was forwarded is not forwarded again";
}

TEST(Rules, AForgedEntryIsBlamedOnWhoPassedItOn) {
    LoneReplica r;
    Entry forged = r.entry(1)->entry;
    ++forged.seq;
    r.receive(2, Submit{{seal(forged)}});
    ASSERT_EQ(r.out.faults.size(), 1u);
    EXPECT_EQ(r.out.faults[0].misconduct, Misconduct::bad_entry);
    EXPECT_EQ(r.replica->status().mempool, 0u);
}

TEST(Rules, AContradictionBecomesAnEntryThatProvesItself) {
    LoneReplica r;
    BlockHash other;
    other.bytes[0] = 1;
    BlockHash another;
    another.bytes[0] = 2;
    r.receive(2, r.vote(VoteKind::notar, 1, 2, other));
    r.receive(2, r.vote(VoteKind::notar, 1, 2, another));
    ASSERT_EQ(r.out.evidence.size(), 1u);
    ASSERT_EQ(r.sent<Submit>().size(), 1u);
    const EntryPtr entry = r.sent<Submit>().front().second.entries.front();
    EXPECT_TRUE(check_entry(*entry, r.config.chain, r.ledger).ok());
    const auto evidence = decode_evidence(entry->entry.body);
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->first.signer, 2);
    EXPECT_EQ(r.replica->status().mempool, 1u);

    // Nothing else passes as evidence.
    const auto refused = [&](const Evidence& claim, const crypto::Identity& author) {
        Entry made = evidence_as_entry(claim);
        made.expires_ms = r.now + 1'000;
        sign(made, r.config.chain, author);
        r.step(Submitted{{seal(made)}});
        return r.out.answers[0].status == SubmissionStatus::refused;
    };
    EXPECT_FALSE(refused(*evidence, LoneReplica::key(3)));
    EXPECT_TRUE(refused(*evidence, LoneReplica::key(100))) << "no validator";
    EXPECT_TRUE(refused({evidence->first, evidence->first}, LoneReplica::key(3)));
    Evidence forged = *evidence;
    forged.second.signature.bytes[1] ^= 1;
    EXPECT_TRUE(refused(forged, LoneReplica::key(3)));
}

TEST(Rules, AMissingBlockIsAskedOfFPlusOneOthersAndThenOfTheNext) {
    LoneReplica r;
    BlockHash missing;
    missing.bytes[0] = 9;
    r.receive(1, r.cert(VoteKind::final, 1, missing));
    const auto first = r.sent<GetBlock>();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_NE(first[0].first, first[1].first);
    std::set<ReplicaIndex> asked{*first[0].first, *first[1].first};
    r.now += r.config.parameters.standstill_ms;
    r.step(TimerElapsed{r.timer(TimerKind::standstill)});
    for (const auto& [to, get] : r.sent<GetBlock>())
        asked.insert(*to);
    EXPECT_EQ(asked, (std::set<ReplicaIndex>{1, 2, 3}));
}

TEST(Rules, OnePeerIsServedWithinItsAllowance) {
    Parameters parameters;
    parameters.catch_up_bytes_max = 1'000;
    LoneReplica r(4, 0, parameters);
    for (View view = 1; view < 30; ++view)
        r.receive(2, r.cert(VoteKind::skip, view));
    const auto served = [&](ReplicaIndex to) {
        std::size_t count = 0;
        for (int i = 0; i < 10; ++i) {
            r.receive(to, Status{0, 1, 0, 0, {}});
            count += r.sent<Cert>().size();
        }
        return count;
    };
    EXPECT_EQ(served(1), 3u);
    EXPECT_EQ(served(3), 3u) << "each peer has its own";
    r.now += parameters.standstill_ms;
    EXPECT_EQ(served(1), 3u);
}

TEST(Rules, EntriesThatWorkersVerifiedAreNotVerifiedAgain) {
    LoneReplica r;
    Entry forged = r.entry(1)->entry;
    ++forged.seq;
    const std::vector<EntryPtr> entries{seal(forged)};
    const auto verify_with = [&](const std::function<bool(const SealedEntry&)>& known) {
        return verify_entries(entries, r.config.chain, r.ledger, known);
    };
    EXPECT_FALSE(verify_with({}));
    const Verified trusted = verify_with([](const SealedEntry&) { return true; });
    EXPECT_TRUE(trusted);
    r.step(Submitted{{entries[0]}, trusted});
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::accepted)
        << "the replica relies on its workers";
}

}  // namespace
}  // namespace kilter::consensus::rules_test
