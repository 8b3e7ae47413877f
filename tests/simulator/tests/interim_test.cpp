// All coordinators are gone for an hour: the nets trade among themselves, and the log has it all afterwards.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/simulator/neighbourhood/town.hpp"

namespace kilter::simulation::interim_test {
namespace {

using consensus::simulation::second;

constexpr std::int64_t interval_s = 180;

// The first interval is cleared with the feeder; the coordinators come back when as many intervals have passed.
Options without_coordinators(std::uint64_t seed, std::int64_t intervals) {
    Options out;
    out.seed = seed;
    out.homes = {3, 4};
    out.horizon = 24;
    out.break_intervals = intervals;
    out.restart_late = 1;
    out.all_down = 200 * second;
    return out;
}

std::string faults_of(const Outcome& outcome) {
    std::string out;
    for (const auto& violation : outcome.report.violations())
        out += "\n" + violation.invariant + ": " + violation.what;
    for (const std::string& line : outcome.story)
        out += "\n    " + line;
    return out;
}

// Interim records of each net, in the order of the log.
std::map<NetId, std::vector<settlement::ClearedNet>> interims_of(const Outcome& outcome) {
    std::map<NetId, std::vector<settlement::ClearedNet>> out;
    for (const settlement::ClearedNet& record : outcome.logged)
        if (record.outcome == settlement::Outcome::interim) out[record.net].push_back(record);
    return out;
}

TEST(WithoutCoordinators, AnHourIsTradedInsideTheNetsAndRecordedInOrderAndOnce) {
    constexpr std::int64_t intervals = 22;  // 66 minutes
    const Options options = without_coordinators(5, intervals);
    const Outcome outcome = run(options);
    ASSERT_TRUE(outcome.report.clean()) << faults_of(outcome);
    const auto interims = interims_of(outcome);
    ASSERT_EQ(interims.size(), options.homes.size()) << faults_of(outcome);
    for (const auto& [net, records] : interims) {
        ASSERT_GE(records.size(), static_cast<std::size_t>(intervals) - 2) << faults_of(outcome);
        for (std::size_t i = 0; i < records.size(); ++i) {
            EXPECT_EQ(records[i].interval, records[0].interval + static_cast<IntervalIndex>(i));
            EXPECT_EQ(records[i].base, records[0].interval - 1);
            EXPECT_EQ(records[i].members.size(), options.homes[net.value]);
        }
    }
    std::set<std::pair<IntervalIndex, NetId>> once;
    for (const settlement::ClearedNet& record : outcome.logged)
        EXPECT_TRUE(once.emplace(record.interval, record.net).second);
}

TEST(WithoutCoordinators, WhereTheHorizonEndsNothingIsTraded) {
    Options options = without_coordinators(6, 9);
    options.horizon = 4;
    const Outcome outcome = run(options);
    ASSERT_TRUE(outcome.report.clean()) << faults_of(outcome);
    for (const auto& [net, records] : interims_of(outcome))
        EXPECT_EQ(records.size(), options.horizon - 1) << net.value;
}

TEST(WithoutCoordinators, ASilentHomeIsLeftOut) {
    Options options = without_coordinators(7, 4);
    options.lie = Lie::mute;
    const Outcome outcome = run(options);
    ASSERT_TRUE(outcome.report.clean()) << faults_of(outcome);
    std::size_t fewer = 0;
    for (const auto& [net, records] : interims_of(outcome))
        for (const settlement::ClearedNet& record : records)
            fewer += record.members.size() < options.homes[net.value] ? 1 : 0;
    EXPECT_GE(fewer, 1U) << faults_of(outcome);
}

TEST(WithoutCoordinators, HalfOfANetClearsNothingAlone) {
    Options options = without_coordinators(7, 4);
    options.homes = {4};
    options.lie = options.second_lie = Lie::mute;
    const Outcome outcome = run(options);
    ASSERT_TRUE(outcome.report.clean()) << faults_of(outcome);
    EXPECT_TRUE(interims_of(outcome).empty());
}

// Its own clock says another time than everybody's: it takes no part, or waits, and is no hindrance.
TEST(WithoutCoordinators, AHomeWhoseClockIsAnHourOffIsLeftOut) {
    for (const std::int64_t by_ms : {-3'600'000, 3'600'000})
        for (std::size_t home = 3; home < 7; ++home) {  // of the second net
            Options options = without_coordinators(5, 5);
            options.misset = {by_ms, 300 * second, options.coordinators + home};
            const Outcome outcome = run(options);
            ASSERT_TRUE(outcome.report.clean()) << by_ms << faults_of(outcome);
            const auto interims = interims_of(outcome);
            ASSERT_EQ(interims.size(), options.homes.size()) << by_ms << faults_of(outcome);
            std::size_t without = 0;
            for (const settlement::ClearedNet& record : interims.at(NetId{1})) {
                EXPECT_LE(record.members.size(), options.homes[1]);
                without += record.members.size() == options.homes[1] - 1 ? 1 : 0;
            }
            EXPECT_GE(without, 2U) << by_ms << ", home " << home << faults_of(outcome);
            for (const settlement::ClearedNet& record : interims.at(NetId{0}))
                EXPECT_EQ(record.members.size(), options.homes[0]) << "the other net";
        }
}

// Two homes of three, whose clocks are ahead alike, clear intervals of the future. When coordinators and clocks are back these
// are cleared with the feeder and all three, and the devices follow that.
TEST(WithoutCoordinators, WhatClocksAheadHaveClearedDoesNotKeepTheFeederOut) {
    Options options = without_coordinators(5, 4);
    options.misset = {480'000, 250 * second, options.coordinators, 2};
    const Outcome outcome = run(options);
    ASSERT_TRUE(outcome.report.clean()) << faults_of(outcome);
    const std::string told = faults_of(outcome);
    EXPECT_NE(told.find("this home's clock was ahead then"), std::string::npos) << told;
    EXPECT_EQ(told.find("too late for the devices"), std::string::npos) << told;
}

TEST(WithoutCoordinators, HomesDieAtAnyPointAndNothingIsRecordedTwice) {
    for (std::uint64_t seed = 100; seed < 110; ++seed) {
        Options options = without_coordinators(seed, 6);
        options.crash_at_point = 0.002;
        options.restart_late = 0.2;
        options.down_max = 20 * second;
        options.network.loss = 0.05;
        const Outcome outcome = run(options);
        EXPECT_TRUE(outcome.report.clean()) << "seed " << seed << faults_of(outcome);
    }
}

// ---- a checker that notices nothing proves nothing -------------------------------------------------------------------

struct InterimChecker : testing::Test {
    InterimChecker() : checker(report, without_coordinators(1, 2), parameters(), {}, residents()) {
        for (std::size_t home = 0; home < 2; ++home) {
            agent::Agreement agreement;
            agreement.session = {7, 4};
            agreement.prices_micro = {200'000};
            checker.on_agreed(home, agreement);
            agent::Plans plans;
            plans.add({7, 4}, {1.0, 0.5 + static_cast<double>(home)}, std::nullopt);
            checker.on_plans(home, plans);
        }
        settlement::ClearedNet record;
        record.interval = 7;
        record.opening = 4;
        record.roster_epoch = 1;
        record.outcome = settlement::Outcome::converged;
        record.prices_micro_eur_per_kwh = {200'000};
        append(record);
    }

    static market::Parameters parameters() {
        market::Parameters out;
        out.horizon = 2;
        return out;
    }

    static std::vector<Resident> residents() {
        std::vector<Resident> out(2);
        out[0].key.bytes[0] = 1;
        out[1].key.bytes[0] = 2;
        return out;
    }

    void append(settlement::ClearedNet record) {
        for (const Resident& home : residents())
            record.members.push_back({home.key, {}, {}});
        consensus::Block block;
        consensus::Entry entry;
        entry.type = settlement::cleared_net_entry;
        entry.body = settlement::encode(record);
        block.entries = {consensus::seal(entry)};
        block.header.height = ++height;
        block.header.count = 1;
        block.header.first_index = height - 1;
        block.header.view = height;
        block.header.parent_view = height - 1;
        block.header.parent_hash.bytes[0] = static_cast<std::uint8_t>(height - 1);
        block.hash.bytes[0] = static_cast<std::uint8_t>(height);
        checker.on_block(height, block, block.hash);
    }

    settlement::ClearedNet interim() const {
        settlement::ClearedNet out;
        out.interval = 8;
        out.outcome = settlement::Outcome::interim;
        out.base = 7;
        out.prices_micro_eur_per_kwh = {200'000};
        for (const Resident& home : residents())
            out.members.push_back({home.key, {}, {}});
        return out;
    }

    Report report;
    Checker checker;
    consensus::Height height = 0;
};

TEST_F(InterimChecker, ASumThatIsKeptAndOneThatIsNot) {
    for (std::size_t home = 0; home < 2; ++home)
        checker.on_interim(home, interim());
    checker.on_setpoint(0, {8, 1.5});
    checker.on_setpoint(1, {8, 0.5});
    EXPECT_TRUE(report.clean());
    for (std::size_t home = 0; home < 2; ++home) {
        settlement::ClearedNet later = interim();
        later.interval = 9;
        checker.on_interim(home, later);
    }
    checker.on_setpoint(0, {9, 1.5});
    checker.on_setpoint(1, {9, 0.5});
    EXPECT_TRUE(report.names("N13")) << "beyond the horizon";
}

TEST_F(InterimChecker, ARecordOfHalfOfTheNet) {
    settlement::ClearedNet half = interim();
    half.members.pop_back();
    checker.on_interim(0, half);
    EXPECT_TRUE(report.names("N13"));
}

TEST_F(InterimChecker, ASumThatIsMissed) {
    for (std::size_t home = 0; home < 2; ++home)
        checker.on_interim(home, interim());
    checker.on_setpoint(0, {8, 1.6});
    checker.on_setpoint(1, {8, 0.5});
    EXPECT_TRUE(report.names("N13"));
}

TEST_F(InterimChecker, ASetpointThatNeitherSessionNorBaseHas) {
    checker.on_base(0, [this] {
        settlement::ClearedNet base = interim();
        base.interval = 7;
        base.opening = 4;
        base.outcome = settlement::Outcome::converged;
        return base;
    }());
    checker.on_setpoint(0, {8, 0.5});
    EXPECT_TRUE(report.clean());
    checker.on_setpoint(0, {9, 0.5});
    EXPECT_TRUE(report.names("N8"));
}

}  // namespace
}  // namespace kilter::simulation::interim_test
