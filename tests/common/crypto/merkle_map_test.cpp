// The map with a root: a map, its root, and its pieces.
#include "common/crypto/merkle_map.hpp"

#include <bit>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::crypto {
namespace {

TEST(MerkleMap, IsAMapAndItsRootIsTheContentsAlone) {
    initialise();
    Prng prng(5);
    MerkleMap map;
    std::map<Bytes, Bytes> oracle;
    for (int i = 0; i < 3'000; ++i) {
        const Bytes key{static_cast<std::uint8_t>(prng.below(256)),
                        static_cast<std::uint8_t>(prng.below(2))};
        if (prng.chance(0.4)) {
            map = map.without(key);
            oracle.erase(key);
        } else {
            const Bytes value{static_cast<std::uint8_t>(prng.below(256))};
            map = map.with(key, value);
            oracle[key] = value;
        }
        const Bytes* found = map.find(key);
        EXPECT_EQ(found != nullptr, oracle.contains(key));
    }
    MerkleMap fresh;  // the same content, in key order
    for (const auto& [key, value] : oracle) {
        ASSERT_NE(map.find(key), nullptr);
        EXPECT_EQ(*map.find(key), value);
        fresh = fresh.with(key, value);
    }
    EXPECT_EQ(fresh.root(), map.root());
    EXPECT_NE(fresh.with(Bytes{1, 2, 3}, {}).root(), map.root());
    for (const auto& [key, value] : oracle)
        fresh = fresh.without(key);
    EXPECT_EQ(fresh.root(), MerkleMap{}.root());
}

TEST(MerkleMap, ChangingOneVersionLeavesTheOthersAlone) {
    initialise();
    Prng prng(6);
    MerkleMap map;
    std::map<Bytes, Bytes> oracle;

    struct Version {
        MerkleMap map;
        std::map<Bytes, Bytes> content;
    };

    std::vector<Version> versions;
    for (int i = 0; i < 3'000; ++i) {
        const Bytes key{static_cast<std::uint8_t>(prng.below(256)),
                        static_cast<std::uint8_t>(prng.below(4))};
        if (prng.chance(0.4)) {
            map.erase(key);
            oracle.erase(key);
        } else {
            const Bytes value(1 + prng.below(5), static_cast<std::uint8_t>(prng.below(256)));
            map.set(key, value);
            oracle[key] = value;
        }
        if (prng.chance(0.3)) (void)map.root();  // digests are there already, or not
        if (i % 300 == 0) versions.push_back({map, oracle});
    }
    versions.push_back({map, oracle});
    for (const Version& version : versions) {
        MerkleMap fresh;
        for (const auto& [key, value] : version.content) {
            ASSERT_NE(version.map.find(key), nullptr);
            EXPECT_EQ(*version.map.find(key), value);
            fresh.set(key, value);
        }
        EXPECT_EQ(version.map.root(), fresh.root());
        EXPECT_EQ(version.map.outline(300).encoded(), fresh.outline(300).encoded());
    }
}

MerkleMap filled(std::size_t pairs) {
    initialise();
    MerkleMap map;
    for (std::size_t i = 0; i < pairs; ++i)
        map = map.with(ByteWriter{}.u64(i).bytes(), Bytes(i % 50, static_cast<std::uint8_t>(i)));
    return map;
}

std::vector<Bytes> pieces_of(const MerkleMap& map, const MerkleOutline& outline) {
    std::vector<Bytes> pieces;
    for (std::size_t i = 0; i < outline.pieces(); ++i)
        pieces.push_back(map.piece(outline, i));
    return pieces;
}

TEST(MerkleOutline, AMapTravelsInPiecesOfBoundedSize) {
    for (const std::size_t pairs : {0u, 1u, 2u, 17u, 1'000u}) {
        const MerkleMap map = filled(pairs);
        const MerkleOutline made = map.outline(1'000);
        const auto outline = MerkleOutline::decode(made.encoded(), map.root());
        ASSERT_TRUE(outline) << pairs;
        EXPECT_EQ(outline->pieces(), made.pieces());
        const std::vector<Bytes> pieces = pieces_of(map, made);
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            EXPECT_LE(pieces[i].size(), 1'000u);
            EXPECT_TRUE(outline->fits(i, pieces[i]));
        }
        const auto joined = outline->join(pieces);
        ASSERT_TRUE(joined);
        EXPECT_EQ(joined->root(), map.root());
        EXPECT_EQ(joined->with(Bytes{1}, {2}).root(), map.with(Bytes{1}, {2}).root())
            << "the shape is the same, so later versions are";
        EXPECT_EQ(joined->outline(300).encoded(), map.outline(300).encoded());
    }
    EXPECT_GT(filled(1'000).outline(1'000).pieces(), 30u);
}

TEST(MerkleOutline, NothingElsePassesForAPieceOrAnOutline) {
    const MerkleMap map = filled(200);
    const MerkleOutline outline = map.outline(1'000);
    const std::vector<Bytes> pieces = pieces_of(map, outline);
    EXPECT_FALSE(outline.fits(0, pieces[1]));
    EXPECT_FALSE(outline.fits(pieces.size(), pieces[0]));
    EXPECT_FALSE(outline.fits(0, {}));
    Prng prng(3);
    for (int i = 0; i < 300; ++i) {
        Bytes changed = pieces[0];
        changed[prng.below(changed.size())] ^= static_cast<std::uint8_t>(1 + prng.below(255));
        EXPECT_FALSE(outline.fits(0, changed));
        Bytes top = outline.encoded();
        top[prng.below(top.size())] ^= static_cast<std::uint8_t>(1 + prng.below(255));
        EXPECT_FALSE(MerkleOutline::decode(top, map.root()));
    }
    for (std::size_t size = 0; size < outline.encoded().size(); ++size)
        EXPECT_FALSE(MerkleOutline::decode(ByteView{outline.encoded()}.first(size), map.root()));
    EXPECT_FALSE(outline.join(std::span(pieces).first(pieces.size() - 1)));
}

TEST(MerkleMap, APairIsProvedAndNothingElseIs) {
    initialise();
    Prng prng(11);
    MerkleMap map;
    EXPECT_FALSE(map.prove(Bytes{1}));
    for (std::uint8_t i = 0; i < 200; ++i) {
        map.set(Bytes{i}, Bytes{i, 7});
        for (int probe = 0; probe < 3; ++probe) {
            const auto j = static_cast<std::uint8_t>(prng.below(i + 1u));
            const auto proof = map.prove(Bytes{j});
            ASSERT_TRUE(proof.has_value());
            EXPECT_TRUE(proves(*proof, map.root(), Bytes{j}, Bytes{j, 7}));
            EXPECT_FALSE(proves(*proof, map.root(), Bytes{j}, Bytes{j, 8}));
            EXPECT_FALSE(
                proves(*proof, map.root(), Bytes{static_cast<std::uint8_t>(j + 1)}, Bytes{j, 7}));
            if (proof->empty()) continue;
            Bytes bent = *proof;
            bent[prng.below(bent.size())] ^= static_cast<std::uint8_t>(1u << prng.below(8));
            EXPECT_FALSE(proves(bent, map.root(), Bytes{j}, Bytes{j, 7}));
            // A child that is not there, as one whose digest is zeros: the same root from other bytes.
            const auto absent = static_cast<std::size_t>(
                std::countr_one(static_cast<unsigned>((*proof)[0] | (*proof)[1] << 8)));
            if (absent < 16) {
                bent = *proof;
                bent[absent / 8] |= static_cast<std::uint8_t>(1u << absent % 8);
                const auto at = static_cast<std::ptrdiff_t>(2 + absent * Digest::size);
                bent.insert(bent.begin() + at, Digest::size, 0);
                EXPECT_FALSE(proves(bent, map.root(), Bytes{j}, Bytes{j, 7}));
            }
            bent = *proof;
            bent.pop_back();
            EXPECT_FALSE(proves(bent, map.root(), Bytes{j}, Bytes{j, 7}));
        }
        EXPECT_FALSE(map.prove(Bytes{static_cast<std::uint8_t>(i + 1)}));
    }
}

TEST(MerkleMap, IsWhatASecondImplementationSays) {
    initialise();
    std::ifstream in(std::string(KILTER_SOURCE_DIR) + "/tests/vectors/state_map/state_map.txt");
    const auto bytes = [&] {
        std::string hex;
        in >> hex;
        return hex == "-" ? Bytes{} : *from_hex(hex);
    };
    MerkleMap map;
    MerkleOutline outline;
    std::map<std::string, int> lines;
    std::size_t number = 0;
    for (std::string kind; in >> kind; ++lines[kind]) {
        if (kind == "set") {
            const Bytes key = bytes();
            map.set(key, bytes());
        } else if (kind == "erase") {
            map.erase(bytes());
        } else if (kind == "root") {
            EXPECT_EQ(to_bytes(map.root().view()), bytes()) << "root " << lines[kind];
        } else if (kind == "proof") {
            const Bytes key = bytes();
            const Bytes proof = bytes();
            EXPECT_EQ(map.prove(key), proof);
            EXPECT_TRUE(proves(proof, map.root(), key, *map.find(key)));
        } else if (kind == "outline") {
            std::size_t limit = 0;
            in >> limit;
            outline = map.outline(limit);
            EXPECT_EQ(outline.encoded(), bytes());
            number = 0;
        } else if (kind == "piece") {
            ASSERT_LT(number, outline.pieces());
            EXPECT_EQ(map.piece(outline, number++), bytes());
        }
    }
    EXPECT_EQ(lines["set"], 41);
    EXPECT_EQ(lines["erase"], 14);
    EXPECT_EQ(lines["proof"], 3);
    EXPECT_EQ(lines["outline"], 2);
    EXPECT_EQ(number, outline.pieces());
}

}  // namespace
}  // namespace kilter::crypto
