#include "common/products/response.hpp"

#include <algorithm>

namespace kilter::products {

Response respond(const Call& call, Wh scheduled_wh, Wh read_wh) {
    KILTER_CHECK(call.called_wh >= 0 && call.tolerance_wh >= 0, "a call for a negative energy");
    Response out;
    out.delivered_wh = std::clamp<Wh>(scheduled_wh - read_wh, 0, call.called_wh);
    out.missing_wh = std::max<Wh>(0, call.called_wh - out.delivered_wh - call.tolerance_wh);
    pay(out.transfers, call.caller, call.home,
        charge(out.delivered_wh, call.price_micro_eur_per_kwh), "response");
    pay(out.transfers, call.home, call.caller,
        charge(out.missing_wh, call.penalty_micro_eur_per_kwh), "response");
    return out;
}

}  // namespace kilter::products
