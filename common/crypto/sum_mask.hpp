/// Masks under which only the sum over a set of keys can be read: of an opening's energy (mod 2^64) and blinding (mod l).
/// Pairwise as in mask.hpp, but between keys, once per place of the log, for openings instead of schedules.
///
/// A pair's part, from its shared secret s and `context`: the first 8 bytes of BLAKE2b("kilter sum e", s, c) and
/// hash_to_scalar("kilter sum r", s, c), with c = context | H("kilter sum set", all keys, ascending). The lower key adds
/// it, the higher one subtracts it.
#pragma once

#include <map>
#include <span>

#include "common/crypto/identity.hpp"
#include "common/crypto/ristretto.hpp"

namespace kilter::crypto {

struct MaskedOpening {
    std::uint64_t energy = 0;  ///< mod 2^64
    Scalar blinding;
    bool operator==(const MaskedOpening&) const = default;
};

/// The pair secrets of one identity, made as they are needed: a few tens of microseconds each.
class SumMasks {
  public:
    /// `identity` must outlive this.
    explicit SumMasks(const Identity& identity) : identity_(identity) {}

    /// The opening of `energy_wh`, `blinding`, masked for the sum over `keys`. Alone on `keys`, nothing is masked.
    /// REQUIRES: keys ascending and distinct, the identity's among them; no two openings are ever masked under one context.
    /// Error: a key that no secret can be shared with.
    Result<MaskedOpening> mask(std::int64_t energy_wh,
                               const Scalar& blinding,
                               std::span<const PublicKey> keys,
                               ByteView context);

  private:
    const Identity& identity_;
    std::map<PublicKey, SharedSecret> secrets_;
};

/// Σ over all of a set is the sum of the openings, as Opening's energy: a signed 64-bit integer.
MaskedOpening add(const MaskedOpening& a, const MaskedOpening& b);

}  // namespace kilter::crypto
