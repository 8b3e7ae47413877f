/// Entries with which two feeders, each with a log of its own, trade over a tie so that both logs settle the same.
///
///     seller's or buyer's log              the other log
///     tie trade: the offer
///               ──── receipt ────▶   neighbour receipt of the offer: accepted, binding there
///     neighbour receipt of that one  ◀──── receipt ────   binding here
///
/// A receipt proves that an entry is on the other log for good, to anybody who knows that log's genesis document. So an offer
/// counts on the log that made it only when that log has seen that it was accepted; and whoever carries receipts need not be
/// trusted: they can be lost and carried again by anybody.
///
/// Offer and acceptance are by who may change the roster of their log; the receipt that comes back may be handed in by any
/// party of the log. Energies in Wh, prices in micro-EUR/kWh.
#pragma once

#include <vector>

#include "common/consensus/light_client.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType tie_trade_entry = 14;
inline constexpr consensus::EntryType neighbour_receipt_entry = 15;

struct TradedInterval {
    std::int64_t energy_wh = 0;  ///< positive: the author's feeder buys
    std::int64_t price_micro_eur_per_kwh = 0;
    bool operator==(const TradedInterval&) const = default;
};

struct TieTrade {
    ChainId with;  ///< the other log
    IntervalIndex first = 0;
    UnixMs accept_by_ms = 0;                ///< by the time of the block that holds the acceptance
    std::vector<TradedInterval> intervals;  ///< first, first + 1, ...; one to 96
    bool operator==(const TieTrade&) const = default;
};

struct NeighbourReceipt {
    ChainId chain;  ///< of the other log
    consensus::Receipt receipt;
    bool operator==(const NeighbourReceipt&) const = default;
};

Bytes encode(const TieTrade& trade);
Bytes encode(const NeighbourReceipt& receipt);
/// Strict and total. What a receipt is worth, neighbour_rules.hpp says.
Result<TieTrade> decode_tie_trade(ByteView bytes);
Result<NeighbourReceipt> decode_neighbour_receipt(ByteView bytes);

/// Semantic keys: by content; one per entry of the other log.
Bytes tie_trade_key(const TieTrade& trade);
Bytes neighbour_receipt_key(const consensus::EntryId& entry);
/// Of the entry that the receipt proves.
consensus::EntryId proven_entry(const NeighbourReceipt& receipt);

consensus::EntryPtr make_entry(const TieTrade& trade,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);
consensus::EntryPtr make_entry(const NeighbourReceipt& receipt,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);

/// A trade that binds the log that holds this receipt, as that log's feeder buys.
struct TieDeal {
    ChainId with;
    IntervalIndex first = 0;
    std::vector<TradedInterval> intervals;
    bool operator==(const TieDeal&) const = default;
};

/// Nothing: the receipt is not of an offer, nor of an offer's acceptance.
std::optional<TieDeal> deal_of(const NeighbourReceipt& receipt);

}  // namespace kilter::settlement
