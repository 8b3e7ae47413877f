#include "common/settlement/merkle_map.hpp"

#include <array>

namespace kilter::settlement {

using crypto::Digest;

/// Either a leaf (a pair) or a branch (children by the next four bits of the path).
struct MerkleMap::Vertex {
    bool leaf = false;
    Digest path;  // leaf: H("key", key)
    Bytes value;
    std::array<Link, 16> children;
    mutable std::optional<Digest>
        digest;  // computed on demand; states are used by one thread at a time

    [[nodiscard]] const Digest& root() const {
        if (!digest) {
            ByteWriter out;
            out.u8(leaf ? 0 : 1);
            if (leaf) {
                out.raw(path.view()).raw(value);
            } else {
                for (const Link& child : children)
                    out.raw(child ? child->root().view() : Digest{}.view());
            }
            digest = crypto::digest("map", out.bytes());
        }
        return *digest;
    }
};

namespace {
using Vertex = MerkleMap::Vertex;
using Link = MerkleMap::Link;

Digest path_of(ByteView key) {
    return crypto::digest("key", key);
}

std::size_t nibble(const Digest& path, std::size_t depth) {
    const std::uint8_t byte = path.bytes[depth / 2];
    return depth % 2 == 0 ? byte >> 4 : byte & 15;
}

Link insert(const Link& at, const Link& leaf, std::size_t depth) {
    if (!at || (at->leaf && at->path == leaf->path)) return leaf;
    auto branch = std::make_shared<Vertex>();
    if (at->leaf)
        branch->children[nibble(at->path, depth)] = at;
    else
        branch->children = at->children;
    Link& child = branch->children[nibble(leaf->path, depth)];
    child = insert(child, leaf, depth + 1);
    return branch;
}

/// A branch that is left with one leaf becomes that leaf, so that the shape depends on the content alone.
Link remove(const Link& at, const Digest& path, std::size_t depth) {
    if (!at) return at;
    if (at->leaf) return at->path == path ? nullptr : at;
    const Link& before = at->children[nibble(path, depth)];
    const Link after = remove(before, path, depth + 1);
    if (after == before) return at;
    auto branch = std::make_shared<Vertex>();
    branch->children = at->children;
    branch->children[nibble(path, depth)] = after;
    Link only;
    std::size_t count = 0;
    for (const Link& child : branch->children)
        if (child) {
            ++count;
            only = child;
        }
    if (count == 1 && only->leaf) return only;
    return branch;
}
}  // namespace

const Bytes* MerkleMap::find(ByteView key) const {
    const Digest path = path_of(key);
    const Vertex* at = root_.get();
    for (std::size_t depth = 0; at != nullptr && !at->leaf; ++depth)
        at = at->children[nibble(path, depth)].get();
    return at != nullptr && at->path == path ? &at->value : nullptr;
}

MerkleMap MerkleMap::with(ByteView key, Bytes value) const {
    auto leaf = std::make_shared<Vertex>();
    leaf->leaf = true;
    leaf->path = path_of(key);
    leaf->value = std::move(value);
    MerkleMap out;
    out.root_ = insert(root_, leaf, 0);
    return out;
}

MerkleMap MerkleMap::without(ByteView key) const {
    MerkleMap out;
    out.root_ = remove(root_, path_of(key), 0);
    return out;
}

Digest MerkleMap::root() const {
    return root_ ? root_->root() : Digest{};
}

}  // namespace kilter::settlement
