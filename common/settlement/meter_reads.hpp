/// Entry: what a meter has counted, interval after interval, as commitments. Author: the meter. Openings are masked for the
/// sum over all meters of the net on the roster the entry names.
#pragma once

#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

/// Where an interval's energy comes from.
enum class Quality : std::uint8_t {
    measured = 1,  ///< the difference of two registers
    substituted =
        2,  ///< no register at the interval's ends: its part of what was counted over a longer gap
    estimated = 3,  ///< no register that could be trusted: zero, until a correction says better
};

/// "measured", "substituted", "estimated".
const char* name_of(Quality quality);

struct MeterReads {
    CommittedSeries series;
    /// Nothing was counted right before: a meter's first entry, or one after a silence too long to fill. Any other waits for
    /// those before it, so entries may arrive in any order.
    bool begins = false;
    std::vector<Quality> qualities;  ///< one per interval
    Digest raw;  ///< of the raw reads, which stay with the home: raw_reads_digest()
    bool operator==(const MeterReads&) const = default;
};

Bytes encode(const MeterReads& reads);
/// Strict and total; what decodes passes check(CommittedSeries), unless that is known.
Result<MeterReads> decode_meter_reads(ByteView bytes, Elements elements = Elements::unknown);

/// Semantic key: one per meter and first interval.
Bytes meter_reads_key(const PublicKey& meter, IntervalIndex first);

consensus::EntryPtr make_entry(const MeterReads& reads,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& meter);

}  // namespace kilter::settlement
