#include "common/settlement/tie_prices.hpp"

#include "common/base/limits.hpp"

namespace kilter::settlement {

Bytes encode(const TiePrices& tie) {
    ByteWriter out;
    out.i64(tie.interval).u16(static_cast<std::uint16_t>(tie.prices_micro_eur_per_kwh.size()));
    for (const std::int64_t price : tie.prices_micro_eur_per_kwh)
        out.i64(price);
    if (tie.feeder != 0) out.u16(tie.feeder);
    return std::move(out).bytes();
}

Result<TiePrices> decode_tie_prices(ByteView bytes) {
    ByteReader in(bytes);
    TiePrices tie;
    tie.interval = in.i64();
    const std::size_t prices = in.u16();
    if (in.failed() || prices == 0 || prices > limits::horizon_max)
        return Error{"tie prices: there are none, or more than a horizon has intervals"};
    for (std::size_t t = 0; t < prices; ++t)
        tie.prices_micro_eur_per_kwh.push_back(in.i64());
    if (in.left() > 0) {
        tie.feeder = in.u16();
        if (tie.feeder == 0) return Error{"tie prices: feeder 0 is not named"};
    }
    if (!in.complete()) return Error{"tie prices: cut short or followed by other bytes"};
    return tie;
}

Bytes tie_prices_key(FeederNumber feeder, IntervalIndex interval) {
    ByteWriter out;
    out.text("tie|").i64(interval);
    if (feeder != 0) out.u16(feeder);
    return std::move(out).bytes();
}

consensus::EntryPtr make_entry(const TiePrices& tie,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& coordinator) {
    return make_entry(tie_prices_entry, tie_prices_key(tie.feeder, tie.interval), encode(tie),
                      chain, seq, expires_ms, coordinator);
}

}  // namespace kilter::settlement
