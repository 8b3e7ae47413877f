/// What the log holds: an opaque body under an author's signature. Its meaning is settlement's
/// (ledger.hpp).
///
/// Bytes: version u8 | type u8 | author 32 | seq u64 | expires_ms i64 | key length u8 | key | body
/// length u32 | body | signature 64. The id is H("entry", all of it but the signature), so
/// malleable signatures make no second id.
#pragma once

#include <memory>
#include <vector>

#include "common/base/result.hpp"
#include "common/consensus/types.hpp"

namespace kilter::consensus {

/// Types are settlement's; the log only carries the number (0 is never valid).
using EntryType = std::uint8_t;
inline constexpr std::uint8_t entry_version = 1;

struct Entry {
    std::uint8_t version = entry_version;
    EntryType type = 0;
    PublicKey author;
    std::uint64_t seq = 0;  ///< the author's own counter; makes equal bodies distinct entries
    UnixMs expires_ms = 0;  ///< no block later than this may hold it; at most a day ahead
    Bytes key;   ///< semantic key: at most one entry of the log has it; empty = none; <= 64 bytes
    Bytes body;  ///< <= 16 KiB
    Signature signature;

    bool operator==(const Entry&) const = default;
};

Bytes encode(const Entry& entry);
/// Strict: everything there, nothing over, lengths in bounds, version known.
Result<Entry> decode_entry(ByteView bytes);

/// Fills author and signature. REQUIRES: key and body within their limits.
void sign(Entry& entry, const ChainId& chain, const crypto::Identity& author);

/// An entry with what is computed from it once: immutable, shared between mempool, blocks and
/// messages.
struct SealedEntry {
    Entry entry;
    Bytes encoded;
    EntryId id;
    Digest leaf;  ///< merkle_leaf(encoded): names id and signature together
};

using EntryPtr = std::shared_ptr<const SealedEntry>;

EntryPtr seal(Entry entry);
Result<EntryPtr> decode_sealed(ByteView bytes);

/// True iff the author signed this entry for this chain.
bool verify(const SealedEntry& entry, const ChainId& chain);

}  // namespace kilter::consensus
