/// Pedersen commitments to integers:
///
///     C(e, r) = e·B + r·H,     B the standard generator of ristretto255, H = hash_to_point("kilter pedersen", "blinding")
///
/// Hiding: for every e there is one r that gives C. Binding: two openings of one C tell log_B H, which nobody knows, because
/// H is a digest. They add: Σ wₜ·C(eₜ, rₜ) = C(Σ wₜ·eₜ, Σ wₜ·rₜ), so a sum that was weighted by anybody opens to two
/// numbers, and no eₜ is shown.
///
/// e is an integer mod l ≈ 2^252. Energies are below 2^41 Wh and weights below 2^41 as well, so a sum of 2^20 products is
/// exact in 128 bits and far from l: what opens to a number in that range is that number.
#pragma once

#include <span>

#include "common/crypto/ristretto.hpp"

namespace kilter::crypto {

/// H.
const Point& blinding_generator();

/// What a commitment hides; r is secret while e is.
struct Opening {
    Scalar energy;    ///< e mod l
    Scalar blinding;  ///< r
    bool operator==(const Opening&) const = default;
};

Point commit(const Opening& opening);
Point commit(std::int64_t energy_wh, const Scalar& blinding);

/// Σ weights[t]·points[t]. REQUIRES: as many weights as points; points pass is_point().
Point weighted_sum(std::span<const Scalar> weights, std::span<const Point> points);

}  // namespace kilter::crypto
