/// What a feeder has bought a day ahead at which price, as a curve that can be bid: from proven sums of its nets' positions,
/// so nobody's own schedule is in it. Energies in Wh, positive = import; prices in micro-EUR/kWh at the tie.
///
/// Of the points (price, energy) the curve is the non-increasing step function next to them in least squares (isotonic
/// regression, by pooling adjacent violators): a bid must not ask for more when it is dearer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kilter::settlement {

struct BidPoint {
    std::int64_t price_micro_eur_per_kwh = 0;
    std::int64_t energy_wh = 0;
    bool operator==(const BidPoint&) const = default;
};

struct BidStep {
    std::int64_t price_micro_eur_per_kwh = 0;  ///< up to this price ...
    std::int64_t energy_wh = 0;                ///< ... the feeder takes so much; rounded down
    std::size_t points = 0;                    ///< behind it
    bool operator==(const BidStep&) const = default;
};

/// Ascending by price, energies falling. REQUIRES: |energy| < 2^41, fewer than 2^20 points.
std::vector<BidStep> bid_curve(std::vector<BidPoint> points);

}  // namespace kilter::settlement
