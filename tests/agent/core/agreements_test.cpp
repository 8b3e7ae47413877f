#include "agent/core/agreements.hpp"

#include <gtest/gtest.h>

namespace kilter::agent {
namespace {

Agreement agreed_for(IntervalIndex interval, std::uint32_t opening = 0) {
    Agreement out;
    out.session = {interval, opening};
    out.net = NetId{3};
    out.chair.bytes[0] = 7;
    out.iteration = 41;
    out.prices_micro = {250'000, -10'000};
    out.commitment.bytes[0] = 9;
    out.consumption_kw = -1.25;
    out.positions_wh = {-300, 40};
    return out;
}

settlement::ClearedNet record_of(const Agreement& one) {
    settlement::ClearedNet out;
    out.interval = one.session.interval;
    out.opening = one.session.opening;
    out.net = one.net;
    out.iteration = one.iteration;
    out.prices_micro_eur_per_kwh = one.prices_micro;
    return out;
}

TEST(Agreements, decode_to_what_was_encoded) {
    Agreements agreed;
    EXPECT_TRUE(agreed.encode().empty());
    agreed.add(agreed_for(10));
    agreed.add(agreed_for(10, 1));
    const Bytes bytes = agreed.encode();
    EXPECT_EQ(Agreements::decode(bytes), agreed);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(Agreements::decode(ByteView(bytes).first(size))) << size;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(Agreements::decode(longer));
}

TEST(Agreements, match_a_record_of_the_same_in_every_respect) {
    const Agreement one = agreed_for(10, 1);
    Agreements agreed;
    agreed.add(agreed_for(10));
    agreed.add(one);
    const settlement::ClearedNet record = record_of(one);
    const Agreement* found = agreed.matching(record, one.commitment);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(*found, one);

    EXPECT_EQ(agreed.matching(record, crypto::Digest{}), nullptr);
    auto other = record;
    other.opening = 2;
    EXPECT_EQ(agreed.matching(other, one.commitment), nullptr);
    other = record;
    other.iteration += 1;
    EXPECT_EQ(agreed.matching(other, one.commitment), nullptr);
    other = record;
    other.prices_micro_eur_per_kwh.back() += 1;
    EXPECT_EQ(agreed.matching(other, one.commitment), nullptr);
}

TEST(Agreements, keep_the_newest_few) {
    Agreements agreed;
    for (IntervalIndex i = 0; i <= static_cast<IntervalIndex>(Agreements::kept_max); ++i)
        agreed.add(agreed_for(i));
    EXPECT_EQ(agreed.newest(), agreed_for(Agreements::kept_max));
    EXPECT_EQ(agreed.matching(record_of(agreed_for(0)), agreed_for(0).commitment), nullptr);
    EXPECT_NE(agreed.matching(record_of(agreed_for(1)), agreed_for(1).commitment), nullptr);
}

TEST(Agreements, are_settled_by_a_record_of_their_interval_or_a_later_one) {
    Agreements agreed;
    agreed.add(agreed_for(10));
    agreed.add(agreed_for(11));
    EXPECT_FALSE(agreed.settle(9));
    EXPECT_TRUE(agreed.settle(10));
    EXPECT_EQ(agreed.newest(), agreed_for(11));
    EXPECT_TRUE(agreed.settle(12));
    EXPECT_TRUE(agreed.empty());
}

}  // namespace
}  // namespace kilter::agent
