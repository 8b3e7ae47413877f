/// A home's own side of its bill: what it knows in the clear, and the sums it owes and can prove.
#pragma once

#include <map>

#include "common/settlement/bill.hpp"
#include "common/settlement/price_book.hpp"

namespace kilter::settlement {

/// What one commitment on the log hides.
struct KnownEnergy {
    std::int64_t energy_wh = 0;
    crypto::Scalar blinding;
};

struct HomeAccount {
    NetId net;
    std::map<IntervalIndex, KnownEnergy> reads;
    std::map<IntervalIndex, KnownEnergy>
        positions;  ///< of intervals with a day-ahead record this home is in
};

/// One interval of a bill in words and numbers: for the home's own eyes.
struct BillLine {
    IntervalIndex interval = 0;
    std::int64_t read_wh = 0;
    std::int64_t position_wh = 0;  ///< 0 without one
    PricePair real_time;
    PricePair day_ahead;  ///< as real_time without a position
    std::int64_t charge_nano_eur = 0;
    std::int64_t upstream_nano_eur = 0;
};

/// Two settlements, micro-EUR/kWh × Wh = nano-EUR: the position at the day-ahead price, the deviation at the real-time price,
///     λᴰ·D + λᴿ·(E − D).
/// Error: a read or a price of the period is missing, or the amount is out of range; says which interval.
Result<BillLine> line_of(const HomeAccount& account,
                         const PriceBook& prices,
                         IntervalIndex interval);

/// The bill of [first, end). Error: as line_of(), or a sum out of range.
Result<Bill> make_bill(const HomeAccount& account,
                       const PriceBook& prices,
                       IntervalIndex first,
                       IntervalIndex end);

}  // namespace kilter::settlement
