#include "common/crypto/vault.hpp"

#include <gtest/gtest.h>

namespace kilter::crypto::vault_test {
namespace {

Identity somebody(std::uint8_t number) {
    Seed seed;
    seed.bytes[0] = number;
    return Identity::from_seed(seed);
}

TEST(Vault, OpensForItsOwnerInItsPlaceAndForNothingElse) {
    initialise();
    const Vault vault(somebody(1));
    const Bytes plain = to_bytes(as_bytes("1234 Wh"));
    const Bytes sealed = vault.seal(as_bytes("read|7"), plain);
    EXPECT_EQ(vault.open(as_bytes("read|7"), sealed), plain);
    EXPECT_EQ(std::search(sealed.begin(), sealed.end(), plain.begin(), plain.end()), sealed.end());
    EXPECT_EQ(vault.open(as_bytes("read|8"), sealed), std::nullopt);
    EXPECT_EQ(Vault(somebody(2)).open(as_bytes("read|7"), sealed), std::nullopt);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        Bytes altered = sealed;
        altered[i] ^= 1;
        EXPECT_EQ(vault.open(as_bytes("read|7"), altered), std::nullopt) << i;
        EXPECT_EQ(vault.open(as_bytes("read|7"), ByteView(sealed).first(i)), std::nullopt) << i;
    }
    EXPECT_NE(vault.seal(as_bytes("read|7"), as_bytes("1235 Wh")), sealed);
    EXPECT_EQ(vault.open(as_bytes("p"), vault.seal(as_bytes("p"), {})), Bytes{});
}

}  // namespace
}  // namespace kilter::crypto::vault_test
