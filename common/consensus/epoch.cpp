#include "common/consensus/epoch.hpp"

#include <algorithm>
#include <bit>

#include "common/base/limits.hpp"

namespace kilter::consensus {

namespace {
constexpr std::string_view epochs_magic = "kilter epochs 1\n";
}  // namespace

HeaderVerdict verify(const CertifiedHeader& certified,
                     const ChainId& chain,
                     const ValidatorSet& validators) {
    const Header& header = certified.header;
    if (header.chain != chain || header.validators != validators.hash())
        return HeaderVerdict::wrong_chain;
    BlockHash last = hash(header);
    View view = header.view;
    for (const Header& child : certified.descendants) {
        if (child.parent_hash != last || child.epoch != header.epoch)
            return HeaderVerdict::not_linked;
        last = hash(child);
        view = child.view;
    }
    const Cert& cert = certified.certificate;
    if ((cert.kind != VoteKind::final && mutant != Mutant::early_epoch) || cert.hash != last ||
        cert.view != view || cert.epoch != header.epoch ||
        verify(cert, chain, validators) != CertVerdict::valid)
        return HeaderVerdict::not_certified;
    return HeaderVerdict::certified;
}

Bytes epoch_change_bytes(const ChainId& chain, Epoch epoch, const ValidatorSet& next) {
    return signed_bytes(SignedKind::epoch_change, chain, epoch, 0, next.hash().view());
}

Bytes encode(const EpochChange& change) {
    ByteWriter out;
    out.u64(change.epoch).raw(change.next.encode()).u64(change.signers);
    for (const Signature& signature : change.signatures)
        out.raw(signature.view());
    return std::move(out).bytes();
}

Result<EpochChange> decode_epoch_change(ByteView body) {
    ByteReader in(body);
    EpochChange change;
    change.epoch = in.u64();
    Result<ValidatorSet> next = ValidatorSet::read(in);
    if (!next) return Error{"epoch change: " + next.error().message};
    change.next = *std::move(next);
    change.signers = in.u64();
    for (int i = 0; i < std::popcount(change.signers) && !in.failed(); ++i)
        change.signatures.push_back(in.fixed<Signature>());
    if (!in.complete()) return Error{"epoch change: cut short or followed by other bytes"};
    return change;
}

Bytes epoch_change_key(Epoch epoch) {
    return ByteWriter{}.text("epoch|" + std::to_string(epoch)).bytes();
}

Result<void> check(const EpochChange& change,
                   const ChainId& chain,
                   const ValidatorSet& validators) {
    if (change.signatures.size() < validators.quorum())
        return Error{"epoch change: " + std::to_string(change.signatures.size()) +
                     " members signed it, " + std::to_string(validators.quorum()) + " have to"};
    if (static_cast<std::size_t>(std::bit_width(change.signers)) > validators.size())
        return Error{"epoch change: it names signers that are no members"};
    const Bytes bytes = epoch_change_bytes(chain, change.epoch, change.next);
    std::size_t at = 0;
    for (std::size_t i = 0; i < validators.size(); ++i)
        if (((change.signers >> i) & 1) != 0 &&
            !crypto::verify(validators.validators[i].key, bytes, change.signatures[at++]))
            return Error{"epoch change: the signature of member " + std::to_string(i) +
                         " does not hold; did it sign for this epoch and set?"};
    return {};
}

void write(ByteWriter& out, const CertifiedHeader& certified) {
    write(out, certified.header);
    out.u8(static_cast<std::uint8_t>(certified.descendants.size()));
    for (const Header& header : certified.descendants)
        write(out, header);
    write(out, certified.certificate);
}

void write(ByteWriter& out, const EpochProof& proof) {
    write(out, proof.end);
    out.raw(proof.next.encode());
}

std::optional<CertifiedHeader> read_certified_header(ByteReader& in) {
    const auto header = read_header(in);
    if (!header) return std::nullopt;
    CertifiedHeader certified{*header, {}, {}};
    const std::size_t descendants = in.u8();
    if (descendants > limits::descendants_max) return std::nullopt;
    for (std::size_t i = 0; i < descendants; ++i) {
        const auto child = read_header(in);
        if (!child) return std::nullopt;
        certified.descendants.push_back(*child);
    }
    auto certificate = read_cert(in);
    if (!certificate) return std::nullopt;
    certified.certificate = *std::move(certificate);
    return certified;
}

std::optional<EpochProof> read_epoch_proof(ByteReader& in) {
    auto end = read_certified_header(in);
    if (!end) return std::nullopt;
    Result<ValidatorSet> next = ValidatorSet::read(in);
    if (!next) return std::nullopt;
    return EpochProof{*std::move(end), *std::move(next)};
}

Bytes encode(const EpochsFile& file) {
    ByteWriter out;
    out.text(epochs_magic).raw(file.chain.view());
    out.u16(static_cast<std::uint16_t>(file.proofs.size()));
    for (const EpochProof& proof : file.proofs)
        write(out, proof);
    return std::move(out).bytes();
}

Result<EpochsFile> decode_epochs_file(ByteView bytes) {
    ByteReader in(bytes);
    const ByteView magic = in.raw(epochs_magic.size());
    if (in.failed() || !std::equal(magic.begin(), magic.end(), as_bytes(epochs_magic).begin()))
        return Error{"this is not a file of a log's epochs"};
    EpochsFile out{in.fixed<ChainId>(), {}};
    const std::size_t count = in.u16();
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        auto proof = read_epoch_proof(in);
        if (!proof) return Error{"the proof of epoch " + std::to_string(i + 1) + " is malformed"};
        out.proofs.push_back(*std::move(proof));
    }
    if (!in.complete()) return Error{"the file of epochs is cut short or has bytes after its end"};
    return out;
}

bool ends(const EpochProof& proof, const ChainId& chain, Epoch epoch, const ValidatorSet& members) {
    const Header& header = proof.end.header;
    return header.epoch == epoch && header.next_validators == proof.next.hash() &&
           !header.closing && verify(proof.end, chain, members) == HeaderVerdict::certified;
}

EpochTable::EpochTable(const ChainId& chain, ValidatorSet genesis) : chain_(chain) {
    epochs_.push_back({std::move(genesis), 0, genesis_hash(chain), std::nullopt});
}

const EpochTable::Member* EpochTable::find(Epoch epoch) const {
    return epoch < epochs_.size() ? &epochs_[epoch] : nullptr;
}

bool EpochTable::extend(const EpochProof& proof) {
    if (!ends(proof, chain_, newest(), members())) return false;
    const Header& header = proof.end.header;
    epochs_.push_back({proof.next, header.view, hash(header), proof});
    return true;
}

bool EpochTable::learn(const std::vector<EpochProof>& proofs) {
    const Epoch before = newest();
    for (std::size_t i = before; i < proofs.size(); ++i)
        if (!extend(proofs[i])) break;
    return newest() > before;
}

bool EpochTable::outlived(const Header& header) const {
    const Member* next = find(header.epoch + 1);
    return next != nullptr && header.height > next->proof->end.header.height;
}

std::vector<EpochProof> EpochTable::proofs_after(Epoch epoch) const {
    std::vector<EpochProof> proofs;
    if (epoch >= newest()) return proofs;  // also one that nobody can be in
    for (std::size_t i = epoch + 1; i < epochs_.size(); ++i)
        proofs.push_back(*epochs_[i].proof);
    return proofs;
}

bool EpochTable::holds(const Cert& cert) const {
    const Member* member = find(cert.epoch);
    return member != nullptr && verify(cert, chain_, member->validators) == CertVerdict::valid;
}

}  // namespace kilter::consensus
