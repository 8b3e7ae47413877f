#include "common/consensus/light_client.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/crypto/merkle.hpp"

namespace kilter::consensus {

const char* describe(ReceiptVerdict verdict) {
    switch (verdict) {
        case ReceiptVerdict::valid:
            return "the entry is on the log";
        case ReceiptVerdict::wrong_chain:
            return "the receipt is for another log";
        case ReceiptVerdict::unknown_epoch:
            return "the receipt leaves out the proofs of the log's epochs, which are not known "
                   "here yet: the coordinators show them to who greets them";
        case ReceiptVerdict::not_included:
            return "the entry is not in the block that the receipt names";
        case ReceiptVerdict::not_linked:
            return "the receipt's certificate is for an unrelated block";
        case ReceiptVerdict::not_certified:
            return "no quorum of coordinators certified the block";
        case ReceiptVerdict::bad_signature:
            return "the entry was not signed by its author";
    }
    return "unknown";
}

Receipt make_receipt(const Finalised& final,
                     std::size_t position,
                     const std::vector<EpochProof>& epochs) {
    return std::move(make_receipts(final, std::span(&position, 1), epochs).front());
}

std::vector<Receipt> make_receipts(const Finalised& final,
                                   std::span<const std::size_t> positions,
                                   const std::vector<EpochProof>& epochs) {
    std::vector<Receipt> receipts;
    if (positions.empty()) return receipts;
    const Block& block = *final.block;
    const crypto::MerkleTree tree(leaves(block));
    const std::vector<EpochProof> lead(
        epochs.begin(), epochs.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                             epochs.size(), block.header.epoch)));
    for (const std::size_t position : positions)
        receipts.push_back({block.entries.at(position)->entry, block.header.first_index + position,
                            tree.path(position), block.header, final.descendants, final.certificate,
                            lead});
    return receipts;
}

namespace {
/// From genesis up to this epoch: as many proofs as there were epochs, so that one proof has one encoding. None: they do
/// not lead there.
std::optional<EpochTable> epochs_up_to(Epoch epoch,
                                       const std::vector<EpochProof>& proofs,
                                       const ChainId& chain,
                                       const ValidatorSet& genesis) {
    EpochTable epochs(chain, genesis);
    if (proofs.size() != epoch) return std::nullopt;
    for (const EpochProof& proof : proofs)
        if (!epochs.extend(proof)) return std::nullopt;
    return epochs;
}

void write_epochs(ByteWriter& out, const std::vector<EpochProof>& epochs) {
    out.u16(static_cast<std::uint16_t>(epochs.size()));
    for (const EpochProof& proof : epochs)
        write(out, proof);
}

std::optional<std::vector<EpochProof>> read_epochs(ByteReader& in) {
    std::vector<EpochProof> epochs;
    for (std::size_t left = in.u16(); left > 0; --left) {
        auto proof = read_epoch_proof(in);
        if (!proof) return std::nullopt;
        epochs.push_back(*std::move(proof));
    }
    return epochs;
}
}  // namespace

Receipt shortened(Receipt receipt) {
    receipt.epochs.clear();
    return receipt;
}

Receipt whole(Receipt receipt, const EpochTable& known) {
    if (!receipt.epochs.empty() || receipt.header.epoch > known.newest()) return receipt;
    receipt.epochs = known.proofs_after(0);
    receipt.epochs.resize(receipt.header.epoch);
    return receipt;
}

ReceiptVerdict verify(const Receipt& receipt, const EpochTable& known) {
    const Epoch epoch = receipt.header.epoch;
    std::optional<EpochTable> shown;
    if (!receipt.epochs.empty()) {
        shown = epochs_up_to(epoch, receipt.epochs, known.chain(), known.find(0)->validators);
        if (!shown) return ReceiptVerdict::wrong_chain;
    }
    const EpochTable::Member* member = (shown ? *shown : known).find(epoch);
    if (member == nullptr) return ReceiptVerdict::unknown_epoch;
    return verify_in_epoch(receipt, known.chain(), member->validators);
}

ReceiptVerdict verify(const Receipt& receipt, const ChainId& chain, const ValidatorSet& genesis) {
    return verify(receipt, EpochTable(chain, genesis));
}

ReceiptVerdict verify_in_epoch(const Receipt& receipt,
                               const ChainId& chain,
                               const ValidatorSet& members) {
    const Header& header = receipt.header;
    const EntryPtr entry = seal(receipt.entry);
    if (receipt.index < header.first_index ||
        !crypto::included(entry->leaf, receipt.index - header.first_index, header.count,
                          receipt.path, header.payload_root))
        return ReceiptVerdict::not_included;
    switch (
        verify(CertifiedHeader{header, receipt.descendants, receipt.certificate}, chain, members)) {
        case HeaderVerdict::certified:
            break;
        case HeaderVerdict::wrong_chain:
            return ReceiptVerdict::wrong_chain;
        case HeaderVerdict::not_linked:
            return ReceiptVerdict::not_linked;
        case HeaderVerdict::not_certified:
            return ReceiptVerdict::not_certified;
    }
    if (!verify(*entry, chain)) return ReceiptVerdict::bad_signature;
    return ReceiptVerdict::valid;
}

