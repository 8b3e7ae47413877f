/// Entries about the log of a neighbouring feeder.
///
/// *Neighbour log*: this log knows the other one from now on, by its genesis document, from which everything on it can be
/// checked. Author: who may change the roster.
///
/// *Anchor*: a head of the other log with its certificate. Whoever later shows another block at that height is caught, also
/// when all who order the other log should conspire. Author: a coordinator, or who may change the roster.
#pragma once

#include "common/consensus/epoch.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType neighbour_log_entry = 12;
inline constexpr consensus::EntryType anchor_entry = 13;

struct Anchor {
    ChainId chain;  ///< of the other log
    consensus::CertifiedHeader head;
    std::vector<consensus::EpochProof> epochs;  ///< of the other log, from epoch 1 to the head's
    bool operator==(const Anchor&) const = default;
};

Bytes encode(const Anchor& anchor);
/// Strict and total; what it is worth, verify() says.
Result<Anchor> decode_anchor(ByteView bytes);

enum class AnchorVerdict : std::uint8_t {
    certified,
    not_certified,  ///< by the validators that follow from those of the other log's genesis
    closing,        ///< certified, but a closing block: forgotten with its epoch
    outlived,       ///< certified above the end of its epoch: by who had no say any more
};
AnchorVerdict verify(const Anchor& anchor, const consensus::ValidatorSet& genesis);
/// What is wrong with it, for whoever hands it in.
const char* describe(AnchorVerdict verdict);

/// What a log remembers of another's newest anchor.
struct AnchoredHead {
    consensus::Height height = 0;
    consensus::BlockHash block;
    Digest log_root;
    consensus::Epoch epoch = 0;  ///< 0 also where an anchor under version 1 or 2 left none
    bool operator==(const AnchoredHead&) const = default;
};

AnchoredHead head_of(const Anchor& anchor);

/// Semantic keys: one per log; one per log and height.
Bytes neighbour_log_key(const ChainId& chain);
Bytes anchor_key(const ChainId& chain, consensus::Height height);

consensus::EntryPtr make_entry(const Genesis& neighbour,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);
consensus::EntryPtr make_entry(const Anchor& anchor,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);

}  // namespace kilter::settlement
