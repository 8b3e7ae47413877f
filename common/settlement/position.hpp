/// Entry: what a home has bought and sold a day ahead. Author: the home.
///
/// The first record of a net whose interval lies in a UTC day is that day's day-ahead record: its prices of all intervals up
/// to midnight bind, and so do the schedules of the homes in it. A home signed digest_of_commitments() of this series there;
/// this entry shows the commitments. Openings are masked for the sum over the record's members.
#pragma once

#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

struct Position {
    std::uint32_t opening = 0;  ///< of the session, with series.first as its interval
    CommittedSeries series;     ///< from that interval to the day's end
    bool operator==(const Position&) const = default;
};

/// The first interval after the UTC day that holds `interval`. REQUIRES: interval >= 0, 0 < interval_s.
IntervalIndex day_end(IntervalIndex interval, std::int64_t interval_s);

Bytes encode(const Position& position);
/// Strict and total; what decodes passes check(CommittedSeries), unless that is known.
Result<Position> decode_position(ByteView bytes, Elements elements = Elements::unknown);

/// Semantic key: one per home and session.
Bytes position_key(const PublicKey& home, IntervalIndex first, std::uint32_t opening);

consensus::EntryPtr make_entry(const Position& position,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home);

}  // namespace kilter::settlement
