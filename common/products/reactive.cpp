#include "common/products/reactive.hpp"

#include <algorithm>
#include <cstdlib>

namespace kilter::products {

Reactive settle_reactive(const ReactiveTerms& terms, const ReactiveInterval& interval) {
    Reactive out;
    out.delivered_varh =
        std::clamp(interval.read_varh, std::min<std::int64_t>(0, interval.requested_varh),
                   std::max<std::int64_t>(0, interval.requested_varh));
    const std::int64_t free = muldiv(std::abs(interval.read_wh), terms.free_tan_phi_ppm, million);
    out.excess_varh =
        std::max<std::int64_t>(0, std::abs(interval.read_varh - out.delivered_varh) - free);
    pay(out.transfers, terms.grid_operator, interval.home,
        charge(std::abs(out.delivered_varh), terms.service_micro_eur_per_kvarh), "reactive");
    pay(out.transfers, interval.home, terms.grid_operator,
        charge(out.excess_varh, terms.excess_micro_eur_per_kvarh), "reactive");
    return out;
}

}  // namespace kilter::products