ConsistencyVerdict verify(const ConsistencyProof& proof,
                          const ChainId& chain,
                          const ValidatorSet& genesis) {
    const auto epochs = epochs_up_to(proof.newer.header.epoch, proof.epochs, chain, genesis);
    if (!epochs) return ConsistencyVerdict::wrong_chain;
    for (const CertifiedHeader* side : {&proof.older, &proof.newer}) {
        // What lies above the end of its epoch is no part of the log, whoever has certified it.
        const EpochTable::Member* member = epochs->find(side->header.epoch);
        if (member == nullptr || side->header.closing || epochs->outlived(side->header))
            return ConsistencyVerdict::wrong_chain;
        const HeaderVerdict verdict = verify(*side, chain, member->validators);
        if (verdict == HeaderVerdict::wrong_chain) return ConsistencyVerdict::wrong_chain;
        if (verdict != HeaderVerdict::certified) return ConsistencyVerdict::not_certified;
    }
    const auto size = [](const Header& header) { return header.first_index + header.count; };
    const Header& older = proof.older.header;
    const Header& newer = proof.newer.header;
    return crypto::consistent(size(older), older.log_root, size(newer), newer.log_root, proof.path)
               ? ConsistencyVerdict::consistent
               : ConsistencyVerdict::not_consistent;
}

Bytes encode(const ConsistencyProof& proof) {
    ByteWriter out;
    write(out, proof.older);
    write(out, proof.newer);
    out.u8(static_cast<std::uint8_t>(proof.path.size()));
    for (const Digest& digest : proof.path)
        out.raw(digest.view());
    write_epochs(out, proof.epochs);
    return std::move(out).bytes();
}

Result<ConsistencyProof> decode_consistency_proof(ByteView bytes) {
    const Error malformed{"the consistency proof is malformed; ask another coordinator for it"};
    ByteReader in(bytes);
    auto older = read_certified_header(in);
    if (!older) return malformed;
    auto newer = read_certified_header(in);
    if (!newer) return malformed;
    ConsistencyProof proof{*std::move(older), *std::move(newer), {}, {}};
    for (std::size_t left = in.u8(); left > 0 && !in.failed(); --left)
        proof.path.push_back(in.fixed<Digest>());
    auto epochs = read_epochs(in);
    if (!epochs || !in.complete()) return malformed;
    proof.epochs = *std::move(epochs);
    return proof;
}

Bytes encode(const Receipt& receipt) {
    const Bytes entry = encode(receipt.entry);
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(entry.size())).raw(entry).u64(receipt.index);
    out.u8(static_cast<std::uint8_t>(receipt.path.size()));
    for (const Digest& digest : receipt.path)
        out.raw(digest.view());
    write(out, receipt.header);
    out.u8(static_cast<std::uint8_t>(receipt.descendants.size()));
    for (const Header& header : receipt.descendants)
        write(out, header);
    write(out, receipt.certificate);
    write_epochs(out, receipt.epochs);
    return std::move(out).bytes();
}

Result<Receipt> decode_receipt(ByteView bytes) {
    const Error malformed{"the receipt is malformed; ask another coordinator for it"};
    ByteReader in(bytes);
    Receipt receipt;
    Result<Entry> entry = decode_entry(in.raw(in.u32()));
    if (!entry) return malformed;
    receipt.entry = *std::move(entry);
    receipt.index = in.u64();
    const std::size_t path = in.u8();
    if (path > 64) return malformed;
    for (std::size_t i = 0; i < path; ++i)
        receipt.path.push_back(in.fixed<Digest>());
    const std::optional<Header> header = read_header(in);
    if (!header) return malformed;
    receipt.header = *header;
    const std::size_t descendants = in.u8();
    if (descendants > limits::descendants_max) return malformed;
    for (std::size_t i = 0; i < descendants; ++i) {
        const std::optional<Header> child = read_header(in);
        if (!child) return malformed;
        receipt.descendants.push_back(*child);
    }
    std::optional<Cert> certificate = read_cert(in);
    if (!certificate) return malformed;
    auto epochs = read_epochs(in);
    if (!epochs || !in.complete()) return malformed;
    receipt.epochs = *std::move(epochs);
    receipt.certificate = std::move(*certificate);
    return receipt;
}

}  // namespace kilter::consensus
