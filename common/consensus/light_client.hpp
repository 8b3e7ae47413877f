/// Proof that an entry is on the log for good, checked against nothing but the genesis validators
/// and the chain id. Size at 4 replicas: about 0.7 kB and the entry.
#pragma once

#include <vector>

#include "common/consensus/block.hpp"
#include "common/consensus/effects.hpp"

namespace kilter::consensus {

struct Receipt {
    Entry entry;
    EntryIndex index = 0;             ///< position in the log
    std::vector<Digest> path;         ///< from the entry's leaf to header.payload_root
    Header header;                    ///< of the entry's block
    std::vector<Header> descendants;  ///< header's child ... the certified block; empty if header's
                                      ///< block is certified
    Cert certificate;                 ///< final, of the last of these
    bool operator==(const Receipt&) const = default;
};

enum class ReceiptVerdict : std::uint8_t {
    valid,
    wrong_chain,    ///< another log, epoch or validator set
    not_included,   ///< index, path and payload root do not fit the entry
    not_linked,     ///< descendants do not chain from the header
    not_certified,  ///< no quorum finalised it
    bad_signature,  ///< the entry's author did not sign it
};
/// What to tell a person about a verdict other than valid.
const char* describe(ReceiptVerdict verdict);

/// REQUIRES: position < final.block->entries.size().
Receipt make_receipt(const Finalised& final, std::size_t position);

/// Total. n = 4: three or four signature checks.
ReceiptVerdict verify(const Receipt& receipt, const ChainId& chain, const ValidatorSet& validators);

Bytes encode(const Receipt& receipt);
Result<Receipt> decode_receipt(ByteView bytes);

}  // namespace kilter::consensus
