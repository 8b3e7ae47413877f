// Runs drawn from seeds: the whole protocol under every fault at once. kilter-sim log runs as many as one likes; these are
// the fixed ones of every build.
#include <set>

#include <gtest/gtest.h>

#include "common/consensus/mutation.hpp"
#include "tests/simulator/cluster.hpp"

namespace kilter::consensus::simulation {
namespace {

void expect_clean(const Options& options) {
    const Outcome outcome = run(options);
    for (const Violation& violation : outcome.report.violations())
        ADD_FAILURE() << "seed " << options.seed << ": " << violation.invariant << ": "
                      << violation.what << "\n  " << describe(options);
}

TEST(Swarm, FixedSeeds) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed)
        expect_clean(swarm(seed));
}

TEST(Swarm, SevenReplicas) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed)
        expect_clean(swarm(seed, 7));
}

TEST(Swarm, OneReplicaAlone) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        expect_clean(swarm(seed, 1));
}

TEST(Swarm, TheSameSeedIsTheSameRun) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Outcome first = run(swarm(seed));
        const Outcome second = run(swarm(seed));
        EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
        EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
        EXPECT_NE(first.trace, run(swarm(seed + 1)).trace) << "seed " << seed;
    }
}

TEST(Swarm, FaultsDoHappen) {
    std::size_t restarts = 0;
    std::size_t accusations = 0;
    std::size_t entries = 0;
    Epoch epochs = 0;
    std::size_t transfers = 0;
    std::size_t prunings = 0;
    std::size_t accused_on_log = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        const Outcome outcome = run(swarm(seed));
        restarts += outcome.restarts;
        accusations += outcome.accusations;
        entries += outcome.entries;
        epochs += outcome.epochs;
        transfers += outcome.transfers;
        prunings += outcome.prunings;
        accused_on_log += outcome.accused_on_log;
    }
    EXPECT_GT(epochs, 30u);
    EXPECT_GE(transfers, 2u);
    EXPECT_GT(prunings, 20u);
    EXPECT_GT(accused_on_log, 5u);
    EXPECT_GT(restarts, 50u);
    EXPECT_GT(accusations, 50u);
    EXPECT_GT(entries, 500u);
}

// A process dies at every point between the steps of its turns, in the same run again and again.
TEST(Swarm, DeathAtEveryPoint) {
    Options options;
    options.seed = 5;
    options.break_ms = 1'500;
    options.clients.malformed = 0;
    const std::uint64_t points = run(options).points;
    ASSERT_GT(points, 100u);
    for (std::uint64_t point = 0; point < points; ++point) {
        options.kill_at_point = point;
        expect_clean(options);
    }
}

// Seeds that once failed, and why.
TEST(Swarm, AnExpiredEntryIsNoWork) {  // views were skipped for its sake, ever more slowly
    for (const std::uint64_t seed : {423, 699})
        expect_clean(swarm_of_fixed_members(seed));
}

// A state taken over from others left entries that it holds in the mempool: work that never ended.
TEST(Swarm, WhatAReceivedStateHoldsIsNoWork) {
    for (const std::uint64_t seed : {618, 635, 1'020, 1'177})
        expect_clean(swarm(seed));
}

// Both peers that were up had once left a question unanswered, and were never asked again.
TEST(Swarm, WhoWasSilentOnceIsAskedAgain) {
    for (const std::uint64_t seed : {429, 717})
        expect_clean(swarm(seed));
}

// A client's entry stayed with a coordinator that had left, whom the members did not listen to.
TEST(Swarm, WhoLeftStillPassesEntriesOn) {
    for (const std::uint64_t seed : {183, 205, 239, 255})
        expect_clean(swarm(seed));
}

// Blocks overtook a snapshot that was being fetched, and its pieces were asked for evermore.
TEST(Swarm, ASnapshotThatBlocksOvertookIsNotWantedAnyMore) {
    expect_clean(swarm(20'110'028));
}

