/// An immutable map from bytes to bytes with a digest of its content: a 16-way trie over H("key", key), one pair per
/// leaf, digests computed once per vertex and shared between versions. A new version costs O(log size); its root only
/// the vertices that changed. Versions of one map belong to one thread. Equal contents have equal roots, whatever the order in which they came to be.
///
///     leaf = H("map", 0 | path 32 | value)      branch = H("map", 1 | sixteen children, zeros for none)
///
/// A map travels in pieces: its outline is the top of the trie, cut where a subtree is small enough, and names every
/// such subtree by its digest. The root follows from the outline alone, so each piece is checked when it comes.
///
/// One pair is proved by the digests beside its path: per branch from the root down a bit per child there is (u16, its own
/// not counted) and their digests.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/crypto/digest.hpp"

namespace kilter::crypto {

class MerkleOutline;

class MerkleMap {
  public:
    /// Null: not there. The pointer lives as long as any version that holds the pair.
    [[nodiscard]] const Bytes* find(ByteView key) const;
    /// Changes this version alone: vertices that others share are copied, its own are changed where they are.
    void set(ByteView key, Bytes value);
    void erase(ByteView key);
    [[nodiscard]] MerkleMap with(ByteView key, Bytes value) const;
    /// The same map if the key is not there.
    [[nodiscard]] MerkleMap without(ByteView key) const;
    /// Of the empty map: zero.
    [[nodiscard]] Digest root() const;

    /// Cut where a subtree's pairs take at most `piece_bytes` (a single pair may take more). The same for equal maps.
    [[nodiscard]] MerkleOutline outline(std::size_t piece_bytes) const;
    /// The pairs of one piece, ascending by path: path 32 | length u32 | value. REQUIRES: the outline is this map's.
    [[nodiscard]] Bytes piece(const MerkleOutline& outline, std::size_t number) const;

    /// That the pair of this key is in a map with this root. None: there is no such pair.
    [[nodiscard]] std::optional<Bytes> prove(ByteView key) const;

    struct Vertex;

    /// Counts the links to a vertex, without a lock: a vertex may be changed while only one leads to it.
    class Link {
      public:
        Link() = default;

        explicit Link(Vertex* fresh);
        Link(const Link& other) noexcept;

        Link(Link&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}

        Link& operator=(const Link& other) noexcept { return *this = Link(other); }

        Link& operator=(Link&& other) noexcept {
            std::swap(to_, other.to_);
            return *this;
        }

        ~Link();

        [[nodiscard]] Vertex* get() const { return to_; }

        Vertex& operator*() const { return *to_; }

        Vertex* operator->() const { return to_; }

        explicit operator bool() const { return to_ != nullptr; }

        [[nodiscard]] bool shared() const;

      private:
        Vertex* to_ = nullptr;
    };

  private:
    friend class MerkleOutline;
    Link root_;
};

/// Total: whether `proof` shows that a map with this root holds this pair.
bool proves(ByteView proof, const Digest& root, ByteView key, ByteView value);

class MerkleOutline {
  public:
    /// None unless it is well formed and leads to this root. Preorder, per vertex: 0 = nothing, 1 = branch (its sixteen
    /// children follow), 2 = piece and its digest.
    static std::optional<MerkleOutline> decode(ByteView bytes, const Digest& root);

    [[nodiscard]] const Bytes& encoded() const { return encoded_; }

    [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }

    /// Total: whether these bytes are that piece.
    [[nodiscard]] bool fits(std::size_t number, ByteView bytes) const;
    /// The whole map. None unless there are all pieces and each fits.
    [[nodiscard]] std::optional<MerkleMap> join(std::span<const Bytes> pieces) const;

  private:
    friend class MerkleMap;

    struct Piece {
        Bytes prefix;  // the path's first nibbles
        Digest digest;
    };

    Bytes encoded_;
    std::vector<Piece> pieces_;
};

}  // namespace kilter::crypto
