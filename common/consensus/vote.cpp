#include "common/consensus/vote.hpp"

#include <bit>
#include <tuple>

namespace kilter::consensus {

namespace {
bool known(std::uint8_t kind) {
    return kind >= 1 && kind <= 3;
}

bool hash_fits(VoteKind kind, const BlockHash& hash) {
    return (kind == VoteKind::skip) == hash.is_zero();
}
}  // namespace

Bytes vote_bytes(
    const ChainId& chain, VoteKind kind, Epoch epoch, View view, const BlockHash& hash) {
    return signed_bytes(static_cast<SignedKind>(kind), chain, epoch, view, hash.view());
}

bool verify(const Vote& vote, const ChainId& chain, const ValidatorSet& validators) {
    return vote.signer < validators.size() && hash_fits(vote.kind, vote.hash) &&
           crypto::verify(validators.validators[vote.signer].key,
                          vote_bytes(chain, vote.kind, vote.epoch, vote.view, vote.hash),
                          vote.signature);
}

namespace {
CertVerdict form_of(const Cert& cert, const ValidatorSet& validators) {
    const auto signers = static_cast<std::size_t>(std::popcount(cert.signers));
    if (signers < validators.quorum() || signers != cert.signatures.size())
        return CertVerdict::too_few_signers;
    if (static_cast<std::size_t>(std::bit_width(cert.signers)) > validators.size())
        return CertVerdict::unknown_signer;
    return hash_fits(cert.kind, cert.hash) ? CertVerdict::valid : CertVerdict::bad_signature;
}
}  // namespace

bool well_formed(const Cert& cert, const ValidatorSet& validators) {
    return form_of(cert, validators) == CertVerdict::valid;
}

CertVerdict verify(const Cert& cert, const ChainId& chain, const ValidatorSet& validators) {
    if (const CertVerdict form = form_of(cert, validators); form != CertVerdict::valid) return form;
    const Bytes bytes = vote_bytes(chain, cert.kind, cert.epoch, cert.view, cert.hash);
    std::size_t at = 0;
    for (std::size_t i = 0; i < validators.size(); ++i) {
        if (((cert.signers >> i) & 1) == 0) continue;
        if (!crypto::verify(validators.validators[i].key, bytes, cert.signatures[at++]))
            return CertVerdict::bad_signature;
    }
    return CertVerdict::valid;
}

bool newer(const Cert& cert, const Cert& other) {
    return std::tie(cert.epoch, cert.view) > std::tie(other.epoch, other.view);
}

bool contradict(const Vote& first, const Vote& second) {
    if (first.signer != second.signer || first.epoch != second.epoch || first.view != second.view)
        return false;
    const auto [low, high] =
        first.kind <= second.kind ? std::pair{first, second} : std::pair{second, first};
    if (low.kind == VoteKind::skip) return high.kind == VoteKind::final;
    return high.kind != VoteKind::skip && low.hash != high.hash;
}

void write(ByteWriter& out, const Vote& vote) {
    out.u8(static_cast<std::uint8_t>(vote.kind))
        .u64(vote.epoch)
        .u64(vote.view)
        .raw(vote.hash.view())
        .u16(vote.signer)
        .raw(vote.signature.view());
}

void write(ByteWriter& out, const Cert& cert) {
    out.u8(static_cast<std::uint8_t>(cert.kind))
        .u64(cert.epoch)
        .u64(cert.view)
        .raw(cert.hash.view())
        .u64(cert.signers);
    for (const Signature& signature : cert.signatures)
        out.raw(signature.view());
}

std::optional<Vote> read_vote(ByteReader& in) {
    const std::uint8_t kind = in.u8();
    if (!known(kind)) return std::nullopt;
    Vote vote;
    vote.kind = static_cast<VoteKind>(kind);
    vote.epoch = in.u64();
    vote.view = in.u64();
    vote.hash = in.fixed<BlockHash>();
    vote.signer = in.u16();
    vote.signature = in.fixed<Signature>();
    if (in.failed() || !hash_fits(vote.kind, vote.hash)) return std::nullopt;
    return vote;
}

std::optional<Cert> read_cert(ByteReader& in) {
    const std::uint8_t kind = in.u8();
    if (!known(kind)) return std::nullopt;
    Cert cert;
    cert.kind = static_cast<VoteKind>(kind);
    cert.epoch = in.u64();
    cert.view = in.u64();
    cert.hash = in.fixed<BlockHash>();
    cert.signers = in.u64();
    const auto count = static_cast<std::size_t>(std::popcount(cert.signers));
    if (in.failed() || in.left() < count * Signature::size || !hash_fits(cert.kind, cert.hash))
        return std::nullopt;
    for (std::size_t i = 0; i < count; ++i)
        cert.signatures.push_back(in.fixed<Signature>());
    return cert;
}

}  // namespace kilter::consensus
