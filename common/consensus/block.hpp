/// Blocks: a header that commits to everything, the entries, and the certificates that justify its
/// place.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/consensus/entry_cache.hpp"
#include "common/consensus/vote.hpp"

namespace kilter::consensus {

struct Header {
    ChainId chain;
    Epoch epoch = 0;
    View view = 0;
    View parent_view = 0;
    BlockHash parent_hash;  ///< of the first block: genesis_hash(chain)
    Height height = 0;
    EntryIndex first_index = 0;
    std::uint32_t count = 0;
    Digest payload_root;  ///< Merkle root over this block's entries
    Digest log_root;      ///< Merkle root over all entries [0, first_index + count)
    Digest state_root;    ///< of the ledger after this block
    UnixMs time_ms = 0;   ///< strictly later than the parent's
    ReplicaIndex proposer = 0;
    Digest validators;       ///< hash of the validator set that certifies this block
    Digest next_validators;  ///< zero: unchanged
    bool closing = false;    ///< above the block that ends the epoch: empty
    bool operator==(const Header&) const = default;
};

inline constexpr std::size_t header_bytes =
    32 + 3 * 8 + 32 + 2 * 8 + 4 + 3 * 32 + 8 + 2 + 2 * 32 + 1;

Bytes encode(const Header& header);
/// H("hdr", encode(header)).
BlockHash hash(const Header& header);
/// The hash that stands for genesis as a parent: the chain id itself.
BlockHash genesis_hash(const ChainId& chain);

/// Why a block may stand where it stands. Complete, or completed by skip certificates the receiver
/// already holds.
struct Justification {
    std::optional<Cert>
        parent;  ///< notar or final certificate of the parent; absent iff that is the epoch's base
    std::vector<Cert> skips;  ///< ascending views inside (parent_view, view)
    bool operator==(const Justification&) const = default;
};

/// Immutable and shared once made.
struct Block {
    Header header;
    std::vector<EntryPtr> entries;
    Justification justification;
    BlockHash hash;  ///< computed, never transmitted
};

using BlockPtr = std::shared_ptr<const Block>;

/// A finalised block as a store hands it out. Without a certificate of its own it is final through
/// a descendant's.
struct FinalBlock {
    BlockPtr block;
    std::optional<Cert> certificate;  ///< kind final, of this block
};

/// The Merkle leaves of a block's entries, in order.
std::vector<Digest> leaves(const Block& block);

void write(ByteWriter& out, const Header& header);
void write(ByteWriter& out, const Block& block);
void write(ByteWriter& out, const FinalBlock& final);
std::optional<Header> read_header(ByteReader& in);
/// Per entry: length u32 | entry. Together at most block_bytes_max. REQUIRES: count is within its limit.
/// `cache`: where entries seen before are found; null: none.
std::optional<std::vector<EntryPtr>> read_entries(ByteReader& in,
                                                  std::size_t count,
                                                  EntryCache* cache = nullptr);
/// Total and bounded: counts and sizes against limits before anything is allocated; count equals
/// header.count. Does not check roots or signatures.
std::optional<BlockPtr> read_block(ByteReader& in, EntryCache* cache = nullptr);
/// A certificate that is there is of kind final and names this block.
std::optional<FinalBlock> read_final_block(ByteReader& in);

}  // namespace kilter::consensus
