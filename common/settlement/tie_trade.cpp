#include "common/settlement/tie_trade.hpp"

#include <algorithm>

#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

namespace {
constexpr std::int64_t traded_max = std::int64_t{1} << 41;

bool within(std::int64_t value) {
    return -traded_max < value && value < traded_max;
}
}  // namespace

Bytes encode(const TieTrade& trade) {
    ByteWriter out;
    out.raw(trade.with.view()).i64(trade.first).i64(trade.accept_by_ms);
    out.u16(static_cast<std::uint16_t>(trade.intervals.size()));
    for (const TradedInterval& one : trade.intervals)
        out.i64(one.energy_wh).i64(one.price_micro_eur_per_kwh);
    return std::move(out).bytes();
}

Result<TieTrade> decode_tie_trade(ByteView bytes) {
    ByteReader in(bytes);
    TieTrade out;
    out.with = in.fixed<ChainId>();
    out.first = in.i64();
    out.accept_by_ms = in.i64();
    const std::size_t count = in.u16();
    if (in.failed() || count == 0 || count > series_intervals_max)
        return Error{"tie trade: between 1 and " + std::to_string(series_intervals_max) +
                     " intervals can be traded at once"};
    for (std::size_t t = 0; t < count && !in.failed(); ++t) {
        TradedInterval one;
        one.energy_wh = in.i64();
        one.price_micro_eur_per_kwh = in.i64();
        if (!within(one.energy_wh) || !within(one.price_micro_eur_per_kwh))
            return Error{"tie trade: an energy or a price is out of range"};
        out.intervals.push_back(one);
    }
    if (!in.complete()) return Error{"tie trade: cut short or followed by other bytes"};
    if (out.first < 0) return Error{"tie trade: intervals count from 0"};
    return out;
}

Bytes encode(const NeighbourReceipt& receipt) {
    return ByteWriter{}.raw(receipt.chain.view()).raw(consensus::encode(receipt.receipt)).bytes();
}

Result<NeighbourReceipt> decode_neighbour_receipt(ByteView bytes) {
    ByteReader in(bytes);
    NeighbourReceipt out;
    out.chain = in.fixed<ChainId>();
    auto receipt = consensus::decode_receipt(in.raw(in.left()));
    if (!receipt) return Error{"neighbour receipt: " + receipt.error().message};
    out.receipt = *std::move(receipt);
    return out;
}

Bytes tie_trade_key(const TieTrade& trade) {
    return ByteWriter{}
        .text("trade|")
        .raw(crypto::digest("tie trade", encode(trade)).view())
        .bytes();
}

Bytes neighbour_receipt_key(const consensus::EntryId& entry) {
    return ByteWriter{}.text("receipt|").raw(entry.view()).bytes();
}

consensus::EntryId proven_entry(const NeighbourReceipt& receipt) {
    return consensus::seal(receipt.receipt.entry)->id;
}

consensus::EntryPtr make_entry(const TieTrade& trade,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(tie_trade_entry, tie_trade_key(trade), encode(trade), chain, seq, expires_ms,
                      author);
}

consensus::EntryPtr make_entry(const NeighbourReceipt& receipt,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(neighbour_receipt_entry, neighbour_receipt_key(proven_entry(receipt)),
                      encode(receipt), chain, seq, expires_ms, author);
}

std::optional<TieDeal> deal_of(const NeighbourReceipt& receipt) {
    const consensus::Entry& entry = receipt.receipt.entry;
    if (entry.type == tie_trade_entry) {
        auto offer = decode_tie_trade(entry.body);
        if (!offer) return std::nullopt;
        for (TradedInterval& one : offer->intervals)
            one.energy_wh = -one.energy_wh;
        return TieDeal{receipt.chain, offer->first, std::move(offer->intervals)};
    }
    if (entry.type != neighbour_receipt_entry) return std::nullopt;
    const auto acceptance = decode_neighbour_receipt(entry.body);
    if (!acceptance || acceptance->receipt.entry.type != tie_trade_entry) return std::nullopt;
    auto offer = decode_tie_trade(acceptance->receipt.entry.body);
    if (!offer) return std::nullopt;
    return TieDeal{receipt.chain, offer->first, std::move(offer->intervals)};
}

}  // namespace kilter::settlement
