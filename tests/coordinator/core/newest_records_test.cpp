// What a home that greets is shown of its net's records.
#include "coordinator/core/newest_records.hpp"

#include <gtest/gtest.h>

namespace kilter::coordinator::newest_records_test {
namespace {

constexpr NetId net{3};

consensus::EntryId id_of(std::uint8_t number) {
    consensus::EntryId out;
    out.bytes[0] = number;
    return out;
}

crypto::PublicKey home(std::uint8_t number) {
    crypto::PublicKey out;
    out.bytes[0] = number;
    return out;
}

struct NewestRecordsTest : testing::Test {
    void add(IntervalIndex interval, std::uint8_t id, std::vector<std::uint8_t> homes) {
        settlement::ClearedNet record;
        record.net = net;
        record.interval = interval;
        for (const auto number : homes)
            record.members.emplace_back().key = home(number);
        records.add(record, id_of(id));
    }

    // Numbers of the records whose receipts that home gets.
    std::vector<std::uint8_t> shown_to(std::uint8_t number) {
        std::vector<std::uint8_t> out;
        const auto receipt_of = [this](const consensus::EntryId& id) -> std::optional<Bytes> {
            ++lookups;
            if (id == id_of(pruned)) return std::nullopt;
            return Bytes{id.bytes[0]};
        };
        for (const Bytes& receipt : records.receipts_for(home(number), net, receipt_of))
            out.push_back(receipt.at(0));
        return out;
    }

    NewestRecords records;
    std::uint8_t pruned = 0;
    int lookups = 0;
};

using Numbers = std::vector<std::uint8_t>;

TEST_F(NewestRecordsTest, a_home_is_shown_its_nets_newest_record) {
    EXPECT_FALSE(records.of_net(net));
    EXPECT_TRUE(shown_to(1).empty());
    add(10, 1, {1, 2});
    add(11, 2, {1, 2});
    EXPECT_EQ(records.of_net(net), id_of(2));
    EXPECT_EQ(shown_to(1), Numbers{2});
    EXPECT_EQ(shown_to(2), Numbers{2});
    EXPECT_EQ(lookups, 1) << "the net's receipt is kept";
}

TEST_F(NewestRecordsTest, and_the_newest_that_it_has_signed_itself) {
    add(10, 1, {1, 2});
    add(11, 2, {2});
    EXPECT_EQ(shown_to(1), (Numbers{2, 1}));
    EXPECT_EQ(shown_to(2), Numbers{2});
    EXPECT_EQ(shown_to(3), Numbers{2}) << "it has never cleared";
    records.forget(home(1));
    EXPECT_EQ(shown_to(1), Numbers{2});
}

TEST_F(NewestRecordsTest, what_was_cleared_earlier_and_brought_later_is_not_newest) {
    add(11, 2, {1});
    add(10, 1, {1});
    EXPECT_EQ(shown_to(1), Numbers{2});
}

TEST_F(NewestRecordsTest, a_kept_receipt_stands_until_there_is_another_record) {
    add(10, 1, {1});
    records.keep_receipt(net, id_of(1), {99});
    EXPECT_EQ(shown_to(1), Numbers{99});
    add(11, 2, {1});
    EXPECT_EQ(shown_to(1), Numbers{2});
}

TEST_F(NewestRecordsTest, a_record_whose_block_is_pruned_is_not_shown) {
    add(10, 1, {1, 2});
    add(11, 2, {2});
    pruned = 1;
    EXPECT_EQ(shown_to(1), Numbers{2});
    pruned = 2;
    add(12, 2, {1});
    add(13, 3, {2});
    pruned = 3;
    EXPECT_TRUE(shown_to(1).empty());
}

}  // namespace
}  // namespace kilter::coordinator::newest_records_test
