// Commitments against a second implementation (tests/vectors/money/make.py), and the laws that bills rest on.
#include "common/crypto/pedersen.hpp"

#include <fstream>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "common/crypto/sum_mask.hpp"

namespace kilter::crypto {
namespace {

Scalar some_scalar(std::uint64_t number) {
    const Digest key = digest("test", as_bytes("key"));
    return hash_to_scalar("test", key.view(), ByteWriter{}.u64(number).bytes());
}

TEST(Pedersen, IsWhatASecondImplementationSays) {
    initialise();
    std::ifstream in(std::string(KILTER_SOURCE_DIR) + "/tests/vectors/money/pedersen.txt");
    int commitments = 0;
    for (std::string kind; in >> kind;) {
        if (kind == "commit") {
            std::int64_t energy = 0;
            std::string blinding, point;
            in >> energy >> blinding >> point;
            EXPECT_EQ(to_hex(commit(energy, *fixed_from_hex<Scalar>(blinding)).view()), point);
            ++commitments;
        } else {
            std::string point;
            in >> point;
            EXPECT_EQ(to_hex(kind == "base" ? multiply_base(scalar_of(1)).view()
                                            : blinding_generator().view()),
                      point);
        }
    }
    EXPECT_EQ(commitments, 8);
}

TEST(Pedersen, WeightedSumsOpenToWeightedSums) {
    initialise();
    std::mt19937_64 random(1);
    std::vector<Scalar> weights;
    std::vector<Point> points;
    __extension__ __int128 energy = 0;
    Scalar blinding;
    for (std::uint64_t t = 0; t < 200; ++t) {
        const auto e = static_cast<std::int64_t>(random() % 20'001) - 10'000;
        const auto w = t % 7 == 0 ? 0 : static_cast<std::int64_t>(random() % 800'001) - 400'000;
        weights.push_back(scalar_of(w));
        points.push_back(commit(e, some_scalar(t)));
        energy += w * e;
        blinding = add(blinding, multiply(scalar_of(w), some_scalar(t)));
    }
    const Point sum = weighted_sum(weights, points);
    EXPECT_EQ(sum, commit(static_cast<std::int64_t>(energy), blinding));
    EXPECT_NE(sum, commit(static_cast<std::int64_t>(energy) + 1, blinding));
}

TEST(Pedersen, NeutralElementIsAnElement) {
    initialise();
    EXPECT_TRUE(is_point(Point{}));
    EXPECT_EQ(commit(0, Scalar{}), Point{});
    EXPECT_EQ(subtract(commit(5, some_scalar(1)), commit(5, some_scalar(1))), Point{});
    EXPECT_EQ(weighted_sum({}, {}), Point{});
}

TEST(Pedersen, ScalarsOfTheWholeRange) {
    for (const std::int64_t value : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                     std::int64_t{0}, std::numeric_limits<std::int64_t>::max()})
        EXPECT_EQ(add(scalar_of(value), scalar_of(~value)), scalar_of(-1)) << value;
}

TEST(Pedersen, WhatIsNoElementOrScalarIsSeen) {
    Point odd = commit(1, some_scalar(1));
    odd.bytes[0] ^= 1;  // encodings are even
    EXPECT_FALSE(is_point(odd));
    Point large;
    large.bytes.fill(0xff);
    EXPECT_FALSE(is_point(large));
    const auto order =
        *fixed_from_hex<Scalar>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    EXPECT_FALSE(is_scalar(order));
    EXPECT_TRUE(is_scalar(subtract(Scalar{}, scalar_of(1))));
}

TEST(SumMasks, OnlyTheSumOverAllCanBeRead) {
    initialise();
    std::vector<Identity> homes;
    for (std::uint8_t i = 0; i < 4; ++i) {
        Seed seed;
        seed.bytes[0] = i + 1;
        homes.push_back(Identity::from_seed(seed));
    }
    std::sort(homes.begin(), homes.end(),
              [](const Identity& a, const Identity& b) { return a.public_key() < b.public_key(); });
    std::vector<PublicKey> keys;
    for (const Identity& home : homes)
        keys.push_back(home.public_key());
    MaskedOpening all, all_but_one;
    Scalar blinding;
    Point points;
    for (std::size_t i = 0; i < homes.size(); ++i) {
        const auto energy = static_cast<std::int64_t>(i) * 100 - 250;
        const auto masked =
            *SumMasks(homes[i]).mask(energy, some_scalar(i), keys, as_bytes("place"));
        EXPECT_NE(static_cast<std::int64_t>(masked.energy), energy);
        EXPECT_NE(masked.blinding, some_scalar(i));
        all = add(all, masked);
        if (i > 0) all_but_one = add(all_but_one, masked);
        blinding = add(blinding, some_scalar(i));
        points = add(points, commit(energy, some_scalar(i)));
    }
    EXPECT_EQ(static_cast<std::int64_t>(all.energy), -400);
    EXPECT_EQ(all.blinding, blinding);
    EXPECT_EQ(points, commit(-400, all.blinding));
    EXPECT_NE(static_cast<std::int64_t>(all_but_one.energy), -150);

    const auto there = *SumMasks(homes[0]).mask(0, Scalar{}, keys, as_bytes("place"));
    const auto elsewhere = *SumMasks(homes[0]).mask(0, Scalar{}, keys, as_bytes("elsewhere"));
    const auto fewer =
        *SumMasks(homes[0]).mask(0, Scalar{}, std::span(keys).first(3), as_bytes("place"));
    EXPECT_NE(there, elsewhere);
    EXPECT_NE(there, fewer);
}

}  // namespace
}  // namespace kilter::crypto
