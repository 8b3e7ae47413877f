#include "common/base/bytes.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace kilter {
namespace {

using Four = FixedBytes<4, struct FourTag>;

TEST(Hex, reads_what_it_writes_in_either_case) {
    EXPECT_EQ(to_hex(Bytes{0x00, 0xAB, 0xFF}), "00abff");
    EXPECT_EQ(*from_hex("00AbfF"), (Bytes{0x00, 0xAB, 0xFF}));
    EXPECT_EQ(short_hex(Bytes{1, 2, 3, 4, 5, 6}), "01020304");
    EXPECT_TRUE(from_hex("")->empty());
}

TEST(Hex, refuses_odd_lengths_and_other_characters) {
    EXPECT_FALSE(from_hex("abc").ok());
    EXPECT_FALSE(from_hex("0g").ok());
    EXPECT_FALSE(from_hex(" 0").ok());
    const auto wrong = fixed_from_hex<Four>("0011");
    ASSERT_FALSE(wrong.ok());
    EXPECT_NE(wrong.error().message.find("expected 8"), std::string::npos) << wrong.error().message;
    EXPECT_EQ(fixed_from_hex<Four>("00112233")->bytes[3], 0x33);
}

TEST(ByteWriter, is_little_endian_and_of_fixed_width) {
    ByteWriter out;
    out.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).i64(-1).text("hi");
    EXPECT_EQ(to_hex(out.bytes()),
              "01"
              "0302"
              "07060504"
              "0f0e0d0c0b0a0908"
              "ffffffffffffffff"
              "6869");
}

TEST(ByteReader, gives_back_what_was_written) {
    ByteWriter out;
    const Four four{{1, 2, 3, 4}};
    out.u8(7).u16(65535).u32(1u << 31).u64(std::numeric_limits<std::uint64_t>::max());
    out.i64(std::numeric_limits<std::int64_t>::min()).f64(-0.1).raw(four.view());
    ByteReader in(out.bytes());
    EXPECT_EQ(in.u8(), 7);
    EXPECT_EQ(in.u16(), 65535);
    EXPECT_EQ(in.u32(), 1u << 31);
    EXPECT_EQ(in.u64(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(in.i64(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(in.f64(), -0.1);
    EXPECT_FALSE(in.complete());
    EXPECT_EQ(in.fixed<Four>(), four);
    EXPECT_TRUE(in.complete());
}

TEST(ByteReader, past_the_end_it_reads_zeros_and_remembers) {
    const Bytes three{1, 2, 3};
    ByteReader in(three);
    EXPECT_EQ(in.u32(), 0u);
    EXPECT_TRUE(in.failed());
    EXPECT_FALSE(in.complete());
    EXPECT_EQ(in.fixed<Four>(), Four{});
    EXPECT_TRUE(in.raw(std::numeric_limits<std::size_t>::max()).empty());
}

TEST(FixedBytes, compares_by_content) {
    EXPECT_LT((Four{{0, 0, 0, 1}}), (Four{{0, 0, 1, 0}}));
    EXPECT_TRUE(Four{}.is_zero());
    EXPECT_FALSE((Four{{0, 0, 0, 1}}).is_zero());
}

TEST(FixedBytesDeathTest, of_another_size_is_a_programmers_error) {
    const Bytes three{1, 2, 3};
    EXPECT_DEATH(Four::from(three), "wrong size");
}

}  // namespace
}  // namespace kilter
