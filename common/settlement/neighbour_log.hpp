/// Entries about the log of a neighbouring feeder.
///
/// *Neighbour log*: this log knows the other one from now on, by its genesis document, from which everything on it can be
/// checked. Author: who may change the roster.
///
/// *Anchor*: a head of the other log with its certificate. Whoever later shows another block at that height is caught, also
/// when all who order the other log should conspire. Author: a coordinator, or who may change the roster. From version 3 of
/// the rule "ledger" on this log keeps the members of every epoch that an anchor proved: later anchors and receipts do without
/// those proofs, which would outgrow an entry.
#pragma once

#include <functional>

#include "common/consensus/epoch.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType neighbour_log_entry = 12;
inline constexpr consensus::EntryType anchor_entry = 13;

struct Anchor {
    ChainId chain;  ///< of the other log
    consensus::CertifiedHeader head;
    std::vector<consensus::EpochProof>
        epochs;  ///< of the other log, up to the head's: from epoch 1, or from one that is proved
    bool operator==(const Anchor&) const = default;
};

Bytes encode(const Anchor& anchor);
/// Strict and total; what it is worth, verify() says.
Result<Anchor> decode_anchor(ByteView bytes);

enum class AnchorVerdict : std::uint8_t {
    certified,
    unknown_epoch,  ///< its proofs, or if it has none its head, are of an epoch whose members nobody knows here
    not_certified,  ///< by the members that follow
    closing,        ///< certified, but a closing block: forgotten with its epoch
    outlived,       ///< certified above the end of its epoch: by who had no say any more
};
/// The members of an epoch of the other log; nothing: not proved here.
using MembersOf = std::function<std::optional<consensus::ValidatorSet>(consensus::Epoch)>;
AnchorVerdict verify(const Anchor& anchor, const MembersOf& members_of);
/// What is wrong with it, for whoever hands it in.
const char* describe(AnchorVerdict verdict);

/// What a log remembers of another's newest anchor.
struct AnchoredHead {
    consensus::Height height = 0;
    consensus::BlockHash block;
    Digest log_root;
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
