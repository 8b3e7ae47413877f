/// Proof that an entry is on the log for good, checked against nothing but the genesis validators
/// and the chain id. Size at 4 replicas: about 0.7 kB and the entry, and the proofs of the log's epochs, which who knows
/// them already can do without: such a receipt is called short, the other whole.
#pragma once

#include <span>
#include <vector>

#include "common/consensus/effects.hpp"
#include "common/consensus/epoch.hpp"

namespace kilter::consensus {

struct Receipt {
    Entry entry;
    EntryIndex index = 0;             ///< position in the log
    std::vector<Digest> path;         ///< from the entry's leaf to header.payload_root
    Header header;                    ///< of the entry's block
    std::vector<Header> descendants;  ///< header's child ... the certified block; empty if header's
                                      ///< block is certified
    Cert certificate;                 ///< final, of the last of these
    std::vector<EpochProof> epochs;   ///< from epoch 1 to the header's; none: short, or of epoch 0
    bool operator==(const Receipt&) const = default;
};

enum class ReceiptVerdict : std::uint8_t {
    valid,
    wrong_chain,    ///< another log, epoch or validator set
    unknown_epoch,  ///< short, and its epoch is not known here
    not_included,   ///< index, path and payload root do not fit the entry
    not_linked,     ///< descendants do not chain from the header
    not_certified,  ///< no quorum finalised it
    bad_signature,  ///< the entry's author did not sign it
};
/// What to tell a person about a verdict other than valid.
const char* describe(ReceiptVerdict verdict);

/// `epochs`: from 1 on, at least up to the block's. REQUIRES: position < final.block->entries.size().
Receipt make_receipt(const Finalised& final,
                     std::size_t position,
                     const std::vector<EpochProof>& epochs = {});

/// Of several entries of one block. REQUIRES: each position < final.block->entries.size().
std::vector<Receipt> make_receipts(const Finalised& final,
                                   std::span<const std::size_t> positions,
                                   const std::vector<EpochProof>& epochs = {});

/// Without proofs of epochs.
Receipt shortened(Receipt receipt);
/// A short one with the proofs of `known`; as it is where these do not reach its epoch.
Receipt whole(Receipt receipt, const EpochTable& known);

/// Total. `known`: the epochs proved so far, at least genesis'. Of a whole receipt only genesis' counts, and all else has to
/// follow. n = 4: four signature checks, and for a whole receipt three per epoch since.
ReceiptVerdict verify(const Receipt& receipt, const EpochTable& known);
ReceiptVerdict verify(const Receipt& receipt, const ChainId& chain, const ValidatorSet& genesis);
/// As if it were short, by who knows that these are the members of its epoch.
ReceiptVerdict verify_in_epoch(const Receipt& receipt,
                               const ChainId& chain,
                               const ValidatorSet& members);

/// Proof that one final header's log extends another's: nothing was taken back, changed or put in between.
struct ConsistencyProof {
    CertifiedHeader older, newer;
    std::vector<Digest> path;  ///< RFC 9162, 2.1.4, between the two log roots
    std::vector<EpochProof> epochs;
    bool operator==(const ConsistencyProof&) const = default;
};

enum class ConsistencyVerdict : std::uint8_t {
    consistent,
    wrong_chain,
    not_certified,
    not_consistent
};
ConsistencyVerdict verify(const ConsistencyProof& proof,
                          const ChainId& chain,
                          const ValidatorSet& genesis);

Bytes encode(const ConsistencyProof& proof);
Result<ConsistencyProof> decode_consistency_proof(ByteView bytes);

Bytes encode(const Receipt& receipt);
Result<Receipt> decode_receipt(ByteView bytes);

}  // namespace kilter::consensus
