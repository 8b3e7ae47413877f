#include "common/crypto/merkle.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "common/base/check.hpp"
#include "common/crypto/digest_parts.hpp"

namespace kilter::crypto {

namespace {
constexpr std::string_view tag = "merkle";

/// The largest power of two below n. REQUIRES: n > 1.
std::uint64_t split(std::uint64_t n) {
    return std::bit_floor(n - 1);
}

void consistency(std::span<const Digest> leaves,
                 std::uint64_t old_size,
                 bool whole,
                 std::vector<Digest>& path) {
    if (old_size == leaves.size()) {
        if (!whole) path.push_back(merkle_root(leaves));
        return;
    }
    const std::uint64_t k = split(leaves.size());
    if (old_size <= k) {
        consistency(leaves.first(k), old_size, whole, path);
        path.push_back(merkle_root(leaves.subspan(k)));
    } else {
        consistency(leaves.subspan(k), old_size - k, false, path);
        path.push_back(merkle_root(leaves.first(k)));
    }
}
}  // namespace

Digest merkle_leaf(ByteView bytes) {
    static constexpr std::array<std::uint8_t, 1> mark{0};
    return digest_of_parts(tag, {mark, bytes});
}

Digest merkle_inner(const Digest& left, const Digest& right) {
    std::array<std::uint8_t, 1 + 2 * Digest::size> bytes{1};
    std::copy(left.bytes.begin(), left.bytes.end(), bytes.begin() + 1);
    std::copy(right.bytes.begin(), right.bytes.end(), bytes.begin() + 1 + Digest::size);
    return digest(tag, bytes);
}

Digest merkle_root(std::span<const Digest> leaves) {
    MerkleFrontier frontier;
    for (const Digest& leaf : leaves)
        frontier.append(leaf);
    return frontier.root();
}

MerkleTree::MerkleTree(std::vector<Digest> leaves) {
    levels_.push_back(std::move(leaves));
    while (levels_.back().size() > 1) {
        const std::vector<Digest>& below = levels_.back();
        std::vector<Digest> level;
        level.reserve((below.size() + 1) / 2);
        for (std::size_t i = 0; i + 1 < below.size(); i += 2)
            level.push_back(merkle_inner(below[i], below[i + 1]));
        if (below.size() % 2 == 1) level.push_back(below.back());
        levels_.push_back(std::move(level));
    }
}

std::vector<Digest> MerkleTree::path(std::uint64_t index) const {
    KILTER_CHECK(index < levels_.front().size(), "no such leaf");
    std::vector<Digest> path;
    for (const std::vector<Digest>& level : levels_) {
        if ((index ^ 1) < level.size()) path.push_back(level[index ^ 1]);
        index /= 2;
    }
    return path;
}

std::vector<Digest> inclusion_path(std::span<const Digest> leaves, std::uint64_t index) {
    return MerkleTree({leaves.begin(), leaves.end()}).path(index);
}

bool included(const Digest& leaf,
              std::uint64_t index,
              std::uint64_t size,
              std::span<const Digest> path,
              const Digest& root) {
    if (index >= size) return false;
    std::uint64_t at = index;
    std::uint64_t last = size - 1;
    Digest hash = leaf;
    for (const Digest& sibling : path) {
        if (last == 0) return false;
        if ((at & 1) != 0 || at == last) {
            hash = merkle_inner(sibling, hash);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = merkle_inner(hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && hash == root;
}

std::vector<Digest> consistency_path(std::span<const Digest> leaves, std::uint64_t old_size) {
    KILTER_CHECK(old_size > 0 && old_size <= leaves.size(), "not a prefix of the tree");
    std::vector<Digest> path;
    consistency(leaves, old_size, true, path);
    return path;
}

bool consistent(std::uint64_t old_size,
                const Digest& old_root,
                std::uint64_t new_size,
                const Digest& new_root,
                std::span<const Digest> path) {
    if (old_size > new_size) return false;
    if (old_size == 0) return path.empty() && old_root == merkle_root({});
    if (old_size == new_size) return path.empty() && old_root == new_root;
    std::uint64_t at = old_size - 1;
    std::uint64_t last = new_size - 1;
    while ((at & 1) != 0) {
        at >>= 1;
        last >>= 1;
    }
    // A perfect old tree is itself the first vertex of the path.
    if (!std::has_single_bit(old_size) && path.empty()) return false;
    Digest old_hash = old_root;
    if (!std::has_single_bit(old_size)) {
        old_hash = path.front();
        path = path.subspan(1);
    }
    Digest new_hash = old_hash;
    for (const Digest& vertex : path) {
        if (last == 0) return false;
        if ((at & 1) != 0 || at == last) {
            old_hash = merkle_inner(vertex, old_hash);
            new_hash = merkle_inner(vertex, new_hash);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = merkle_inner(new_hash, vertex);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && old_hash == old_root && new_hash == new_root;
}

void MerkleFrontier::append(const Digest& leaf) {
    // The trailing ones of the size are the subtrees that the new leaf completes.
    Digest hash = leaf;
    for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
        hash = merkle_inner(peaks_.back(), hash);
        peaks_.pop_back();
    }
    peaks_.push_back(hash);
    ++size_;
}

std::optional<MerkleFrontier> MerkleFrontier::from(std::uint64_t size, std::vector<Digest> peaks) {
    if (static_cast<std::size_t>(std::popcount(size)) != peaks.size()) return std::nullopt;
    MerkleFrontier out;
    out.size_ = size;
    out.peaks_ = std::move(peaks);
    return out;
}

Digest MerkleFrontier::root() const {
    if (peaks_.empty()) return digest(tag, {});
    Digest hash = peaks_.back();
    for (std::size_t i = peaks_.size() - 1; i-- > 0;)
        hash = merkle_inner(peaks_[i], hash);
    return hash;
}

}  // namespace kilter::crypto
