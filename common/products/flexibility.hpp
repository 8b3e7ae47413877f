/// Flexibility, rule "flexibility" version 1: the grid operator reserves a band before it knows whether it needs it, and
/// activates part of it; from a home directly, or from an aggregator whose homes count as one.
///
///     reservation = band at the reservation price, for every interval it is held
///     activation  = delivered at the activation price, delivered = clamp(sum of (scheduled - read), 0, activated)
///     shortfall   = (activated - delivered) at the shortfall price
///
/// A portfolio delivers together: one home's excess makes up for another's lack. (And one that goes the wrong way costs
/// the portfolio what it adds.) What the aggregator gets is shared out
/// among its homes after its own fee: the reservation by offered band, the activation by own delivery, the shortfall by own
/// lack. A home alone is a portfolio of one without a fee.
#pragma once

#include "common/base/result.hpp"
#include "common/products/transfer.hpp"

namespace kilter::products {

struct PortfolioHome {
    Account account;
    Wh band_wh = 0;       ///< >= 0, offered
    Wh scheduled_wh = 0;  ///< cleared consumption
    Wh read_wh = 0;
};

struct Reservation {
    Account buyer;
    Account aggregator;        ///< empty: the one home sells directly
    std::int64_t fee_ppm = 0;  ///< what the aggregator keeps of what its homes get
    Wh activated_wh = 0;       ///< 0 to the band's sum
    std::int64_t reservation_micro_eur_per_kwh = 0;
    std::int64_t activation_micro_eur_per_kwh = 0;
    std::int64_t shortfall_micro_eur_per_kwh = 0;
    std::vector<PortfolioHome> homes;
};

struct Activation {
    Wh delivered_wh = 0;
    Wh shortfall_wh = 0;
    Transfers transfers;
};

/// Error: nobody sells, several do without an aggregator, or more is activated than was reserved.
Result<Activation> activate(const Reservation& reservation);

}  // namespace kilter::products
