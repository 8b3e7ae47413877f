/// RFC 6962 Merkle trees over BLAKE2b-256: leaf = H(0x00 | bytes), inner = H(0x01 | left | right),
/// the left subtree of n leaves holds the largest power of two below n. One tree per block (payload
/// root) and one over the whole log.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/crypto/digest.hpp"

namespace kilter::crypto {

/// The digest of a leaf; everything below speaks of leaves by this digest.
Digest merkle_leaf(ByteView bytes);
/// The digest of an inner vertex.
Digest merkle_inner(const Digest& left, const Digest& right);

/// The root of a list of leaf digests; of no leaves, H(empty).
Digest merkle_root(std::span<const Digest> leaves);

/// A tree with all its inner vertices, for the paths of many leaves.
class MerkleTree {
  public:
    explicit MerkleTree(std::vector<Digest> leaves);
    /// The siblings from the leaf up to the root. REQUIRES: there is such a leaf. O(log size).
    [[nodiscard]] std::vector<Digest> path(std::uint64_t index) const;

  private:
    std::vector<std::vector<Digest>>
        levels_;  // leaves first; a vertex without a sibling moves up unchanged
};

/// One path. REQUIRES: index < leaves.size(). O(leaves).
std::vector<Digest> inclusion_path(std::span<const Digest> leaves, std::uint64_t index);
/// Total: true iff `leaf` is leaf number `index` of a tree of `size` leaves with this root (RFC
/// 9162, 2.1.3.2).
bool included(const Digest& leaf,
              std::uint64_t index,
              std::uint64_t size,
              std::span<const Digest> path,
              const Digest& root);

/// That the first `old_size` leaves of a tree are the tree of `old_size` leaves. REQUIRES: 0 <
/// old_size <= leaves.size().
std::vector<Digest> consistency_path(std::span<const Digest> leaves, std::uint64_t old_size);
/// Total: true iff the tree of `new_size` leaves extends that of `old_size` leaves (RFC
/// 9162, 2.1.4.2). The empty tree is extended by every tree, with an empty path.
bool consistent(std::uint64_t old_size,
                const Digest& old_root,
                std::uint64_t new_size,
                const Digest& new_root,
                std::span<const Digest> path);

/// A growing tree by its right edge: the roots of its perfect subtrees, largest first (at most 64).
/// A value: copy it to try an extension out.
class MerkleFrontier {
  public:
    /// O(log size) digests, O(1) amortised.
    void append(const Digest& leaf);
    [[nodiscard]] Digest root() const;

    [[nodiscard]] std::uint64_t size() const { return size_; }

    /// Roots of the perfect subtrees, one per set bit of size(), highest bit first.
    [[nodiscard]] const std::vector<Digest>& peaks() const { return peaks_; }

    /// None: not one peak per set bit.
    static std::optional<MerkleFrontier> from(std::uint64_t size, std::vector<Digest> peaks);

    bool operator==(const MerkleFrontier&) const = default;

  private:
    std::uint64_t size_ = 0;
    std::vector<Digest> peaks_;  // one per set bit of size_, highest bit first
};

}  // namespace kilter::crypto
