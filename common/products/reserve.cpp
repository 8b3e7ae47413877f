#include "common/products/reserve.hpp"

#include <algorithm>
#include <map>

namespace kilter::products {

namespace {
constexpr const char* reserve_product = "reserve";
}  // namespace

Reserve call_reserve(const ReserveInterval& interval) {
    Reserve out;
    out.called_wh.assign(interval.offers.size(), 0);
    std::map<std::int64_t, std::vector<std::size_t>> by_price;
    for (std::size_t i = 0; i < interval.offers.size(); ++i) {
        const ReserveOffer& offer = interval.offers[i];
        KILTER_CHECK(offer.held_wh >= 0 && offer.delivered_wh >= 0, "a negative reserve");
        by_price[offer.price_micro_eur_per_kwh].push_back(i);
        pay(out.transfers, interval.grid_operator, offer.home,
            charge(offer.held_wh, interval.holding_micro_eur_per_kwh), reserve_product);
    }
    if (!interval.alert) return out;
    out.unmet_wh = interval.need_wh;
    for (const auto& [price, offers] : by_price) {
        if (out.unmet_wh == 0) break;
        std::vector<std::int64_t> held;
        Wh together = 0;
        for (const std::size_t i : offers) {
            held.push_back(interval.offers[i].held_wh);
            together += interval.offers[i].held_wh;
        }
        const Wh called = std::min(out.unmet_wh, together);
        if (called == 0) continue;
        const auto parts = share_out(called, held);
        for (std::size_t k = 0; k < offers.size(); ++k)
            out.called_wh[offers[k]] = parts[k];
        out.marginal_micro_eur_per_kwh = price;
        out.unmet_wh -= called;
    }
    for (std::size_t i = 0; i < interval.offers.size(); ++i) {
        const ReserveOffer& offer = interval.offers[i];
        const Wh delivered = std::min(offer.delivered_wh, out.called_wh[i]);
        const Wh missing = out.called_wh[i] - delivered;
        pay(out.transfers, interval.grid_operator, offer.home,
            charge(delivered, out.marginal_micro_eur_per_kwh) -
                charge(missing, out.marginal_micro_eur_per_kwh),
            reserve_product);
    }
    return out;
}

}  // namespace kilter::products
