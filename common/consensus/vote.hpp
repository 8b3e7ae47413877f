/// Votes and quorum certificates. Nothing in them depends on time or chance: signing again gives
/// the same bytes.
#pragma once

#include <optional>
#include <vector>

#include "common/consensus/validator_set.hpp"

namespace kilter::consensus {

/// notar: "this block is a valid successor"; skip: "nothing came of this view"; final: "I notarised
/// it, I hold its certificate, and I never skipped this view".
enum class VoteKind : std::uint8_t { notar = 1, skip = 2, final = 3 };

struct Vote {
    VoteKind kind{};
    Epoch epoch = 0;
    View view = 0;
    BlockHash hash;  ///< zero for skip
    ReplicaIndex signer = 0;
    Signature signature;
    bool operator==(const Vote&) const = default;
};

/// What the signature of a vote or of each member of a certificate is over.
Bytes vote_bytes(
    const ChainId& chain, VoteKind kind, Epoch epoch, View view, const BlockHash& hash);
bool verify(const Vote& vote, const ChainId& chain, const ValidatorSet& validators);

/// q votes of one kind, view and block. Signers ascending and distinct by construction of the
/// bitmap.
struct Cert {
    VoteKind kind{};
    Epoch epoch = 0;
    View view = 0;
    BlockHash hash;                     ///< zero for skip
    std::uint64_t signers = 0;          ///< bit i: replica i signed
    std::vector<Signature> signatures;  ///< of the set bits, ascending
    bool operator==(const Cert&) const = default;
};

enum class CertVerdict : std::uint8_t {
    valid,
    too_few_signers,
    unknown_signer,  ///< a bit beyond the validator set
    bad_signature,
};
CertVerdict verify(const Cert& cert, const ChainId& chain, const ValidatorSet& validators);
/// Everything that verify() wants but the signatures.
bool well_formed(const Cert& cert, const ValidatorSet& validators);

/// By epoch, then view: each epoch counts its views on from its base, below which the epoch before may have certificates too.
bool newer(const Cert& cert, const Cert& other);

/// Two signed statements of one key that no honest replica makes together, in one view:
/// notar/notar', final/final', final(h)/notar(h'), final/skip.
struct Evidence {
    Vote first;
    Vote second;
    bool operator==(const Evidence&) const = default;
};

/// True iff the two votes accuse their signer; signatures are not checked here.
bool contradict(const Vote& first, const Vote& second);

void write(ByteWriter& out, const Vote& vote);
void write(ByteWriter& out, const Cert& cert);
/// Total; failure shows in the reader or as nullopt (unknown kind, skip with a hash, bitmap against
/// signature count).
std::optional<Vote> read_vote(ByteReader& in);
std::optional<Cert> read_cert(ByteReader& in);

}  // namespace kilter::consensus
