#include "common/settlement/surplus.hpp"

#include <algorithm>
#include <limits>

#include "common/base/wide.hpp"
#include "common/settlement/metering.hpp"

namespace kilter::settlement {

namespace {
constexpr std::int64_t nano_per_micro = 1'000;

template <class Integer>
Integer rounded_down(Integer nano) {
    const Integer micro = nano / nano_per_micro;
    return nano % nano_per_micro < 0 ? micro - 1 : micro;
}

bool fits(Wide value) {
    return value >= std::numeric_limits<std::int64_t>::min() &&
           value <= std::numeric_limits<std::int64_t>::max();
}
}  // namespace

Result<std::optional<NeighbourDue>> due_of(const TieDeal& deal, const PriceBook& prices) {
    NeighbourDue out{deal.with, 0, 0, 0};
    Wide owed_nano = 0;
    Wide at_tie_nano = 0;
    bool any = false;
    for (std::size_t k = 0; k < deal.intervals.size(); ++k) {
        const IntervalIndex t = deal.first + static_cast<IntervalIndex>(k);
        if (t < prices.first() || t >= prices.end()) continue;
        const auto tie = prices.tie(0, t);
        if (!tie)
            return Error{"the log has no price at the tie for interval " + std::to_string(t) +
                         ", in which the feeder trades with a neighbour"};
        const TradedInterval& one = deal.intervals[k];
        any = true;
        out.energy_wh += one.energy_wh;
        owed_nano += Wide{one.energy_wh} * one.price_micro_eur_per_kwh;
        at_tie_nano += Wide{one.energy_wh} * *tie;
    }
    if (!any) return std::optional<NeighbourDue>{};
    const Wide half = owed_nano < 0 ? -nano_per_micro / 2 : nano_per_micro / 2;
    const Wide owed = (owed_nano + half) / nano_per_micro;
    if (!fits(owed) || !fits(at_tie_nano))
        return Error{"a trade with a neighbour is beyond what a settlement can hold"};
    out.owed_micro_eur = static_cast<std::int64_t>(owed);
    out.at_tie_nano_eur = static_cast<std::int64_t>(at_tie_nano);
    return std::optional(out);
}

Result<Settlement> settle(std::vector<std::pair<PublicKey, Bill>> bills,
                          std::vector<NeighbourDue> neighbours) {
    std::sort(bills.begin(), bills.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    Settlement out;
    Wide charged = 0;
    Wide upstream_nano = 0;
    Wide energy = 0;
    for (const auto& [home, bill] : bills) {
        const std::int64_t charge = rounded_down(bill.charge_nano_eur.value);
        out.homes.push_back({home, charge, 0, 0});
        charged += charge;
        upstream_nano += bill.upstream_nano_eur.value;
        energy += bill.energy_wh.value;
    }
    Wide owed = 0;
    for (const NeighbourDue& neighbour : neighbours) {
        owed += neighbour.owed_micro_eur;
        upstream_nano -= neighbour.at_tie_nano_eur;
    }
    const Wide upstream = rounded_down(upstream_nano);
    const Wide surplus = charged - upstream - owed;
    if (!fits(charged) || !fits(upstream) || !fits(owed) || !fits(surplus) || !fits(energy))
        return Error{"the sums of these bills are beyond what a settlement can hold"};
    out.upstream_micro_eur = static_cast<std::int64_t>(upstream);
    out.surplus_micro_eur = static_cast<std::int64_t>(surplus);
    out.neighbours = std::move(neighbours);
    out.energy_wh = static_cast<std::int64_t>(energy);
    if (out.homes.empty()) return out;
    const auto parts = even_parts(out.surplus_micro_eur, out.homes.size());
    for (std::size_t i = 0; i < out.homes.size(); ++i) {
        out.homes[i].surplus_micro_eur = parts[i];
        out.homes[i].due_micro_eur = out.homes[i].charge_micro_eur - parts[i];
    }
    return out;
}

}  // namespace kilter::settlement
