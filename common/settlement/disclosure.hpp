/// Entry: that a home has opened some of its intervals to somebody: to whom, which, and the digest of what it handed over.
/// Author: the home. The openings themselves are in a document that only the two have.
#pragma once

#include <vector>

#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

struct Disclosure {
    PublicKey to;
    IntervalIndex first = 0;
    std::uint32_t intervals = 0;  ///< > 0
    Digest document;              ///< OpeningDocument::digest()
    bool operator==(const Disclosure&) const = default;
};

Bytes encode(const Disclosure& disclosure);
/// Strict and total.
Result<Disclosure> decode_disclosure(ByteView bytes);

/// Semantic key: one per document.
Bytes disclosure_key(const Digest& document);

consensus::EntryPtr make_entry(const Disclosure& disclosure,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home);

/// Openings of the commitments of consecutive intervals of one meter, or of one home's day-ahead positions.
struct OpeningDocument {
    PublicKey author;  ///< of the commitments: the meter, or the home
    IntervalIndex first = 0;
    std::vector<std::pair<std::int64_t, crypto::Scalar>> openings;  ///< Wh, blinding
    bool operator==(const OpeningDocument&) const = default;

    /// H("disclosure", encode()).
    [[nodiscard]] Digest digest() const;
    [[nodiscard]] Bytes encode() const;
    /// Strict and total.
    static Result<OpeningDocument> decode(ByteView bytes);
};

}  // namespace kilter::settlement
