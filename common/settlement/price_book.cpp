#include "common/settlement/price_book.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace kilter::settlement {

bool is_signed_in(const DayAheadRecord& record, const PublicKey& home, const Position& position) {
    const CommittedSeries& series = position.series;
    const auto member = record.members.find(home);
    return record.first == series.first && record.opening == position.opening &&
           record.end() == series.end() && member != record.members.end() &&
           member->second == digest_of_commitments(series);
}

PriceBook::PriceBook(IntervalIndex first, IntervalIndex end, std::int64_t interval_s)
    : first_(first), end_(end), interval_s_(interval_s) {
    KILTER_CHECK(first < end && interval_s > 0, "a period has intervals");
}

void PriceBook::add(const ClearedNet& record) {
    if (covers(record.interval))
        real_time_[record.net].emplace(record.interval, record.prices_micro_eur_per_kwh.front());
    if (record.outcome == Outcome::interim) return;
    const IntervalIndex midnight = day_end(record.interval, interval_s_);
    if (record.interval >= end_ || midnight <= first_) return;
    auto& days = days_[record.net];
    if (days.contains(midnight)) return;
    DayAheadRecord day;
    day.net = record.net;
    day.first = record.interval;
    day.opening = record.opening;
    const auto count = std::min<std::size_t>(record.prices_micro_eur_per_kwh.size(),
                                             static_cast<std::size_t>(midnight - record.interval));
    day.prices.assign(record.prices_micro_eur_per_kwh.begin(),
                      record.prices_micro_eur_per_kwh.begin() + static_cast<std::ptrdiff_t>(count));
    for (const ClearedMember& member : record.members)
        day.members.emplace(member.key, member.commitment);
    days.emplace(midnight, std::move(day));
}

void PriceBook::add(const TiePrices& tie) {
    const auto horizon = static_cast<IntervalIndex>(limits::horizon_max);
    if (tie.interval < end_ && tie.interval + horizon > first_)
        ties_[tie.feeder].emplace(tie.interval, tie.prices_micro_eur_per_kwh);
}

std::optional<std::int64_t> PriceBook::tie(FeederNumber feeder, IntervalIndex interval) const {
    const auto course = ties_.find(feeder);
    if (course == ties_.end()) return std::nullopt;
    auto after = course->second.upper_bound(interval);
    while (after != course->second.begin()) {
        --after;
        const auto ahead = static_cast<std::size_t>(interval - after->first);
        if (ahead < after->second.size()) return after->second[ahead];
    }
    return std::nullopt;
}

Result<PricePair> PriceBook::real_time(NetId net, IntervalIndex interval) const {
    const auto at_tie = tie(feeder_of(net), interval);
    if (!at_tie)
        return Error{"the log has no price at the tie for interval " + std::to_string(interval)};
    PricePair out{*at_tie, *at_tie};
    if (const auto prices = real_time_.find(net); prices != real_time_.end())
        if (const auto price = prices->second.find(interval); price != prices->second.end())
            out.net = price->second;
    return out;
}

const DayAheadRecord* PriceBook::day_ahead(NetId net, IntervalIndex interval) const {
    const auto days = days_.find(net);
    if (days == days_.end()) return nullptr;
    const auto day = days->second.find(day_end(interval, interval_s_));
    return day == days->second.end() ? nullptr : &day->second;
}

Result<PricePair> PriceBook::day_ahead_prices(const DayAheadRecord& record,
                                              IntervalIndex interval) const {
    const auto ahead = static_cast<std::size_t>(interval - record.first);
    KILTER_CHECK(interval >= record.first && ahead < record.prices.size(),
                 "a day-ahead record prices its own day");
    PricePair out{record.prices[ahead], 0};
    const FeederNumber feeder = feeder_of(record.net);
    if (const auto course = ties_.find(feeder); course != ties_.end()) {
        const auto then = course->second.find(record.first);
        if (then != course->second.end() && ahead < then->second.size()) {
            out.tie = then->second[ahead];
            return out;
        }
    }
    const auto at_tie = tie(feeder, interval);
    if (!at_tie)
        return Error{"the log has no price at the tie for interval " + std::to_string(interval)};
    out.tie = *at_tie;
    return out;
}

}  // namespace kilter::settlement
