/// Who decides, and how that changes. An EpochChange entry, signed by a quorum of the members, ends its epoch with the
/// block that holds it; the next epoch's set of validators takes over once that block is final. The blocks after it in
/// the old epoch are empty (closing), serve to make it final, and are then forgotten.
///
/// Views go on counting: the first view of an epoch is the one after its base, which is the block that ended the epoch
/// before (genesis for epoch 0).
#pragma once

#include <optional>
#include <vector>

#include "common/consensus/block.hpp"

namespace kilter::consensus {

/// A header with the proof that its block is final.
struct CertifiedHeader {
    Header header;
    std::vector<Header>
        descendants;  ///< header's child ... the certified block; empty if header's block is certified
    Cert certificate;  ///< final, of the last of these
    bool operator==(const CertifiedHeader&) const = default;
};

enum class HeaderVerdict : std::uint8_t { certified, wrong_chain, not_linked, not_certified };
/// Against the set of the header's epoch.
HeaderVerdict verify(const CertifiedHeader& certified,
                     const ChainId& chain,
                     const ValidatorSet& validators);

inline constexpr EntryType epoch_change_entry = 200;

/// The body of an EpochChange entry.
struct EpochChange {
    Epoch epoch = 0;  ///< the one it ends
    ValidatorSet next;
    std::uint64_t signers = 0;  ///< bit i: member i of the ending epoch signed epoch_change_bytes()
    std::vector<Signature> signatures;  ///< of the set bits, ascending
    bool operator==(const EpochChange&) const = default;
};

/// What the members sign.
Bytes epoch_change_bytes(const ChainId& chain, Epoch epoch, const ValidatorSet& next);
Bytes encode(const EpochChange& change);
/// Strict and total; signatures are not checked.
Result<EpochChange> decode_epoch_change(ByteView body);
/// "epoch|" epoch: one change per epoch.
Bytes epoch_change_key(Epoch epoch);
/// A quorum of the members signed it. The error is for the submitter.
Result<void> check(const EpochChange& change, const ChainId& chain, const ValidatorSet& validators);

/// That an epoch ended, and what follows.
struct EpochProof {
    CertifiedHeader end;  ///< of the block that holds the change
    ValidatorSet next;    ///< end.header.next_validators is its hash
    bool operator==(const EpochProof&) const = default;
};

/// Whether it proves that this epoch, of these members, ended. Total.
bool ends(const EpochProof& proof, const ChainId& chain, Epoch epoch, const ValidatorSet& members);

void write(ByteWriter& out, const CertifiedHeader& certified);
void write(ByteWriter& out, const EpochProof& proof);
std::optional<CertifiedHeader> read_certified_header(ByteReader& in);
std::optional<EpochProof> read_epoch_proof(ByteReader& in);

/// A log's epochs as a file, for who cannot be told otherwise. Proofs are not checked; error: not such a file, or damaged.
struct EpochsFile {
    ChainId chain;
    std::vector<EpochProof> proofs;  ///< from epoch 1 on
};

Bytes encode(const EpochsFile& file);
Result<EpochsFile> decode_epochs_file(ByteView bytes);

/// All epochs from genesis on that are proved: what a light client keeps, and a replica that catches up.
class EpochTable {
  public:
    struct Member {
        ValidatorSet validators;
        View base_view = 0;  ///< of the block the epoch builds on
        BlockHash base;
        std::optional<EpochProof> proof;  ///< that began it; none for epoch 0
    };

    EpochTable(const ChainId& chain, ValidatorSet genesis);

    [[nodiscard]] Epoch newest() const { return epochs_.size() - 1; }

    /// Of the newest epoch.
    [[nodiscard]] const ValidatorSet& members() const { return epochs_.back().validators; }

    /// Null: not proved here.
    [[nodiscard]] const Member* find(Epoch epoch) const;
    /// False unless it proves the end of the newest epoch.
    bool extend(const EpochProof& proof);
    /// The proofs of the epochs after this one, oldest first.
    [[nodiscard]] std::vector<EpochProof> proofs_after(Epoch epoch) const;
    /// Takes what it lacks of the proofs from epoch 1 on. False: there was nothing new, or something did not fit.
    bool learn(const std::vector<EpochProof>& proofs);
    /// Whether this header lies above the end of its epoch: whoever certified it had no say any more.
    [[nodiscard]] bool outlived(const Header& header) const;
    /// Of any known epoch.
    [[nodiscard]] bool holds(const Cert& cert) const;

    [[nodiscard]] const ChainId& chain() const { return chain_; }

  private:
    ChainId chain_;
    std::vector<Member> epochs_;
};

}  // namespace kilter::consensus
