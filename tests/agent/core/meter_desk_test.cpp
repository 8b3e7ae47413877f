#include "agent/core/meter_desk.hpp"

#include <gtest/gtest.h>

#include "agent/core/outbox.hpp"

namespace kilter::agent::meter_desk_test {
namespace {

using settlement::RegisterRead;

crypto::Identity numbered(std::uint8_t number) {
    crypto::initialise();
    crypto::Seed seed;
    seed.bytes[0] = number;
    return crypto::Identity::from_seed(seed);
}

const settlement::ChainId chain = settlement::ChainId::from(crypto::digest("t", {}).view());

/// Meters 1 and 2 on net 5.
settlement::Directory two_meters() {
    settlement::Roster roster{3, {}};
    for (const std::uint8_t i : {std::uint8_t{1}, std::uint8_t{2}}) {
        settlement::RosterMember member{numbered(i).public_key(), settlement::Role::meter, NetId{5},
                                        1'000, ""};
        member.service_point.bytes[0] = i;
        roster.members.push_back(member);
    }
    return settlement::Directory(roster);
}

void merge(Memory& memory, const Outputs& out) {
    for (const auto& [key, value] : out.persist)
        memory[key] = value;
}

TEST(MeterDesk, TwoMetersReadsOpenToTheirSumAndToNothingElse) {
    const auto directory = two_meters();
    crypto::Point points;
    crypto::MaskedOpening sum;
    for (const std::uint8_t i : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto meter = numbered(i);
        auto desk = *MeterDesk::recall(meter, chain, {});
        Outputs out;
        EXPECT_EQ(desk.take({9, 100, 0}, out), "");
        EXPECT_EQ(desk.next(directory, out), std::nullopt) << "a first read has no energy";
        EXPECT_EQ(desk.take({10, 100 + 300 * i, 40}, out), "");
        const auto reads = desk.next(directory, out);
        ASSERT_TRUE(reads);
        EXPECT_EQ(desk.next(directory, out), std::nullopt) << "nothing is given twice";
        EXPECT_EQ(reads->series.first, 10);
        EXPECT_TRUE(reads->begins);
        Outputs next_out;
        desk.take({11, 100 + 300 * i, 41}, next_out);
        EXPECT_FALSE(desk.next(directory, next_out)->begins);
        EXPECT_EQ(reads->series.roster_epoch, 3U);
        ASSERT_EQ(reads->series.intervals.size(), 1U);
        const auto& one = reads->series.intervals[0];
        EXPECT_EQ(one.commitment, crypto::commit(300 * i - 40, read_blinding(meter, chain, 10)));
        EXPECT_NE(static_cast<std::int64_t>(one.opening.energy), 300 * i - 40);
        points = crypto::add(points, one.commitment);
        sum = crypto::add(sum, one.opening);
        const auto kept = open_read(crypto::Vault(meter), 10, out.persist.at(read_key(10)));
        ASSERT_TRUE(kept);
        EXPECT_EQ(kept->energy_wh(), 300 * i - 40);
        EXPECT_FALSE(open_read(crypto::Vault(numbered(9)), 10, out.persist.at(read_key(10))));
    }
    EXPECT_EQ(static_cast<std::int64_t>(sum.energy), 820);
    EXPECT_EQ(points, crypto::commit(820, sum.blinding));
}

TEST(MeterDesk, WaitsForItsCertificateAndRemembersAcrossRestarts) {
    const auto meter = numbered(1);
    Memory memory;
    {
        auto desk = *MeterDesk::recall(meter, chain, memory);
        Outputs out;
        desk.take({9, 100, 0}, out);
        desk.take({10, 400, 0}, out);
        EXPECT_EQ(desk.next(settlement::Directory({}), out), std::nullopt);
        merge(memory, out);
    }
    auto desk = *MeterDesk::recall(meter, chain, memory);
    Outputs out;
    EXPECT_EQ(desk.take({10, 400, 0}, out), "") << "the same read again";
    EXPECT_NE(desk.take({10, 401, 0}, out), "") << "another one for the same interval";
    EXPECT_NE(desk.take({13, 1'000, 0}, out), "") << "after a gap";
    const auto reads = desk.next(two_meters(), out);
    ASSERT_TRUE(reads);
    using settlement::Quality;
    EXPECT_EQ(reads->qualities, (std::vector<Quality>{Quality::measured, Quality::substituted,
                                                      Quality::substituted, Quality::substituted}));
    EXPECT_FALSE(MeterDesk::recall(numbered(2), chain, memory).ok()) << "another meter's memory";
}

TEST(Outbox, KeepsEntriesUntilTheyAreOnTheLogOrHaveExpired) {
    const auto author = numbered(1);
    const auto entry = [&](std::uint64_t seq) {
        return settlement::make_entry(settlement::meter_reads_entry, {}, {1}, chain, seq, 1'000,
                                      author);
    };
    Outbox outbox = *Outbox::recall({});
    Outputs out;
    outbox.add(entry(1), out);
    outbox.add(entry(2), out);
    Memory memory;
    merge(memory, out);
    Outbox again = *Outbox::recall(memory);
    EXPECT_EQ(again.encoded().size(), 2U);
    Outputs later;
    EXPECT_FALSE(again.awaits(entry(3)->id));
    EXPECT_TRUE(again.awaits(entry(1)->id));
    again.settle(entry(3)->id, later);
    EXPECT_TRUE(later.persist.empty());
    again.settle(entry(1)->id, later);
    EXPECT_EQ(again.encoded(), std::vector<Bytes>{entry(2)->encoded});
    EXPECT_EQ(again.expire(999, later), 0U);
    EXPECT_EQ(again.expire(1'000, later), 1U);
    EXPECT_TRUE(again.empty());
    merge(memory, later);
    EXPECT_TRUE(Outbox::recall(memory)->empty());
    memory["outbox|00"] = {1, 2, 3};
    EXPECT_FALSE(Outbox::recall(memory).ok());
}

}  // namespace
}  // namespace kilter::agent::meter_desk_test
