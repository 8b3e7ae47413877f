// Whole neighbourhoods drawn from seeds: homes, coordinators and log under every fault at once. kilter-sim neighbourhood
// runs as many as one likes; these are the fixed ones of every build.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "common/market/residuals.hpp"
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

// The clocks of several coordinators go wrong by an hour, and a block gets that time.
TEST(NeighbourhoodSwarm, TheLogGoesOnFromABlockOfTheFuture) {
    expect_sound(draw(634));
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

std::string told(const Outcome& outcome) {
    std::string out;
    for (const std::string& line : outcome.story)
        out += "\n    " + line;
    return out;
}

// Its net clears with all of the others, after a few sessions at most (Town::judge_lied_to).
TEST(NeighbourhoodSwarm, WhateverALiarDoesItsNeighboursClear) {
    for (std::size_t lie = 1; lie < static_cast<std::size_t>(Lie::count); ++lie)
        for (const std::size_t homes : {std::size_t{3}, std::size_t{4}}) {
            Options options = quiet(20 + lie);
            options.homes = {homes, 3};
            options.lie = static_cast<Lie>(lie);
            const Outcome outcome = run(options);
            for (const auto& violation : outcome.report.violations())
                ADD_FAILURE() << name(options.lie) << ", " << homes
                              << " homes: " << violation.invariant << ": " << violation.what
                              << told(outcome);
            EXPECT_LT(outcome.sessions, 60U) << name(options.lie);
        }
}

// Its neighbours cannot go on after the first iteration: they are silent in the second, but they have joined.
TEST(NeighbourhoodSwarm, ALiarThatSpeaksToItsChairAloneIsFound) {
    expect_sound(draw(1071));
}

// Neither lets itself be caught, or only the one does.
TEST(NeighbourhoodSwarm, TwoLiarsOnOneNetAreBothLeftOut) {
    for (const auto& [lie, second] :
         {std::pair(Lie::offset, Lie::beyond), std::pair(Lie::two_faced, Lie::half_heard),
          std::pair(Lie::forger, Lie::changing)}) {
        Options options = quiet(41);
        options.homes = {4, 3};
        options.lie = lie;
        options.second_lie = second;
        const Outcome outcome = run(options);
        EXPECT_TRUE(outcome.report.clean()) << name(lie) << ", " << name(second) << told(outcome);
    }
}

TEST(NeighbourhoodSwarm, FeedersThatShareALogClearEveryIntervalEach) {
    Options options = quiet(3);
    options.homes_elsewhere = {2, 3};
    const Outcome outcome = run(options);
    EXPECT_TRUE(outcome.report.clean()) << told(outcome);
    std::map<IntervalIndex, std::size_t> nets;
    for (const settlement::ClearedNet& record : outcome.cleared)
        ++nets[record.interval];
    EXPECT_GE(nets.size(), 3U);
    for (const auto& [interval, cleared] : nets)
        EXPECT_EQ(cleared, 4U) << interval;
}

// What a coordinator has seen itself it needs not look for: the session after that is without the liar.
TEST(NeighbourhoodSwarm, WhoContradictsItselfOrSendsWhatNoHomeSendsIsCaught) {
    for (const Lie lie : {Lie::changing, Lie::malformed}) {
        Options options = quiet(31);
        options.homes = {3, 3};
        options.lie = lie;
        const Outcome outcome = run(options);
        EXPECT_TRUE(outcome.report.clean()) << name(lie) << told(outcome);
        EXPECT_EQ(outcome.caught, 1U) << name(lie) << told(outcome);
    }
}

// ---- a session changes hands ----------------------------------------------------------------------------------------

// The first interval's records, which name the session, the iterate, the prices, and each home with what it committed to.
std::vector<settlement::ClearedNet> first_records(const Outcome& outcome) {
    std::vector<settlement::ClearedNet> out;
    for (const settlement::ClearedNet& record : outcome.cleared)
        if (record.interval == outcome.cleared.front().interval) out.push_back(record);
    return out;
}

Options one_interval() {
    Options out = quiet(3);
    out.break_intervals = 1;
    out.restart_late = 1;
    return out;
}

// Whatever iteration from `first` on its chair is struck in, and however much of its message is out, the session ends as without
// that.
void expect_the_same_session(Options options, std::uint32_t first = 1) {
    const Micros still = options.strike.still;
    const Outcome undisturbed = run(options);
    const auto expected = first_records(undisturbed);
    ASSERT_EQ(expected.size(), 2U);
    ASSERT_GT(expected[0].iteration, first);
    for (options.strike.iteration = first; options.strike.iteration <= expected[0].iteration + 2;
         ++options.strike.iteration)
        for (const std::size_t permille : {std::size_t{0}, std::size_t{500}, std::size_t{1'000}}) {
            options.strike.permille = permille;
            const Outcome struck = run(options);
            const std::string where = "iteration " + std::to_string(options.strike.iteration) +
                                      ", after " + std::to_string(permille) + " permille";
            for (const auto& violation : struck.report.violations())
                ADD_FAILURE() << where << ": " << violation.invariant << ": " << violation.what;
            EXPECT_EQ(struck.restarts, still == 0 ? 1U : 0U) << where;
            // Homes that have not heard of a session cannot go on with it.
            if (options.strike.iteration == 1 && permille < 1'000) continue;
            EXPECT_TRUE(first_records(struck) == expected) << where << told(struck);
        }
}

TEST(SessionChangesHands, TheChairDiesInAnyIteration) {
    expect_the_same_session(one_interval());
}

TEST(SessionChangesHands, TheChairDiesInAnyIterationWhereNetsMoveTheirOwnPrices) {
    Options options = one_interval();
    options.method = market::Method::proximal;
    expect_the_same_session(options);
}

TEST(SessionChangesHands, TheChairDiesInAnyIterationOfAnAcceleratedSession) {
    Options options = one_interval();
    options.method = market::Method::accelerated;
    expect_the_same_session(options);
}

// Prices come no nearer, and the session begins anew without them.
TEST(SessionChangesHands, TheChairDiesInAnyIterationBehindALimitThatCannotBeKept) {
    Options options = one_interval();
    options.v_min_pu = 1.2;
    expect_the_same_session(options);
}

// In these the prices of nets would leap; the successor knows from the journal which are held back how much.
TEST(SessionChangesHands, TheChairDiesWhileItHoldsNetsBack) {
    for (const std::uint64_t seed : {16, 28}) {
        Options options = one_interval();
        options.seed = seed;
        options.method = market::Method::accelerated;
        expect_the_same_session(options);
    }
}

TEST(SessionChangesHands, TheChairStandsStillAndGoesOn) {
    Options options = one_interval();
    options.strike.still = 10 * consensus::simulation::second;
    expect_the_same_session(options);
}

// The successor knows from the journal what residuals have stalled since when.
TEST(SessionChangesHands, TheChairDiesWhereAResidualStalls) {
    Options options = one_interval();
    options.rho_factor = 1e-4;
    expect_the_same_session(options, market::balance_until - 1);
}

// ---- a clock an hour off ---------------------------------------------------------------------------------------------

constexpr std::int64_t hour_ms = 3'600'000;

// The clock of one process is set wrong in the moment in which the chair dies. Nothing wrong is recorded (the checkers), the
// session either changes hands to the same result or leaves nothing, and the town is well once the clock is right.
TEST(ClockAnHourOff, DuringATakeover) {
    Options options = quiet(3);
    options.break_intervals = 2;
    options.restart_late = 1;
    const auto expected = first_records(run(options));
    ASSERT_EQ(expected.size(), 2U);
    options.strike.iteration = expected[0].iteration / 2;
    options.strike.permille = 1'000;
    const std::size_t processes = options.coordinators + 6;
    std::size_t same = 0;
    for (std::size_t process = 0; process < processes; ++process)
        for (const std::int64_t by_ms : {-hour_ms, hour_ms}) {
            options.misset = {by_ms, 0, process};
            const Outcome outcome = run(options);
            const std::string where =
                "process " + std::to_string(process) + ", " + std::to_string(by_ms) + " ms";
            for (const auto& violation : outcome.report.violations())
                ADD_FAILURE() << where << ": " << violation.invariant << ": " << violation.what;
            for (const settlement::ClearedNet& record : first_records(outcome)) {
                const auto told_before =
                    std::ranges::find(expected, record.net, &settlement::ClearedNet::net);
                ASSERT_NE(told_before, expected.end());
                if (record.interval != told_before->interval ||
                    record.opening != told_before->opening)
                    continue;  // a later session, of those whose clocks are right
                EXPECT_TRUE(record == *told_before) << where << told(outcome);
                ++same;
            }
        }
    EXPECT_GE(same, processes) << "of most, the session goes on as without that";
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

TEST(NeighbourhoodSabotage, MessagesThatArriveCut) {
    EXPECT_TRUE(breaks(Sabotage::cut_words, "N11"));
}

TEST(NeighbourhoodSabotage, MessagesThatNoCodecTakes) {
    EXPECT_TRUE(breaks(Sabotage::long_words, "N12"));
}

// The feeder's limit binds: kept by all, unless coordinators do not know it.
TEST(NeighbourhoodSabotage, AFeederThatImportsMoreThanItMay) {
    Options options = quiet(3);
    options.import_max_kw_per_home = 0.3;
    const Outcome bound = run(options);
    EXPECT_TRUE(bound.report.clean());
    EXPECT_GT(bound.records, 0U);
    options.sabotage = Sabotage::any_import;
    EXPECT_TRUE(run(options).report.names("N6"));
}

struct NeighbourhoodChecker : testing::Test {
    NeighbourhoodChecker() : checker(report, options(), {}, {model::Network{}}, residents()) {}

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
        stand(block);
        checker.on_block(height, block, block.hash);
        below = block;
    }

    // Where the next block stands.
    void stand(consensus::Block& block) {
        consensus::Header& header = block.header;
        header.height = ++height;
        header.view = height;
        header.parent_view = below.header.view;
        header.parent_hash = below.hash;
        header.first_index = below.header.first_index + below.header.count;
        header.count = static_cast<std::uint32_t>(block.entries.size());
        block.hash.bytes[0] = static_cast<std::uint8_t>(height);
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
    consensus::Block below;
};

TEST_F(NeighbourhoodChecker, AcceptsWhatWasAgreedRecordedAndDispatched) {
    checker.on_agreed(0, agreement());
    checker.on_agreed(1, agreement());
    append(record());
    checker.on_setpoint(0, {7, 1.5});
    EXPECT_TRUE(report.clean());
}

TEST_F(NeighbourhoodChecker, ObjectsToAnswersThatNeighboursGet) {
    wire::Share share;
    share.share.from = PartyId{4};
    share.share.iteration = 1;
    share.share.members = {PartyId{0}, PartyId{4}, PartyId{5}};
    share.share.words.assign(market::Parameters{}.quantities() + 1, std::uint64_t{1} << 60);
    const crypto::PublicKey home = residents()[0].key, neighbour = residents()[1].key;
    checker.on_letter(home, {neighbour, share});
    share.share.words.resize(3 * share.share.words.size(), std::uint64_t{1} << 61);
    checker.on_letter(home, {crypto::PublicKey{}, share});
    EXPECT_TRUE(report.clean()) << "to the chair, who is told more";
    checker.on_letter(home, {neighbour, share});
    EXPECT_TRUE(report.names("N14"));
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

TEST_F(NeighbourhoodChecker, ObjectsToABlockThatDoesNotStandOnTheOneBelow) {
    using Fault = void (*)(consensus::Header&);
    const std::vector<Fault> faults = {
        [](consensus::Header& header) { ++header.height; },
        [](consensus::Header& header) { header.parent_hash.bytes[5] ^= 1; },
        [](consensus::Header& header) { --header.parent_view; },
        [](consensus::Header& header) { header.view = header.parent_view; },
        [](consensus::Header& header) { ++header.first_index; },
        [](consensus::Header& header) { ++header.count; },
    };
    for (std::size_t i = 0; i < faults.size(); ++i) {
        consensus::simulation::Report its;
        Checker strict(its, options(), {}, {model::Network{}}, residents());
        height = 0;
        below = {};
        for (int blocks = 0; blocks < 3; ++blocks) {
            consensus::Block block;
            stand(block);
            strict.on_block(height, block, block.hash);
            below = block;
        }
        EXPECT_TRUE(its.clean()) << i;
        consensus::Block block;
        stand(block);
        faults[i](block.header);
        strict.on_block(height, block, block.hash);
        EXPECT_TRUE(its.names("S6")) << i;
    }
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

TEST_F(NeighbourhoodChecker, ObjectsToAnHonestHomeThatIsCaught) {
    coordinator::SessionReport session;
    session.caught = {residents()[0].key};
    checker.on_report(session);
    EXPECT_TRUE(report.names("N15"));
}

TEST_F(NeighbourhoodChecker, ObjectsToAnImportBeyondTheFeedersLimit) {
    for (const double limit_kw : {3.1, 2.9}) {
        model::Network network;
        network.tie.import_max_kw = limit_kw;
        Checker bounded(report, options(), {}, {network}, residents());
        wire::SessionOpen open;
        open.session = {7, 4};
        open.terminals = 3;
        bounded.on_sent({}, open);
        wire::Share last;
        last.session = {7, 4};
        last.share.members = {PartyId{0}, PartyId{4}, PartyId{5}};
        last.share.notice = market::Notice{8, 0, 0, 8, market::Outcome::converged};
        bounded.on_sent({}, last);
        bounded.on_agreed(0, agreement());
        bounded.on_agreed(1, agreement());
        coordinator::SessionReport session;
        session.session = {7, 4};
        session.outcome = market::Outcome::converged;
        session.nets = {NetId{0}};
        session.import_kw = model::Series::Constant(1, 3.0);
        bounded.on_report(session);
        EXPECT_EQ(report.names("N6"), limit_kw < 3.0);
    }
}

TEST_F(NeighbourhoodChecker, ObjectsToAComplaintWhereNobodyLies) {
    checker.on_event("home 1", {Severity::notable, "somebody was silent"});
    EXPECT_TRUE(report.clean());
    checker.on_event("home 1", {Severity::wrong, "somebody lied"});
    EXPECT_TRUE(report.names("N11"));
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
