#include "common/settlement/bid_curve.hpp"

#include <algorithm>

#include "common/base/wide.hpp"

namespace kilter::settlement {

namespace {

struct Pool {
    std::int64_t price = 0;  // the highest in it
    std::int64_t energy_wh = 0;
    std::int64_t points = 0;
};

// Whether the mean of `after` is at least that of `before`: they belong together then. Sums are below 2^61, counts below
// 2^20.
bool rises(const Pool& before, const Pool& after) {
    return Wide{after.energy_wh} * before.points >= Wide{before.energy_wh} * after.points;
}

void merge(Pool& into, const Pool& other) {
    into.price = other.price;
    into.energy_wh += other.energy_wh;
    into.points += other.points;
}

std::int64_t mean_rounded_down(const Pool& pool) {
    const std::int64_t mean = pool.energy_wh / pool.points;
    return pool.energy_wh % pool.points < 0 ? mean - 1 : mean;
}

}  // namespace

std::vector<BidStep> bid_curve(std::vector<BidPoint> points) {
    std::sort(points.begin(), points.end(), [](const BidPoint& a, const BidPoint& b) {
        return a.price_micro_eur_per_kwh < b.price_micro_eur_per_kwh;
    });
    std::vector<Pool> pools;
    for (const BidPoint& point : points) {
        const Pool one{point.price_micro_eur_per_kwh, point.energy_wh, 1};
        if (!pools.empty() && pools.back().price == one.price)
            merge(pools.back(), one);
        else
            pools.push_back(one);
        while (pools.size() > 1 && rises(pools[pools.size() - 2], pools.back())) {
            const Pool last = pools.back();
            pools.pop_back();
            merge(pools.back(), last);
        }
    }
    std::vector<BidStep> out;
    out.reserve(pools.size());
    for (const Pool& pool : pools)
        out.push_back({pool.price, mean_rounded_down(pool), static_cast<std::size_t>(pool.points)});
    return out;
}

}  // namespace kilter::settlement
