/// What replicas say to each other, and one canonical codec: tag u8, then fixed-width little-endian
/// fields. Decoding is total, bounded, and refuses trailing bytes, so what decodes re-encodes to
/// the same bytes.
#pragma once

#include <variant>
#include <vector>

#include "common/consensus/snapshot.hpp"

namespace kilter::consensus {

/// The leader's block; its own notar vote is its signature, so two blocks of one leader and view
/// are a double vote.
struct Proposal {
    BlockPtr block;
    Vote vote;
};

/// Where the sender stands; asks for what it lacks.
struct Status {
    Epoch epoch = 0;
    View view = 0;
    View final_view = 0;
    Height final_height = 0;
    BlockHash final_hash;
    bool operator==(const Status&) const = default;
};

struct GetBlock {
    BlockHash hash;
    bool operator==(const GetBlock&) const = default;
};

struct BlockReply {
    BlockPtr block;
};

/// Finalised blocks of heights [from, to], to <= from + range_blocks_max.
struct GetRange {
    Height from = 0;
    Height to = 0;
    bool operator==(const GetRange&) const = default;
};

/// Consecutive finalised blocks, oldest first. The last one is final by its own certificate, by the proof of the epoch that
/// it ends, which the receiver has, or else by what follows the blocks.
struct Range {
    std::vector<FinalBlock> blocks;
    std::optional<CertifiedHeader> tail = {};  ///< of the last block; there iff needs_tail(blocks)
};

/// The last block has no certificate of its own and does not end its epoch. REQUIRES: there is one.
[[nodiscard]] bool needs_tail(const std::vector<FinalBlock>& blocks);

/// Entries on their way to whoever leads: 1 to block_entries_max, together at most block_bytes_max bytes.
struct Submit {
    std::vector<EntryPtr> entries;
};

/// The answer to a GetRange that begins below what the sender still holds, is a Manifest.

/// Asks for a piece of the snapshot at this height.
struct GetPiece {
    Height height = 0;
    std::uint32_t number = 0;
    bool operator==(const GetPiece&) const = default;
};

struct Piece {
    Height height = 0;
    std::uint32_t number = 0;
    Bytes bytes;
    bool operator==(const Piece&) const = default;
};

using Message = std::variant<Proposal,
                             Vote,
                             Cert,
                             Status,
                             GetBlock,
                             BlockReply,
                             GetRange,
                             Range,
                             Submit,
                             EpochProof,
                             Manifest,
                             GetPiece,
                             Piece>;

Bytes encode(const Message& message);
Result<Message> decode(ByteView bytes, EntryCache* cache = nullptr);

}  // namespace kilter::consensus
