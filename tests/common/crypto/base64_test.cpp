#include "common/crypto/base64.hpp"

#include <gtest/gtest.h>

namespace kilter::crypto {
namespace {

TEST(Base64, AnyBytesComeBackAlsoNone) {
    Bytes bytes;
    for (int length = 0; length < 10; ++length) {
        const auto back = from_base64url(to_base64url(bytes));
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(*back, bytes);
        bytes.push_back(static_cast<std::uint8_t>(255 - 40 * length));
    }
}

TEST(Base64, WhiteSpaceIsIgnoredAndAnythingElseRefused) {
    EXPECT_EQ(*from_base64url(" _-\n8\t"), (Bytes{0xff, 0xef}));
    for (const char* wrong : {"_-8=", "a", "+/+/", "aaa!"})
        EXPECT_FALSE(from_base64url(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace kilter::crypto
