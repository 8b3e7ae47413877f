// Whole neighbourhoods drawn from seeds: homes, coordinators and log under every fault at once. kilter-sim neighbourhood
// runs as many as one likes; these are the fixed ones of every build.
#include <gtest/gtest.h>

#include "tests/simulator/neighbourhood/town.hpp"

namespace kilter::simulation {
namespace {

void expect_sound(const Options& options) {
    const Outcome outcome = run(options);
    for (const auto& violation : outcome.report.violations())
        ADD_FAILURE() << "seed " << options.seed << ": " << violation.invariant << ": "
                      << violation.what << "\n  " << describe(options);
}

Options quiet(std::uint64_t seed) {
    Options out;
    out.seed = seed;
    out.homes = {3, 3};
    return out;
}

TEST(NeighbourhoodSwarm, FixedSeeds) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed)
        expect_sound(draw(seed));
}

TEST(NeighbourhoodSwarm, TheSameSeedIsTheSameRun) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const Outcome first = run(draw(seed));
        const Outcome second = run(draw(seed));
        EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
        EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
        EXPECT_NE(first.trace, run(draw(seed + 1)).trace) << "seed " << seed;
    }
}

TEST(NeighbourhoodSwarm, FaultsDoHappen) {
    std::size_t restarts = 0;
    std::size_t liars = 0;
    std::size_t records = 0;
    std::size_t sessions = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        const Outcome outcome = run(draw(seed));
        restarts += outcome.restarts;
        records += outcome.records;
        sessions += outcome.sessions;
        liars += draw(seed).lie == Lie::none ? 0 : 1;
    }
    EXPECT_GT(restarts, 100U);
    EXPECT_GT(liars, 5U);
    EXPECT_GT(records, 100U);
    EXPECT_GT(sessions, 60U);
}

TEST(NeighbourhoodSwarm, WithoutFaultsEveryIntervalIsClearedOnce) {
    const Outcome outcome = run(quiet(3));
    EXPECT_TRUE(outcome.report.clean());
    EXPECT_EQ(outcome.restarts, 0U);
    EXPECT_EQ(outcome.records, 2 * outcome.sessions);
    EXPECT_GE(outcome.sessions, 3U);
}

// A coordinator that opened an interval again at once whenever nothing came of it did so hundreds of times a minute.
TEST(NeighbourhoodSwarm, ALiarDoesNotKeepACoordinatorOpeningSessions) {
    Options options = quiet(16);
    options.homes = {3};
    options.lie = Lie::beyond;
    const Outcome outcome = run(options);
    EXPECT_TRUE(outcome.report.clean());
    EXPECT_LT(outcome.sessions, 100U);
}

// ---- checkers that notice nothing prove nothing ------------------------------------------------------------------------

bool breaks(Sabotage sabotage, std::string_view invariant) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Options options = draw(seed);
        options.sabotage = sabotage;
        if (run(options).report.names(invariant)) return true;
    }
    return false;
}

TEST(NeighbourhoodSabotage, WordsWithoutAMask) {
    EXPECT_TRUE(breaks(Sabotage::bare_words, "N3"));
}

TEST(NeighbourhoodSabotage, ASetOfOneHome) {
    EXPECT_TRUE(breaks(Sabotage::lone_homes, "N2"));
}

TEST(NeighbourhoodSabotage, ATownThatDoesNotRecover) {
    EXPECT_TRUE(breaks(Sabotage::deaf, "N10"));
}

struct NeighbourhoodChecker : testing::Test {
    NeighbourhoodChecker() : checker(report, options(), {}, {}, residents()) {}

    static Options options() {
        Options out = quiet(1);
        out.homes = {2};
        return out;
    }

    static std::vector<Resident> residents() {
        std::vector<Resident> out(2);
        out[0].key.bytes[0] = 1;
        out[1].key.bytes[0] = 2;
        return out;
    }

