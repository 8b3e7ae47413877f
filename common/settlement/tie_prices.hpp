/// Entry: what energy costs where a feeder meets the grid above it, as the session of an interval was cleared with. Author:
/// a coordinator of that feeder. The first price binds in real time; those of a day's first session bind a day ahead.
#pragma once

#include <vector>

#include "common/settlement/entries.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::settlement {

struct TiePrices {
    IntervalIndex interval = 0;
    std::vector<std::int64_t> prices_micro_eur_per_kwh;  ///< over the horizon; at least one
    FeederNumber feeder = 0;  ///< another than 0 from version 3 of the rule "ledger" on
    bool operator==(const TiePrices&) const = default;
};

Bytes encode(const TiePrices& tie);
/// Strict and total.
Result<TiePrices> decode_tie_prices(ByteView bytes);

/// Semantic key: one per feeder and interval.
Bytes tie_prices_key(FeederNumber feeder, IntervalIndex interval);

consensus::EntryPtr make_entry(const TiePrices& tie,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& coordinator);

}  // namespace kilter::settlement
