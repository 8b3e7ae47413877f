/// The words of the log as types.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/bytes.hpp"
#include "common/base/time.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::consensus {

using ChainId =
    FixedBytes<32, struct ChainIdTag>;  ///< digest of the genesis document: names one log
using BlockHash = FixedBytes<32, struct BlockHashTag>;  ///< digest of a header
using EntryId = FixedBytes<32, struct EntryIdTag>;  ///< digest of an entry without its signature
using crypto::Digest;
using crypto::PublicKey;
using crypto::Signature;

using ReplicaIndex = std::uint16_t;               ///< position in the validator set
inline constexpr ReplicaIndex outsider = 0xffff;  ///< no member of the set
using Epoch = std::uint64_t;                      ///< of the validator set; 0 at genesis
using View = std::uint64_t;                       ///< from 1; view 0 is genesis
using Height = std::uint64_t;                     ///< of a block; genesis is 0, the first block 1
using EntryIndex = std::uint64_t;                 ///< position in the log, from 0

/// What a signature is over. Every signed byte string starts with
/// "TELOG1" | kind u8 | chain id 32 | epoch u64 | view u64, so that none can serve as another.
enum class SignedKind : std::uint8_t {
    notar = 1,
    skip = 2,
    final = 3,
    entry = 16,
    clearing = 17,
    epoch_change = 18
};

/// That prefix followed by `payload`. Entries and statements outside views have epoch = view = 0.
Bytes signed_bytes(SignedKind kind, const ChainId& chain, Epoch epoch, View view, ByteView payload);

}  // namespace kilter::consensus