    static agent::Agreement agreement() {
        agent::Agreement out;
        out.session = {7, 4};
        out.iteration = 9;
        out.prices_micro = {200'000};
        out.consumption_kw = 1.5;
        return out;
    }

    // A block with this record, at the next height.
    void append(const settlement::ClearedNet& record) {
        consensus::Block block;
        consensus::Entry entry;
        entry.type = settlement::cleared_net_entry;
        entry.body = settlement::encode(record);
        block.entries = {consensus::seal(entry)};
        block.hash.bytes[0] = static_cast<std::uint8_t>(++height);
        checker.on_block(height, block, block.hash);
    }

    static settlement::ClearedNet record() {
        settlement::ClearedNet out;
        out.interval = 7;
        out.opening = 4;
        out.roster_epoch = 1;
        out.outcome = settlement::Outcome::converged;
        out.iteration = 9;
        out.prices_micro_eur_per_kwh = {200'000};
        out.members.resize(1);
        out.members[0].key = residents()[0].key;
        return out;
    }

    consensus::simulation::Report report;
    Checker checker;
    consensus::Height height = 0;
};

TEST_F(NeighbourhoodChecker, AcceptsWhatWasAgreedRecordedAndDispatched) {
    checker.on_agreed(0, agreement());
    checker.on_agreed(1, agreement());
    append(record());
    checker.on_setpoint(0, {7, 1.5});
    EXPECT_TRUE(report.clean());
}

TEST_F(NeighbourhoodChecker, ObjectsToOneMaskOverTwoMessages) {
    wire::Share share;
    share.share.from = PartyId{4};
    share.share.iteration = 1;
    share.share.members = {PartyId{0}, PartyId{4}, PartyId{5}};
    share.share.words = {std::uint64_t{1} << 60};
    checker.on_sent({}, share);
    checker.on_sent({}, share);
    EXPECT_TRUE(report.clean()) << "a repetition";
    share.share.attempt = 1;
    share.share.words[0] += 1;
    checker.on_sent({}, share);
    EXPECT_TRUE(report.clean()) << "another attempt";
    share.share.words[0] += 1;
    checker.on_sent({}, share);
    EXPECT_TRUE(report.names("N1"));
}

TEST_F(NeighbourhoodChecker, ObjectsToDifferentPrices) {
    checker.on_agreed(0, agreement());
    agent::Agreement other = agreement();
    other.prices_micro[0] += 1;
    checker.on_agreed(1, other);
    EXPECT_TRUE(report.names("N4"));
}

TEST_F(NeighbourhoodChecker, ObjectsToARecordNobodyAgreedTo) {
    append(record());
    EXPECT_TRUE(report.names("N7"));
}

TEST_F(NeighbourhoodChecker, ObjectsToTwoRecordsOfOneInterval) {
    checker.on_agreed(0, agreement());
    append(record());
    append(record());
    EXPECT_TRUE(report.names("N7"));
}

TEST_F(NeighbourhoodChecker, ObjectsToASetpointThatIsNotOnTheLog) {
    checker.on_agreed(0, agreement());
    checker.on_setpoint(0, {7, 1.5});
    EXPECT_TRUE(report.names("N8"));
}

TEST_F(NeighbourhoodChecker, ObjectsToASetpointThatWasNotAgreed) {
    checker.on_agreed(0, agreement());
    append(record());
    checker.on_setpoint(0, {7, 2.5});
    EXPECT_TRUE(report.names("N8"));
}

TEST_F(NeighbourhoodChecker, ObjectsToAnImportThatIsNotWhatHomesDraw) {
    wire::SessionOpen open;
    open.session = {7, 4};
    open.terminals = 3;
    checker.on_sent({}, open);
    wire::Share last;
    last.session = {7, 4};
    last.share.from = PartyId{0};
    last.share.members = {PartyId{0}, PartyId{4}, PartyId{5}};
    last.share.notice = market::Notice{8, 0, 0, 8, market::Outcome::converged};
    checker.on_sent({}, last);
    checker.on_agreed(0, agreement());
    checker.on_agreed(1, agreement());
    coordinator::SessionReport session;
    session.session = {7, 4};
    session.outcome = market::Outcome::converged;
    session.nets = {NetId{0}};
    session.import_kw = model::Series::Constant(1, 3.0);
    checker.on_report(session);
    EXPECT_TRUE(report.clean());
    session.import_kw(0) = 3.1;
    checker.on_report(session);
    EXPECT_TRUE(report.names("N5"));
}

TEST_F(NeighbourhoodChecker, ObjectsToOneNameForTwoSessions) {
    wire::SessionOpen open;
    checker.on_sent({}, open);
    open.signature.bytes[0] = 1;
    checker.on_sent({}, open);
    EXPECT_TRUE(report.names("N9"));
}

}  // namespace
}  // namespace kilter::simulation
