/// An immutable map from bytes to bytes with a digest of its content: a 16-way trie over H("key", key), one pair per
/// leaf, digests computed once per vertex and shared between versions. A new version costs O(log size); its root only
/// the vertices that changed. Equal contents have equal roots, whatever the order in which they came to be.
#pragma once

#include <memory>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/crypto/digest.hpp"

namespace kilter::settlement {

class MerkleMap {
  public:
    /// Null: not there. The pointer lives as long as any version that holds the pair.
    [[nodiscard]] const Bytes* find(ByteView key) const;
    [[nodiscard]] MerkleMap with(ByteView key, Bytes value) const;
    /// The same map if the key is not there.
    [[nodiscard]] MerkleMap without(ByteView key) const;
    /// Of the empty map: zero.
    [[nodiscard]] crypto::Digest root() const;

    struct Vertex;
    using Link = std::shared_ptr<const Vertex>;

  private:
    Link root_;
};

}  // namespace kilter::settlement
