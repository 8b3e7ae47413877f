/// Reserve in alert state, rule "reserve" version 1: when the operator declares an alert for an interval, homes that had
/// promised to hold energy back are called in the order of their prices, each up to what it holds, until the need is met.
/// All called are paid the price of the dearest one called (the marginal price), those who fail pay it for what is missing.
///
/// Of several at one price the need that is left is shared out by what each holds. Without an alert only holding is paid.
#pragma once

#include "common/products/transfer.hpp"

namespace kilter::products {

struct ReserveOffer {
    Account home;
    Wh held_wh = 0;                            ///< >= 0
    std::int64_t price_micro_eur_per_kwh = 0;  ///< to be called
    Wh delivered_wh = 0;                       ///< by its read; only what was called counts
};

struct ReserveInterval {
    Account grid_operator;
    bool alert = false;
    Wh need_wh = 0;  ///< in an alert
    std::int64_t holding_micro_eur_per_kwh = 0;
    std::vector<ReserveOffer> offers;
};

struct Reserve {
    std::vector<Wh> called_wh;  ///< per offer
    Wh unmet_wh = 0;            ///< of the need, beyond all offers
    std::int64_t marginal_micro_eur_per_kwh = 0;
    Transfers transfers;
};

/// REQUIRES: energies >= 0.
Reserve call_reserve(const ReserveInterval& interval);

}  // namespace kilter::products
