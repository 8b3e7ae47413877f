#include "common/products/prepaid.hpp"

#include <algorithm>
#include <numeric>

namespace kilter::products {

std::vector<Wh> share_fairly(Wh supply_wh, const std::vector<Wh>& demand_wh) {
    std::vector<std::size_t> order(demand_wh.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return demand_wh[a] < demand_wh[b]; });
    std::vector<Wh> out(demand_wh.size(), 0);
    Wh left = supply_wh;
    for (std::size_t k = 0; k < order.size(); ++k) {
        KILTER_CHECK(demand_wh[order[k]] >= 0 && left >= 0, "a negative demand or supply");
        const Wh level = left / static_cast<Wh>(order.size() - k);
        out[order[k]] = std::min(demand_wh[order[k]], level);
        left -= out[order[k]];
    }
    return out;
}

Wh allowance(const PrepaidAccount& account, const PrepaidTerms& terms) {
    const Wh bought = account.credit_micro_eur <= 0
                          ? 0
                          : muldiv(account.credit_micro_eur, 1000, terms.price_micro_eur_per_kwh);
    return bought + std::max<Wh>(0, terms.lifeline_wh_per_day - account.lifeline_used_wh);
}

void draw(PrepaidAccount& account, const PrepaidTerms& terms, Wh drawn_wh) {
    KILTER_CHECK(drawn_wh >= 0, "a negative draw");
    const Wh bought = account.credit_micro_eur <= 0
                          ? 0
                          : muldiv(account.credit_micro_eur, 1000, terms.price_micro_eur_per_kwh);
    account.lifeline_used_wh += std::max<Wh>(0, drawn_wh - bought);
    const MicroEur due = charge(drawn_wh, terms.price_micro_eur_per_kwh);
    account.credit_micro_eur -= due;
    account.charged_micro_eur += due;
}

void top_up(PrepaidAccount& account, MicroEur amount_micro_eur) {
    KILTER_CHECK(amount_micro_eur > 0, "a top-up of nothing");
    account.credit_micro_eur += amount_micro_eur;
    account.paid_micro_eur += amount_micro_eur;
}

void begin_day(PrepaidAccount& account) {
    account.lifeline_used_wh = 0;
}

}  // namespace kilter::products
