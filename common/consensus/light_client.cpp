#include "common/consensus/light_client.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/crypto/merkle.hpp"

namespace kilter::consensus {

const char* describe(ReceiptVerdict verdict) {
    switch (verdict) {
        case ReceiptVerdict::valid:
            return "the entry is on the log";
        case ReceiptVerdict::wrong_chain:
            return "the receipt is for another log";
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

Receipt make_receipt(const Finalised& final, std::size_t position) {
    const Block& block = *final.block;
    KILTER_CHECK(position < block.entries.size(), "no such entry in the block");
    return Receipt{block.entries[position]->entry,
                   block.header.first_index + position,
                   crypto::inclusion_path(leaves(block), position),
                   block.header,
                   final.descendants,
                   final.certificate};
}

ReceiptVerdict verify(const Receipt& receipt,
                      const ChainId& chain,
                      const ValidatorSet& validators) {
    const Header& header = receipt.header;
    const EntryPtr entry = seal(receipt.entry);
    if (header.chain != chain || header.validators != validators.hash() || header.epoch != 0)
        return ReceiptVerdict::wrong_chain;
    if (receipt.index < header.first_index ||
        !crypto::included(entry->leaf, receipt.index - header.first_index, header.count,
                          receipt.path, header.payload_root))
        return ReceiptVerdict::not_included;
    BlockHash certified = hash(header);
    View view = header.view;
    for (const Header& child : receipt.descendants) {
        if (child.parent_hash != certified) return ReceiptVerdict::not_linked;
        certified = hash(child);
        view = child.view;
    }
    const Cert& cert = receipt.certificate;
    if (cert.kind != VoteKind::final || cert.hash != certified || cert.view != view ||
        cert.epoch != header.epoch || verify(cert, chain, validators) != CertVerdict::valid)
        return ReceiptVerdict::not_certified;
    if (!verify(*entry, chain)) return ReceiptVerdict::bad_signature;
    return ReceiptVerdict::valid;
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
    if (!certificate || !in.complete()) return malformed;
    receipt.certificate = std::move(*certificate);
    return receipt;
}

}  // namespace kilter::consensus