// All whom it knew were dead or switched off when it woke, and it listened to members of its own epoch only.
TEST(Swarm, WhoSleptThroughChangesIsBroughtUpByWhomItNeverKnew) {
    expect_clean(swarm(60'013'906));
}

// A final certificate of a new epoch counted as older than the one that came with the snapshot under it.
TEST(Swarm, TheFinalViewDoesNotGoBackIntoANewEpoch) {
    expect_clean(swarm(50'010'173));
}

// Mistakes of the checkers: blocks that only a Byzantine process delivered, the honest having gone on from states above
// them (8086); a former member is not told each block, but asks every standstill period (402835); what new members were to
// vote for, and clients insisted on, was handed to members that had left, had died or were silent only (40025769,
// 40016185); an empty block was final at a process alone that died (50005841); a
// process died after it had written that an epoch is over, and before it said so (40034241).
TEST(Swarm, TheCheckersWereWrong) {
    for (const std::uint64_t seed :
         {8'086, 402'835, 40'025'769, 40'016'185, 50'005'841, 40'034'241})
        expect_clean(swarm(seed));
}

// A Byzantine leader kept proposing an unsigned entry that its own replica took for good; the run waited for quiet that
// could not come.
TEST(Swarm, ALeaderMayGoOnProposingWhatIsRefused) {
    expect_clean(swarm_of_fixed_members(1'054'850));
}

// All four died between writing a final block and delivering it: the client's receipt comes from the store.
TEST(Swarm, AReceiptComesFromTheStoreIfNobodyLivedToSendIt) {
    expect_clean(swarm_of_fixed_members(1'209'086));
}

// L9: the others do not wait for the slowest, whose disk takes 0.3 s and who is late with everything.
TEST(Swarm, TheSlowestDoesNotHoldUpTheOthers) {
    Options options;
    options.seed = 9;
    options.break_ms = 20'000;
    options.network.delay_mean = 2 * ms;
    options.disk.sync_mean = 30 * ms;
    options.clients.pause_mean = 20 * ms;
    options.clients.malformed = 0;
    options.clients.waits = 0;
    const Outcome even = run(options);
    options.process.slowest = 2;
    const Outcome uneven = run(options);
    EXPECT_TRUE(even.report.clean() && uneven.report.clean());
    EXPECT_GT(even.entries_before_heal, 700u);
    EXPECT_GT(10 * uneven.entries_before_heal, 9 * even.entries_before_heal);
}

class MutantTest : public testing::TestWithParam<std::pair<std::string_view, Mutant>> {
  protected:
    void SetUp() override { mutant = GetParam().second; }

    void TearDown() override { mutant = Mutant::none; }
};

// A simulator that notices nothing proves nothing.
TEST_P(MutantTest, IsKilled) {
    std::uint64_t seed = 0;
    Outcome outcome;
    while (outcome.report.clean() && seed < 1'500)
        outcome = run(swarm(++seed));
    ASSERT_FALSE(outcome.report.clean()) << "survived " << seed << " seeds";
    RecordProperty("seed", static_cast<int>(seed));
    RecordProperty("invariant", outcome.report.violations().front().invariant);
}

/// Those that chance needs too long for have tests of their own (transcript_test.cpp, epochs_test.cpp).
std::vector<std::pair<std::string_view, Mutant>> found_by_chance() {
    static const std::set<Mutant> seldom{Mutant::no_certificate_forward,
                                         Mutant::no_join,
                                         Mutant::no_backoff,
                                         Mutant::closing_snapshot,
                                         Mutant::unchecked_manifest,
                                         Mutant::unchecked_piece,
                                         Mutant::unchecked_tail,
                                         Mutant::patient_with_liars};
    std::vector<std::pair<std::string_view, Mutant>> out(mutants.begin(), mutants.end());
    std::erase_if(out, [](const auto& named) { return seldom.contains(named.second); });
    return out;
}

INSTANTIATE_TEST_SUITE_P(Log,
                         MutantTest,
                         testing::ValuesIn(found_by_chance()),
                         [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace kilter::consensus::simulation
