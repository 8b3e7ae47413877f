/// Demand response, rule "response" version 1: a called home is paid for what it consumes less than it was cleared to,
/// not less than a guess from other days: the cleared schedule is on the log, agreed before the call.
///
///     delivered = clamp(scheduled - read, 0, called)
///     pays      = delivered at the call's price - missing at the penalty's, missing = max(0, called - delivered - tolerance)
///
/// Consumption is positive in both; a home that was to feed in is called to feed in more.
#pragma once

#include "common/products/transfer.hpp"

namespace kilter::products {

struct Call {
    Account home;
    Account caller;
    Wh called_wh = 0;  ///< >= 0, less consumption than scheduled
    Wh tolerance_wh = 0;
    std::int64_t price_micro_eur_per_kwh = 0;
    std::int64_t penalty_micro_eur_per_kwh = 0;
};

struct Response {
    Wh delivered_wh = 0;
    Wh missing_wh = 0;
    Transfers transfers;
};

Response respond(const Call& call, Wh scheduled_wh, Wh read_wh);

}  // namespace kilter::products
