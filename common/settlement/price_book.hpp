/// The prices that bills are made with, gathered from the log's entries in their order. Prices in micro-EUR per kWh.
///
/// - Real time, net n, interval t: the first price of the record of (n, t); without a record the price at its feeder's tie.
/// - Tie of a feeder, interval t: the first of t's TiePrices; without them what the newest earlier ones say of t.
/// - Day ahead: the first record with the feeder of net n with an interval g of a UTC day is that day's day-ahead record; it prices t, from
///   g to the day's end, with its (t − g)-th price; the tie with the (t − g)-th of g's TiePrices, without them as in real time.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/settlement/position.hpp"
#include "common/settlement/tie_prices.hpp"

namespace kilter::settlement {

/// What a Wh costs in an interval, in micro-EUR/kWh: at the net, and the same energy at the tie.
struct PricePair {
    std::int64_t net = 0;
    std::int64_t tie = 0;
    bool operator==(const PricePair&) const = default;
};

struct DayAheadRecord {
    NetId net;
    IntervalIndex first = 0;
    std::uint32_t opening = 0;
    std::vector<std::int64_t>
        prices;  ///< from `first` to the day's end, as far as the horizon goes
    std::map<PublicKey, Digest> members;  ///< with the commitments they signed

    [[nodiscard]] IntervalIndex end() const {
        return first + static_cast<IntervalIndex>(prices.size());
    }
};

/// Whether this is the position that the home signed in the record.
bool is_signed_in(const DayAheadRecord& record, const PublicKey& home, const Position& position);

class PriceBook {
  public:
    /// Keeps what concerns intervals [first, end). REQUIRES: first < end, interval_s > 0.
    PriceBook(IntervalIndex first, IntervalIndex end, std::int64_t interval_s);

    void add(const ClearedNet& record);
    void add(const TiePrices& tie);

    [[nodiscard]] IntervalIndex first() const { return first_; }

    [[nodiscard]] IntervalIndex end() const { return end_; }

    [[nodiscard]] std::int64_t interval_s() const { return interval_s_; }

    /// In real time. Nothing: the log has no price for it.
    [[nodiscard]] std::optional<std::int64_t> tie(FeederNumber feeder,
                                                  IntervalIndex interval) const;

    /// Error: the log has no price for it.
    [[nodiscard]] Result<PricePair> real_time(NetId net, IntervalIndex interval) const;
    /// Of the day that holds `interval`; null: the net had none.
    [[nodiscard]] const DayAheadRecord* day_ahead(NetId net, IntervalIndex interval) const;
    /// REQUIRES: `record` covers the interval. Error: the log has no price for it.
    [[nodiscard]] Result<PricePair> day_ahead_prices(const DayAheadRecord& record,
                                                     IntervalIndex interval) const;

    /// Day-ahead records that price an interval of [first, end), by net.
    [[nodiscard]] const std::map<NetId, std::map<IntervalIndex, DayAheadRecord>>&
    day_ahead_records() const {
        return days_;
    }

  private:
    [[nodiscard]] bool covers(IntervalIndex interval) const {
        return first_ <= interval && interval < end_;
    }

    IntervalIndex first_;
    IntervalIndex end_;
    std::int64_t interval_s_;
    std::map<NetId, std::map<IntervalIndex, std::int64_t>> real_time_;
    std::map<NetId, std::map<IntervalIndex, DayAheadRecord>> days_;  // by the day's end
    using TieCourse = std::map<IntervalIndex, std::vector<std::int64_t>>;
    std::map<FeederNumber, TieCourse> ties_;
};

}  // namespace kilter::settlement
