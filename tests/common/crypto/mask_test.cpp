#include "common/crypto/mask.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::crypto {
namespace {

constexpr NetId net{7};
constexpr std::size_t width = 97;

SharedSecret secret_of(PartyId a, PartyId b) {
    const auto [low, high] = std::minmax(a.value, b.value);
    return SharedSecret::from(
        digest("test secret", ByteWriter().u32(low).u32(high).bytes()).view());
}

/// Every party's masks for one session among `parties`.
std::map<PartyId, std::unique_ptr<PairwiseMasks>> everyone(const std::vector<PartyId>& parties,
                                                           const Bytes& session) {
    std::map<PartyId, std::unique_ptr<PairwiseMasks>> out;
    for (const PartyId self : parties) {
        std::map<PartyId, SharedSecret> secrets;
        for (const PartyId other : parties)
            if (other != self) secrets.emplace(other, secret_of(self, other));
        out.emplace(self, std::make_unique<PairwiseMasks>(self, session, std::move(secrets)));
    }
    return out;
}

const std::vector<PartyId> five{{2}, {3}, {11}, {40}, {41}};
const Bytes session_one{1, 2, 3};

using Words = std::vector<std::uint64_t>;

Words masked(const PairwiseMasks& masks,
             const Words& plain,
             std::span<const PartyId> set,
             std::uint32_t iteration = 1,
             std::uint16_t attempt = 0,
             NetId where = net) {
    Words out = plain;
    masks.add(where, iteration, attempt, set, out);
    return out;
}

/// χ² of the bytes against uniform, 255 degrees of freedom: mean 255, standard deviation 22.6.
double chi_square(const Words& words) {
    std::array<double, 256> count{};
    for (const std::uint64_t word : words)
        for (int byte = 0; byte < 8; ++byte)
            ++count[(word >> (8 * byte)) & 0xff];
    const double expected = static_cast<double>(words.size()) * 8 / 256;
    double out = 0;
    for (const double seen : count)
        out += (seen - expected) * (seen - expected) / expected;
    return out;
}

bool looks_uniform(const Words& words) {
    const double x = chi_square(words);
    return x > 255 - 5 * 22.6 && x < 255 + 5 * 22.6;
}

std::size_t equal_words(const Words& a, const Words& b) {
    std::size_t out = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
        out += a[k] == b[k];
    return out;
}

TEST(Masks, CancelExactlyInTheSumOverAnySetInAnyOrder) {
    const auto masks = everyone(five, session_one);
    Prng prng(1);
    for (unsigned bits = 1; bits < 32; ++bits) {
        std::vector<PartyId> set;
        for (unsigned k = 0; k < 5; ++k)
            if (bits & (1u << k)) set.push_back(five[k]);
        std::vector<PartyId> order = set;
        std::reverse(order.begin(), order.end());
        Words plain_sum(width, 0), masked_sum(width, 0);
        for (const PartyId member : order) {
            Words plain(width);
            for (auto& word : plain)
                word = prng.next();
            const Words sent = masked(*masks.at(member), plain, set, bits, 3);
            for (std::size_t k = 0; k < width; ++k) {
                plain_sum[k] += plain[k];
                masked_sum[k] += sent[k];
            }
        }
        EXPECT_EQ(plain_sum, masked_sum) << "set " << bits;
    }
}

TEST(Masks, AnythingLessThanTheWholeSetLooksUniform) {
    const auto masks = everyone(five, session_one);
    const Words zeros(width, 0);
    for (unsigned bits = 1; bits < 31; ++bits) {
        Words seen;
        for (std::uint32_t iteration = 1; iteration <= 40; ++iteration) {
            Words sum(width, 0);
            for (unsigned k = 0; k < 5; ++k) {
                if (!(bits & (1u << k))) continue;
                const Words sent = masked(*masks.at(five[k]), zeros, five, iteration);
                for (std::size_t i = 0; i < width; ++i)
                    sum[i] += sent[i];
            }
            seen.insert(seen.end(), sum.begin(), sum.end());
        }
        EXPECT_TRUE(looks_uniform(seen))
            << "members " << bits << " chi square " << chi_square(seen);
    }
    EXPECT_FALSE(looks_uniform(Words(40 * width, 0))) << "the test itself must be able to fail";
}

TEST(Masks, ChangeEntirelyWithSessionNetIterationAttemptAndSet) {
    const auto masks = everyone(five, session_one);
    const auto later = everyone(five, Bytes{1, 2, 4});
    const Words plain(width, 5);
    const std::vector<PartyId> four{five[0], five[1], five[2], five[3]};
    const PairwiseMasks& self = *masks.at(five[0]);
    const std::vector<Words> sent{masked(self, plain, five),
                                  masked(*later.at(five[0]), plain, five),
                                  masked(self, plain, five, 1, 0, NetId{8}),
                                  masked(self, plain, five, 2),
                                  masked(self, plain, five, 1, 1),
                                  masked(self, plain, four)};
    for (std::size_t a = 0; a < sent.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            EXPECT_EQ(equal_words(sent[a], sent[b]), 0u) << a << " and " << b;
            EXPECT_TRUE(sent[a] != sent[b]);
        }
        EXPECT_EQ(equal_words(sent[a], plain), 0u);
    }
    EXPECT_EQ(masked(self, plain, five), sent[0]) << "the same context gives the same stream";
}

TEST(Masks, StreamIsTheDocumentedOne) {
    // Independent of the implementation's helpers: python3, hashlib.blake2b and a plain ChaCha20.
    const std::vector<PartyId> pair{{2}, {3}};
    const auto masks = everyone(pair, session_one);
    const Words low = masked(*masks.at(pair[0]), Words(2, 0), pair, 9, 4);
    const Words high = masked(*masks.at(pair[1]), Words(2, 0), pair, 9, 4);
    EXPECT_EQ(low, (Words{0x9bd1fa66f35ec68eULL, 0xbce23f4dd4fee072ULL}));
    EXPECT_EQ(high[0], -low[0]);
    EXPECT_EQ(high[1], -low[1]);
}

TEST(MasksDeath, RefusesASetItCannotMask) {
    const auto masks = everyone(five, session_one);
    Words words(1, 0);
    const std::vector<PartyId> without_self{five[1], five[2]}, stranger{five[0], {99}},
        unsorted{five[1], five[0]};
    for (const auto* set : {&without_self, &stranger, &unsorted})
        EXPECT_DEATH(masks.at(five[0])->add(net, 1, 0, *set, words), "");
}

}  // namespace
}  // namespace kilter::crypto
