#include "common/settlement/disclosure.hpp"

#include "common/settlement/bill.hpp"

namespace kilter::settlement {

Bytes encode(const Disclosure& disclosure) {
    return ByteWriter{}
        .raw(disclosure.to.view())
        .i64(disclosure.first)
        .u32(disclosure.intervals)
        .raw(disclosure.document.view())
        .bytes();
}

Result<Disclosure> decode_disclosure(ByteView bytes) {
    ByteReader in(bytes);
    Disclosure out;
    out.to = in.fixed<PublicKey>();
    out.first = in.i64();
    out.intervals = in.u32();
    out.document = in.fixed<Digest>();
    if (!in.complete()) return Error{"disclosure: cut short or followed by other bytes"};
    if (out.intervals == 0 || out.intervals > bill_intervals_max)
        return Error{"disclosure: between 1 and " + std::to_string(bill_intervals_max) +
                     " intervals can be opened at once"};
    return out;
}

Bytes disclosure_key(const Digest& document) {
    return ByteWriter{}.text("disclosure|").raw(document.view()).bytes();
}

consensus::EntryPtr make_entry(const Disclosure& disclosure,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home) {
    return make_entry(disclosure_entry, disclosure_key(disclosure.document), encode(disclosure),
                      chain, seq, expires_ms, home);
}

Bytes OpeningDocument::encode() const {
    ByteWriter out;
    out.text("kilter openings 1").raw(author.view()).i64(first);
    out.u32(static_cast<std::uint32_t>(openings.size()));
    for (const auto& [energy_wh, blinding] : openings)
        out.i64(energy_wh).raw(blinding.view());
    return std::move(out).bytes();
}

Digest OpeningDocument::digest() const {
    return crypto::digest("disclosure", encode());
}

Result<OpeningDocument> OpeningDocument::decode(ByteView bytes) {
    constexpr std::string_view title = "kilter openings 1";
    ByteReader in(bytes);
    const ByteView found = in.raw(title.size());
    if (in.failed() || !std::equal(found.begin(), found.end(), as_bytes(title).begin()))
        return Error{"this is not a document of openings of this version of kilter"};
    OpeningDocument out;
    out.author = in.fixed<PublicKey>();
    out.first = in.i64();
    const std::uint32_t count = in.u32();
    if (count == 0 || count > bill_intervals_max)
        return Error{"openings: there are none, or more than a bill has intervals"};
    for (std::uint32_t t = 0; t < count && !in.failed(); ++t) {
        const std::int64_t energy_wh = in.i64();
        out.openings.emplace_back(energy_wh, in.fixed<crypto::Scalar>());
        if (!crypto::is_scalar(out.openings.back().second))
            return Error{"openings: a blinding is not below the group's order"};
    }
    if (!in.complete()) return Error{"openings: cut short or followed by other bytes"};
    return out;
}

}  // namespace kilter::settlement
