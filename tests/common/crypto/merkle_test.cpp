#include "common/crypto/merkle.hpp"

#include <bit>

#include <gtest/gtest.h>

#include "common/crypto/identity.hpp"

namespace kilter::crypto {
namespace {

std::vector<Digest> leaves_of(std::size_t count) {
    initialise();
    std::vector<Digest> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(merkle_leaf(ByteWriter{}.u64(i).bytes()));
    return out;
}

/// RFC 6962, section 2.1, word for word.
Digest definition(std::span<const Digest> leaves) {
    if (leaves.empty()) return digest("merkle", {});
    if (leaves.size() == 1) return leaves[0];
    std::size_t k = 1;
    while (2 * k < leaves.size())
        k *= 2;
    return merkle_inner(definition(leaves.first(k)), definition(leaves.subspan(k)));
}

TEST(Merkle, FrontierAndRootAreTheDefinition) {
    MerkleFrontier frontier;
    const auto leaves = leaves_of(70);
    for (std::size_t n = 0; n <= leaves.size(); ++n) {
        const auto first = std::span(leaves).first(n);
        EXPECT_EQ(merkle_root(first), definition(first)) << n;
        EXPECT_EQ(frontier.root(), definition(first)) << n;
        EXPECT_EQ(frontier.size(), n);
        if (n < leaves.size()) frontier.append(leaves[n]);
    }
}

TEST(Merkle, EveryInclusionPathVerifiesAndNoOtherPlaceDoes) {
    for (std::size_t n = 1; n <= 20; ++n) {
        const auto leaves = leaves_of(n);
        const Digest root = merkle_root(leaves);
        for (std::size_t i = 0; i < n; ++i) {
            auto path = inclusion_path(leaves, i);
            EXPECT_LE(path.size(), static_cast<std::size_t>(std::bit_width(n - 1)));
            for (std::size_t j = 0; j < n + 2; ++j)
                EXPECT_EQ(included(leaves[i], j, n, path, root), i == j)
                    << n << " " << i << " " << j;
            for (std::size_t at = 0; at < path.size(); ++at) {
                path[at].bytes[at % 32] ^= 1;
                EXPECT_FALSE(included(leaves[i], i, n, path, root));
                path[at].bytes[at % 32] ^= 1;
            }
            path.push_back(root);
            EXPECT_FALSE(included(leaves[i], i, n, path, root)) << "a path that is too long";
        }
    }
    EXPECT_FALSE(included({}, 0, 0, {}, merkle_root({})));
}

TEST(Merkle, AWholeTreeGivesTheSamePathsAsALeafAlone) {
    for (std::size_t n = 1; n <= 33; ++n) {
        const auto leaves = leaves_of(n);
        const MerkleTree tree(leaves);
        for (std::size_t i = 0; i < n; ++i) {
            EXPECT_TRUE(included(leaves[i], i, n, tree.path(i), merkle_root(leaves)));
            EXPECT_EQ(tree.path(i), inclusion_path(leaves, i));
        }
    }
}

TEST(Merkle, EveryTreeIsConsistentWithItsPrefixesOnly) {
    for (std::size_t n = 1; n <= 20; ++n) {
        const auto leaves = leaves_of(n);
        const Digest root = merkle_root(leaves);
        EXPECT_TRUE(consistent(0, merkle_root({}), n, root, {}));
        for (std::size_t m = 1; m <= n; ++m) {
            const Digest old_root = merkle_root(std::span(leaves).first(m));
            auto path = consistency_path(leaves, m);
            EXPECT_TRUE(consistent(m, old_root, n, root, path)) << m << " of " << n;
            Digest forged = old_root;
            forged.bytes[0] ^= 1;
            EXPECT_FALSE(consistent(m, forged, n, root, path));
            forged = root;
            forged.bytes[5] ^= 1;
            EXPECT_FALSE(consistent(m, old_root, n, forged, path));
            path.push_back(root);
            EXPECT_FALSE(consistent(m, old_root, n, root, path));
        }
        EXPECT_FALSE(consistent(n + 1, root, n, root, {}));
    }
}

}  // namespace
}  // namespace kilter::crypto
