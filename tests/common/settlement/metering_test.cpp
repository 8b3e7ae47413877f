#include "common/settlement/metering.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "common/settlement/surplus.hpp"

namespace kilter::settlement::metering_test {
namespace {

const MeterLimits meter_limits{5'000, 1'000'000, 100};
const RegisterRead before{10, 999'000, 300};

ReadResult after(const RegisterRead& read) {
    return follow(before, read, meter_limits);
}

TEST(Metering, EveryKindOfReadHasItsOutcome) {
    EXPECT_EQ(follow({}, before, meter_limits).outcome, ReadOutcome::baseline);
    EXPECT_EQ(follow({}, {10, -1, 0}, meter_limits).outcome, ReadOutcome::impossible);
    const ReadResult next = after({11, 999'400, 350});
    EXPECT_EQ(next.outcome, ReadOutcome::measured);
    EXPECT_EQ(next.intervals, (std::vector<MeteredInterval>{{11, 400, 50, Quality::measured}}));
    EXPECT_EQ(next.intervals[0].energy_wh(), 350);
    EXPECT_EQ(after(before).outcome, ReadOutcome::duplicate);
    EXPECT_EQ(after({10, 999'001, 300}).outcome, ReadOutcome::contradicts);
    EXPECT_EQ(after({9, 998'000, 300}).outcome, ReadOutcome::out_of_order);
    for (const RegisterRead& still : {before, {10, 999'001, 300}, {9, 0, 0}})
        EXPECT_TRUE(after(still).intervals.empty());
    EXPECT_EQ(after({111, 999'400, 300}).outcome, ReadOutcome::baseline) << "after a long silence";
}

TEST(Metering, ARegisterThatBeginsAgainHasNotGoneBackwards) {
    const ReadResult result = after({11, 500, 300});
    EXPECT_EQ(result.outcome, ReadOutcome::rolled_over);
    EXPECT_EQ(result.intervals, (std::vector<MeteredInterval>{{11, 1'500, 0, Quality::measured}}));
    // More than the connection lets through cannot be a new beginning.
    EXPECT_EQ(after({11, 4'001, 300}).outcome, ReadOutcome::impossible);
    EXPECT_EQ(after({11, 999'400, 299}).outcome, ReadOutcome::impossible);
}

TEST(Metering, ImpossibleReadsAreZeroAndMarked) {
    for (const RegisterRead& bad : {RegisterRead{11, 999'000, 5'301},
                                    RegisterRead{11, 1'000'000, 300}, RegisterRead{11, -5, 300}}) {
        const ReadResult result = after(bad);
        EXPECT_EQ(result.outcome, ReadOutcome::impossible);
        EXPECT_EQ(result.intervals, (std::vector<MeteredInterval>{{11, 0, 0, Quality::estimated}}));
    }
}

TEST(Metering, AGapIsFilledWithExactlyWhatWasCounted) {
    const ReadResult result = after({14, 999'010, 307});
    EXPECT_EQ(result.outcome, ReadOutcome::filled_gap);
    EXPECT_EQ(result.intervals, (std::vector<MeteredInterval>{{11, 3, 2, Quality::substituted},
                                                              {12, 3, 2, Quality::substituted},
                                                              {13, 2, 2, Quality::substituted},
                                                              {14, 2, 1, Quality::substituted}}));
}

TEST(Metering, EvenPartsAddUp) {
    for (const std::int64_t total : {-7, -6, -1, 0, 1, 5, 1'000'003})
        for (const std::size_t parts : {1u, 2u, 3u, 7u}) {
            const auto all = even_parts(total, parts);
            EXPECT_EQ(std::accumulate(all.begin(), all.end(), std::int64_t{0}), total);
            EXPECT_LE(all.front() - all.back(), 1);
        }
}

TEST(Metering, RawReadsDigestNeedsTheSalt) {
    const Digest salt = crypto::digest("test", as_bytes("salt"));
    const Digest other = crypto::digest("test", as_bytes("other"));
    EXPECT_NE(raw_reads_digest(salt.view(), {before}), raw_reads_digest(other.view(), {before}));
    EXPECT_NE(raw_reads_digest(salt.view(), {before}), raw_reads_digest(salt.view(), {}));
}

Bill bill_with(std::int64_t charge_nano, std::int64_t upstream_nano, std::int64_t energy_wh) {
    return {0, 1, {charge_nano, {}}, {upstream_nano, {}}, {energy_wh, {}}};
}

PublicKey numbered(std::uint8_t number) {
    PublicKey out;
    out.bytes[0] = number;
    return out;
}

// The worked example of docs/settlement.md.
TEST(Surplus, WorkedExample) {
    const Settlement settlement =
        *settle({{numbered(2), bill_with(-145'000'000, -150'000'000, -500)},
                 {numbered(1), bill_with(400'000'000, 360'000'000, 1'200)}});
    EXPECT_EQ(settlement.upstream_micro_eur, 210'000);
    EXPECT_EQ(settlement.surplus_micro_eur, 45'000);
    EXPECT_EQ(settlement.energy_wh, 700);
    EXPECT_EQ(settlement.homes, (std::vector<HomeDue>{{numbered(1), 400'000, 22'500, 377'500},
                                                      {numbered(2), -145'000, 22'500, -167'500}}));
}

TEST(Surplus, FractionsFallIntoTheSurplusAndNothingIsLost) {
    const Settlement settlement = *settle({{numbered(1), bill_with(1'999, 999, 1)},
                                           {numbered(2), bill_with(-1, 500, 1)},
                                           {numbered(3), bill_with(-1'001, -3'000, 1)}});
    EXPECT_EQ(settlement.upstream_micro_eur, -2) << "-1501 nano-EUR, rounded down";
    EXPECT_EQ(settlement.surplus_micro_eur, 1 - 1 - 2 + 2);
    std::int64_t due = 0;
    for (const HomeDue& home : settlement.homes)
        due += home.due_micro_eur;
    EXPECT_EQ(due, settlement.upstream_micro_eur);
    EXPECT_TRUE(settle({})->homes.empty());
}

}  // namespace
}  // namespace kilter::settlement::metering_test
