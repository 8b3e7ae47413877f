/// How a whole number of units is shared out so that the parts add up to it exactly. Every product uses this and nothing
/// else to divide.
///
/// Largest remainder (Hamilton): part i first gets floor(|total| w_i / W), W = sum of the weights; the units left over, fewer
/// than there are parts, go one each to the largest remainders, of equal ones to the lower index. A negative total is shared
/// out as the positive one with the sign turned, so that a refund mirrors its charge.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.hpp"
#include "common/base/wide.hpp"

namespace kilter::products {

using Wh = std::int64_t;        ///< energy
using MicroEur = std::int64_t;  ///< money; 10^-6 EUR

/// A million: fractions are in parts per million.
inline constexpr std::int64_t million = 1'000'000;

/// Energy at a price per kWh, to the nearest micro-EUR, half away from zero.
MicroEur charge(Wh energy_wh, std::int64_t price_micro_eur_per_kwh);

/// a * b / c towards zero. REQUIRES: c > 0; the result fits.
std::int64_t muldiv(std::int64_t a, std::int64_t b, std::int64_t c);

/// REQUIRES: weights >= 0. Without any positive weight everything gets 0: then the total is the caller's to place.
std::vector<std::int64_t> share_out(std::int64_t total, std::span<const std::int64_t> weights);

/// As share_out, but no part exceeds its bound: what does not fit is shared out again among those with room, in the same
/// proportions, until nothing is left or nobody has room. REQUIRES: total, weights and bounds >= 0.
std::vector<std::int64_t> share_out_within(std::int64_t total,
                                           std::span<const std::int64_t> weights,
                                           std::span<const std::int64_t> bounds);

}  // namespace kilter::products
