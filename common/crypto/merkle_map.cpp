#include "common/crypto/merkle_map.hpp"

#include <array>

namespace kilter::crypto {

/// Either a leaf (a pair) or a branch (children by the next four bits of the path).
struct MerkleMap::Vertex {
    bool leaf = false;
    Digest path;  // leaf: H("key", key)
    Bytes value;
    std::array<Link, 16> children;
    std::size_t bytes = 0;  // of the pairs below, as a piece
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

std::size_t sum(const std::array<Link, 16>& children) {
    std::size_t bytes = 0;
    for (const Link& child : children)
        if (child) bytes += child->bytes;
    return bytes;
}

Link leaf_of(const Digest& path, Bytes value) {
    auto leaf = std::make_shared<Vertex>();
    leaf->leaf = true;
    leaf->path = path;
    leaf->bytes = Digest::size + 4 + value.size();
    leaf->value = std::move(value);
    return leaf;
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
    branch->bytes = sum(branch->children);
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
    branch->bytes = sum(branch->children);
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
    MerkleMap out;
    out.root_ = insert(root_, leaf_of(path_of(key), std::move(value)), 0);
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

namespace {
constexpr std::uint8_t nothing = 0, branch_mark = 1, piece_mark = 2;
constexpr std::size_t depth_max = 2 * Digest::size;

void write_pairs(const Vertex& at, ByteWriter& out) {
    if (at.leaf) {
        out.raw(at.path.view()).u32(static_cast<std::uint32_t>(at.value.size())).raw(at.value);
        return;
    }
    for (const Link& child : at.children)
        if (child) write_pairs(*child, out);
}

/// A piece's subtree, which hangs below `prefix`. None: malformed, or a pair that does not belong there.
std::optional<Link> subtree(const Bytes& prefix, ByteView bytes) {
    Link top;
    ByteReader in(bytes);
    while (in.left() > 0) {
        const auto path = in.fixed<Digest>();
        const ByteView value = in.raw(in.u32());
        if (in.failed()) return std::nullopt;
        for (std::size_t depth = 0; depth < prefix.size(); ++depth)
            if (nibble(path, depth) != prefix[depth]) return std::nullopt;
        top = insert(top, leaf_of(path, to_bytes(value)), prefix.size());
    }
    return top;
}

Link hang(const Link& at, const Bytes& prefix, std::size_t depth, const Link& piece) {
    if (depth == prefix.size()) return piece;
    auto branch = std::make_shared<Vertex>();
    if (at) branch->children = at->children;
    Link& child = branch->children[prefix[depth]];
    child = hang(child, prefix, depth + 1, piece);
    branch->bytes = sum(branch->children);
    return branch;
}
}  // namespace

MerkleOutline MerkleMap::outline(std::size_t piece_bytes) const {
    MerkleOutline out;
    ByteWriter bytes;
    Bytes prefix;
    const auto cut = [&](const auto& again, const Link& at) -> void {
        if (!at) {
            bytes.u8(nothing);
        } else if (at->leaf || at->bytes <= piece_bytes) {
            bytes.u8(piece_mark).raw(at->root().view());
            out.pieces_.push_back({prefix, at->root()});
        } else {
            bytes.u8(branch_mark);
            for (std::uint8_t i = 0; i < 16; ++i) {
                prefix.push_back(i);
                again(again, at->children[i]);
                prefix.pop_back();
            }
        }
    };
    cut(cut, root_);
    out.encoded_ = std::move(bytes).bytes();
    return out;
}

Bytes MerkleMap::piece(const MerkleOutline& outline, std::size_t number) const {
    const Vertex* at = root_.get();
    for (const std::uint8_t step : outline.pieces_.at(number).prefix)
        at = at->children[step].get();
    ByteWriter out;
    write_pairs(*at, out);
    return std::move(out).bytes();
}

std::optional<MerkleOutline> MerkleOutline::decode(ByteView bytes, const Digest& root) {
    MerkleOutline out;
    out.encoded_ = to_bytes(bytes);
    ByteReader in(bytes);
    Bytes prefix;
    bool sound = true;
    const auto read = [&](const auto& again) -> Digest {
        const std::uint8_t mark = in.u8();
        if (in.failed() || mark > piece_mark || prefix.size() > depth_max) sound = false;
        if (!sound || mark == nothing) return {};
        if (mark == piece_mark) {
            out.pieces_.push_back({prefix, in.fixed<Digest>()});
            return out.pieces_.back().digest;
        }
        ByteWriter branch;
        branch.u8(1);
        for (std::uint8_t i = 0; i < 16 && sound; ++i) {
            prefix.push_back(i);
            branch.raw(again(again).view());
            prefix.pop_back();
        }
        return digest("map", branch.bytes());
    };
    const Digest found = read(read);
    if (!sound || !in.complete() || found != root) return std::nullopt;
    return out;
}

bool MerkleOutline::fits(std::size_t number, ByteView bytes) const {
    if (number >= pieces_.size()) return false;
    const auto top = subtree(pieces_[number].prefix, bytes);
    return top && *top && (*top)->root() == pieces_[number].digest;
}

std::optional<MerkleMap> MerkleOutline::join(std::span<const Bytes> pieces) const {
    if (pieces.size() != pieces_.size()) return std::nullopt;
    MerkleMap out;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto top = subtree(pieces_[i].prefix, pieces[i]);
        if (!top || !*top || (*top)->root() != pieces_[i].digest) return std::nullopt;
        out.root_ = hang(out.root_, pieces_[i].prefix, 0, *top);
    }
    return out;
}

}  // namespace kilter::crypto
