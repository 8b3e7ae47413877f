/// The group ristretto255 (RFC 9496) and its scalars, as libsodium has them: prime order
/// l = 2^252 + 27742317777372353535851937790883648493, no cofactor, one encoding per element.
///
/// The encoding of the neutral element is 32 zero bytes and is a Point like any other. Not constant time in which
/// elements are neutral: multiply secrets with generators only.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/crypto/digest.hpp"

namespace kilter::crypto {

using Point = FixedBytes<32, struct PointTag>;    ///< canonical encoding of an element
using Scalar = FixedBytes<32, struct ScalarTag>;  ///< an integer below l, little-endian

/// Whether these bytes encode an element. Whatever comes from outside must pass before it is used below.
bool is_point(const Point& bytes);
/// Whether these bytes are below l.
bool is_scalar(const Scalar& bytes);

/// An element whose discrete logarithm to any other nobody knows: the map of RFC 9496, section 4.3.4, applied to BLAKE2b-512
/// of the message, personalised by its purpose. REQUIRES: purpose.size() <= 16.
Point hash_to_point(std::string_view purpose, ByteView message);
/// Keyed BLAKE2b-512 of the message, reduced mod l. REQUIRES: purpose.size() <= 16, 16 <= key.size() <= 64.
Scalar hash_to_scalar(std::string_view purpose, ByteView key, ByteView message);

/// REQUIRES of all below: points pass is_point(), scalars is_scalar().
Point add(const Point& a, const Point& b);
Point subtract(const Point& a, const Point& b);
Point multiply(const Scalar& scalar, const Point& point);
/// scalar times the group's standard generator.
Point multiply_base(const Scalar& scalar);

/// value mod l.
Scalar scalar_of(std::int64_t value);
Scalar add(const Scalar& a, const Scalar& b);
Scalar subtract(const Scalar& a, const Scalar& b);
Scalar multiply(const Scalar& a, const Scalar& b);

}  // namespace kilter::crypto
