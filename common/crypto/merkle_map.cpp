#include "common/crypto/merkle_map.hpp"

#include <array>
#include <cstring>

#include "common/crypto/digest_parts.hpp"

namespace kilter::crypto {

/// Either a leaf (a pair) or a branch (children by the next four bits of the path).
struct MerkleMap::Vertex {
    explicit Vertex(bool is_leaf) : leaf(is_leaf) {}

    std::uint32_t links = 0;
    bool leaf;
    bool hashed = false;    // digest is the content's
    std::size_t bytes = 0;  // of the pairs below, as a piece
    Digest digest;

    const Digest& root();
};

namespace {
using Vertex = MerkleMap::Vertex;
using Link = MerkleMap::Link;

struct Leaf : Vertex {
    Leaf(const Digest& at, Bytes content) : Vertex(true), path(at), value(std::move(content)) {
        bytes = Digest::size + 4 + value.size();
    }

    Digest path;  // H("key", key)
    Bytes value;
};

struct Branch : Vertex {
    Branch() : Vertex(false) {}

    std::array<Link, 16> children;
};

Leaf& leaf_at(Vertex& vertex) {
    return static_cast<Leaf&>(vertex);
}

Branch& branch_at(Vertex& vertex) {
    return static_cast<Branch&>(vertex);
}

Digest path_of(ByteView key) {
    return crypto::digest("key", key);
}

std::size_t nibble(const Digest& path, std::size_t depth) {
    const std::uint8_t byte = path.bytes[depth / 2];
    return depth % 2 == 0 ? byte >> 4 : byte & 15;
}

std::size_t bytes_of(const Link& link) {
    return link ? link->bytes : 0;
}

Link leaf_of(const Digest& path, Bytes value) {
    return Link(new Leaf(path, std::move(value)));
}

/// The branch behind a link, which leads to nothing else than this version once it returns.
Branch& own_branch(Link& at) {
    if (at.shared()) {
        const Branch& before = branch_at(*at);
        auto* copy = new Branch;
        copy->bytes = before.bytes;
        copy->children = before.children;
        at = Link(copy);
    }
    at->hashed = false;
    return branch_at(*at);
}

void insert(Link& at, const Link& leaf, std::size_t depth) {
    const Digest& path = leaf_at(*leaf).path;
    if (!at || (at->leaf && leaf_at(*at).path == path)) {
        at = leaf;
        return;
    }
    if (at->leaf) {
        auto* above = new Branch;
        above->bytes = at->bytes;
        above->children[nibble(leaf_at(*at).path, depth)] = at;
        at = Link(above);
    }
    Branch& branch = own_branch(at);
    Link& child = branch.children[nibble(path, depth)];
    branch.bytes -= bytes_of(child);
    insert(child, leaf, depth + 1);
    branch.bytes += bytes_of(child);
}

/// A branch that is left with one leaf becomes that leaf, so that the shape depends on the content alone.
/// REQUIRES: the path is there.
void remove(Link& at, const Digest& path, std::size_t depth) {
    if (at->leaf) {
        at = {};
        return;
    }
    Branch& branch = own_branch(at);
    Link& child = branch.children[nibble(path, depth)];
    branch.bytes -= bytes_of(child);
    remove(child, path, depth + 1);
    branch.bytes += bytes_of(child);
    if (child && !child->leaf) return;
    const Link* only = nullptr;
    for (const Link& one : branch.children) {
        if (!one) continue;
        if (only != nullptr) return;
        only = &one;
    }
    if (only != nullptr && (*only)->leaf) at = Link(*only);
}
}  // namespace

MerkleMap::Link::Link(Vertex* fresh) : to_(fresh) {
    ++fresh->links;
}

MerkleMap::Link::Link(const Link& other) noexcept : to_(other.to_) {
    if (to_ != nullptr) ++to_->links;
}

MerkleMap::Link::~Link() {
    if (to_ == nullptr || --to_->links > 0) return;
    if (to_->leaf)
        delete &leaf_at(*to_);
    else
        delete &branch_at(*to_);
}

bool MerkleMap::Link::shared() const {
    return to_->links > 1;
}

const Digest& MerkleMap::Vertex::root() {
    if (hashed) return digest;
    if (leaf) {
        const Leaf& self = leaf_at(*this);
        static constexpr std::array<std::uint8_t, 1> mark{0};
        digest = digest_of_parts("map", {mark, self.path.view(), self.value});
    } else {
        std::array<std::uint8_t, 1 + 16 * Digest::size> bytes_hashed{1};
        std::uint8_t* to = bytes_hashed.data() + 1;
        for (const Link& child : branch_at(*this).children) {
            if (child) std::memcpy(to, child->root().bytes.data(), Digest::size);
            to += Digest::size;
        }
        digest = crypto::digest("map", bytes_hashed);
    }
    hashed = true;
    return digest;
}

const Bytes* MerkleMap::find(ByteView key) const {
    const Digest path = path_of(key);
    Vertex* at = root_.get();
    for (std::size_t depth = 0; at != nullptr && !at->leaf; ++depth)
        at = branch_at(*at).children[nibble(path, depth)].get();
    return at != nullptr && leaf_at(*at).path == path ? &leaf_at(*at).value : nullptr;
}

void MerkleMap::set(ByteView key, Bytes value) {
    insert(root_, leaf_of(path_of(key), std::move(value)), 0);
}

void MerkleMap::erase(ByteView key) {
    if (find(key) != nullptr) remove(root_, path_of(key), 0);
}

MerkleMap MerkleMap::with(ByteView key, Bytes value) const {
    MerkleMap out = *this;
    out.set(key, std::move(value));
    return out;
}

MerkleMap MerkleMap::without(ByteView key) const {
    MerkleMap out = *this;
    out.erase(key);
    return out;
}

Digest MerkleMap::root() const {
    return root_ ? root_->root() : Digest{};
}

std::optional<Bytes> MerkleMap::prove(ByteView key) const {
    const Digest path = path_of(key);
    ByteWriter out;
    Vertex* at = root_.get();
    for (std::size_t depth = 0; at != nullptr && !at->leaf; ++depth) {
        const Branch& branch = branch_at(*at);
        const std::size_t own = nibble(path, depth);
        std::uint16_t present = 0;
        ByteWriter digests;
        for (std::size_t i = 0; i < branch.children.size(); ++i) {
            if (i == own || !branch.children[i]) continue;
            present = static_cast<std::uint16_t>(present | 1u << i);
            digests.raw(branch.children[i]->root().view());
        }
        out.u16(present).raw(digests.bytes());
        at = branch.children[own].get();
    }
    if (at == nullptr || leaf_at(*at).path != path) return std::nullopt;
    return std::move(out).bytes();
}

bool proves(ByteView proof, const Digest& root, ByteView key, ByteView value) {
    struct Level {
        std::array<Digest, 16> children{};
    };

    const Digest path = path_of(key);
    std::vector<Level> levels;
    for (ByteReader in(proof); in.left() > 0;) {
        if (levels.size() == 2 * Digest::size) return false;
        const std::size_t own = nibble(path, levels.size());
        const std::uint16_t present = in.u16();
        Level level;
        for (std::size_t i = 0; i < 16; ++i)
            if ((present >> i & 1u) != 0 && (level.children[i] = in.fixed<Digest>()).is_zero())
                return false;  // its bit says that it is there
        if (in.failed() || (present >> own & 1u) != 0) return false;
        levels.push_back(level);
    }
    static constexpr std::array<std::uint8_t, 1> mark{0};
    Digest at = digest_of_parts("map", {mark, path.view(), value});
    for (std::size_t depth = levels.size(); depth-- > 0;) {
        levels[depth].children[nibble(path, depth)] = at;
        ByteWriter branch;
        branch.u8(1);
        for (const Digest& child : levels[depth].children)
            branch.raw(child.view());
        at = digest("map", branch.bytes());
    }
    return at == root;
}

namespace {
constexpr std::uint8_t nothing = 0, branch_mark = 1, piece_mark = 2;
constexpr std::size_t depth_max = 2 * Digest::size;

void write_pairs(Vertex& at, ByteWriter& out) {
    if (at.leaf) {
        const Leaf& leaf = leaf_at(at);
        out.raw(leaf.path.view())
            .u32(static_cast<std::uint32_t>(leaf.value.size()))
            .raw(leaf.value);
        return;
    }
    for (const Link& child : branch_at(at).children)
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
        insert(top, leaf_of(path, to_bytes(value)), prefix.size());
    }
    return top;
}

void hang(Link& at, const Bytes& prefix, std::size_t depth, const Link& piece) {
    if (depth == prefix.size()) {
        at = piece;
        return;
    }
    if (!at) at = Link(new Branch);
    Branch& branch = branch_at(*at);
    hang(branch.children[prefix[depth]], prefix, depth + 1, piece);
    branch.bytes += piece->bytes;
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
                again(again, branch_at(*at).children[i]);
                prefix.pop_back();
            }
        }
    };
    cut(cut, root_);
    out.encoded_ = std::move(bytes).bytes();
    return out;
}

Bytes MerkleMap::piece(const MerkleOutline& outline, std::size_t number) const {
    Vertex* at = root_.get();
    for (const std::uint8_t step : outline.pieces_.at(number).prefix)
        at = branch_at(*at).children[step].get();
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
        hang(out.root_, pieces_[i].prefix, 0, *top);
    }
    return out;
}

}  // namespace kilter::crypto
