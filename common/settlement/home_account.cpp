#include "common/settlement/home_account.hpp"

#include <limits>

#include "common/base/wide.hpp"

namespace kilter::settlement {

namespace {

Result<std::int64_t> narrow(Wide value, IntervalIndex interval) {
    if (value < std::numeric_limits<std::int64_t>::min() ||
        value > std::numeric_limits<std::int64_t>::max())
        return Error{"the amount up to interval " + std::to_string(interval) +
                     " is beyond what a bill can hold: its reads or prices are wrong"};
    return static_cast<std::int64_t>(value);
}

Result<std::int64_t> two_settlements(std::int64_t read_wh,
                                     std::int64_t position_wh,
                                     std::int64_t real_time,
                                     std::int64_t day_ahead,
                                     IntervalIndex interval) {
    return narrow(Wide{real_time} * (Wide{read_wh} - position_wh) + Wide{day_ahead} * position_wh,
                  interval);
}

Result<void> add_to(ProvenSum& sum, std::int64_t value, IntervalIndex interval) {
    const auto total = narrow(Wide{sum.value} + value, interval);
    if (!total) return total.error();
    sum.value = *total;
    return {};
}

void add_blinding(ProvenSum& sum, std::int64_t weight, const crypto::Scalar& blinding) {
    sum.blinding = crypto::add(sum.blinding, crypto::multiply(crypto::scalar_of(weight), blinding));
}

}  // namespace

Result<BillLine> line_of(const HomeAccount& account,
                         const PriceBook& prices,
                         IntervalIndex interval) {
    BillLine line;
    line.interval = interval;
    const auto read = account.reads.find(interval);
    if (read == account.reads.end())
        return Error{"interval " + std::to_string(interval) + " has not been read"};
    line.read_wh = read->second.energy_wh;
    const auto real_time = prices.real_time(account.net, interval);
    if (!real_time) return real_time.error();
    line.real_time = line.day_ahead = *real_time;
    if (const auto position = account.positions.find(interval);
        position != account.positions.end()) {
        const DayAheadRecord* record = prices.day_ahead(account.net, interval);
        if (record == nullptr || interval < record->first || interval >= record->end())
            return Error{"the position of interval " + std::to_string(interval) +
                         " is of no day-ahead record on the log"};
        const auto day_ahead = prices.day_ahead_prices(*record, interval);
        if (!day_ahead) return day_ahead.error();
        line.position_wh = position->second.energy_wh;
        line.day_ahead = *day_ahead;
    }
    const auto charge = two_settlements(line.read_wh, line.position_wh, line.real_time.net,
                                        line.day_ahead.net, interval);
    if (!charge) return charge.error();
    const auto upstream = two_settlements(line.read_wh, line.position_wh, line.real_time.tie,
                                          line.day_ahead.tie, interval);
    if (!upstream) return upstream.error();
    line.charge_nano_eur = *charge;
    line.upstream_nano_eur = *upstream;
    return line;
}

Result<Bill> make_bill(const HomeAccount& account,
                       const PriceBook& prices,
                       IntervalIndex first,
                       IntervalIndex end) {
    Bill bill;
    bill.first = first;
    bill.intervals = static_cast<std::uint32_t>(end - first);
    for (IntervalIndex t = first; t < end; ++t) {
        const auto line = line_of(account, prices, t);
        if (!line) return line.error();
        for (const auto& [sum, value] : {std::pair{&bill.charge_nano_eur, line->charge_nano_eur},
                                         {&bill.upstream_nano_eur, line->upstream_nano_eur},
                                         {&bill.energy_wh, line->read_wh}})
            if (auto added = add_to(*sum, value, t); !added) return added.error();
        const crypto::Scalar& read = account.reads.at(t).blinding;
        add_blinding(bill.charge_nano_eur, line->real_time.net, read);
        add_blinding(bill.upstream_nano_eur, line->real_time.tie, read);
        add_blinding(bill.energy_wh, 1, read);
        if (const auto position = account.positions.find(t); position != account.positions.end()) {
            const crypto::Scalar& blinding = position->second.blinding;
            add_blinding(bill.charge_nano_eur, line->day_ahead.net - line->real_time.net, blinding);
            add_blinding(bill.upstream_nano_eur, line->day_ahead.tie - line->real_time.tie,
                         blinding);
        }
    }
    return bill;
}

}  // namespace kilter::settlement
