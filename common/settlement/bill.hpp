/// Entry: a home's bill of one period and its proof. Author: the home.
///
/// Each sum is over the period's intervals and opens a weighted sum of commitments on the log (settlement.md): anyone can
/// check it, and no interval's energy is shown. Whether it holds, an audit says; the log takes a bill as a claim.
#pragma once

#include "common/crypto/ristretto.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::settlement {

/// A sum and the blinding under which the same sum of commitments opens to it.
struct ProvenSum {
    std::int64_t value = 0;
    crypto::Scalar blinding;
    bool operator==(const ProvenSum&) const = default;
};

struct Bill {
    IntervalIndex first = 0;
    std::uint32_t intervals = 0;  ///< > 0
    ProvenSum charge_nano_eur;    ///< at the net's prices, positive = the home owes
    ProvenSum upstream_nano_eur;  ///< the same energy at the tie's prices
    ProvenSum energy_wh;          ///< read, positive = import
    bool operator==(const Bill&) const = default;

    [[nodiscard]] IntervalIndex end() const { return first + intervals; }
};

void write(ByteWriter& out, const ProvenSum& sum);
/// Whether the blinding is a scalar, the caller asks.
ProvenSum read_proven_sum(ByteReader& in);

/// A period is at most so long: a year of quarter hours.
inline constexpr std::uint32_t bill_intervals_max = 366 * 96;

Bytes encode(const Bill& bill);
/// Strict and total.
Result<Bill> decode_bill(ByteView bytes);

/// Semantic key: one per home and first interval.
Bytes bill_key(const PublicKey& home, IntervalIndex first);

consensus::EntryPtr make_entry(const Bill& bill,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home);

}  // namespace kilter::settlement
