#include "common/crypto/ristretto.hpp"

#include <algorithm>

#include <sodium.h>

namespace kilter::crypto {

namespace {

using Wide = std::array<std::uint8_t, 64>;

Wide wide_digest(std::string_view purpose, ByteView key, ByteView message) {
    static_assert(crypto_core_ristretto255_HASHBYTES == 64);
    std::array<std::uint8_t, crypto_generichash_blake2b_PERSONALBYTES> personal{};
    KILTER_CHECK(purpose.size() <= personal.size(), "a tag has at most 16 characters");
    std::copy(purpose.begin(), purpose.end(), personal.begin());
    Wide out;
    const int failed = crypto_generichash_blake2b_salt_personal(
        out.data(), out.size(), message.data(), message.size(), key.empty() ? nullptr : key.data(),
        key.size(), nullptr, personal.data());
    KILTER_CHECK(failed == 0, "BLAKE2b refused its parameters");
    return out;
}

}  // namespace

bool is_point(const Point& bytes) {
    return crypto_core_ristretto255_is_valid_point(bytes.bytes.data()) == 1;
}

bool is_scalar(const Scalar& bytes) {
    // Reduction leaves exactly the canonical ones as they are.
    Wide wide{};
    std::copy(bytes.bytes.begin(), bytes.bytes.end(), wide.begin());
    Scalar reduced;
    crypto_core_ristretto255_scalar_reduce(reduced.bytes.data(), wide.data());
    return reduced == bytes;
}

Point hash_to_point(std::string_view purpose, ByteView message) {
    const Wide wide = wide_digest(purpose, {}, message);
    Point out;
    crypto_core_ristretto255_from_hash(out.bytes.data(), wide.data());
    return out;
}

Scalar hash_to_scalar(std::string_view purpose, ByteView key, ByteView message) {
    Wide wide = wide_digest(purpose, key, message);
    Scalar out;
    crypto_core_ristretto255_scalar_reduce(out.bytes.data(), wide.data());
    sodium_memzero(wide.data(), wide.size());
    return out;
}

Point add(const Point& a, const Point& b) {
    Point out;
    const int failed =
        crypto_core_ristretto255_add(out.bytes.data(), a.bytes.data(), b.bytes.data());
    KILTER_CHECK(failed == 0, "bytes that are no element were added");
    return out;
}

Point subtract(const Point& a, const Point& b) {
    Point out;
    const int failed =
        crypto_core_ristretto255_sub(out.bytes.data(), a.bytes.data(), b.bytes.data());
    KILTER_CHECK(failed == 0, "bytes that are no element were subtracted");
    return out;
}

Point multiply(const Scalar& scalar, const Point& point) {
    // libsodium reports a neutral product as a failure, as it does for bytes that are no element.
    if (scalar.is_zero() || point.is_zero()) return {};
    Point out;
    const int failed =
        crypto_scalarmult_ristretto255(out.bytes.data(), scalar.bytes.data(), point.bytes.data());
    KILTER_CHECK(failed == 0, "bytes that are no element were multiplied");
    return out;
}

Point multiply_base(const Scalar& scalar) {
    if (scalar.is_zero()) return {};
    Point out;
    const int failed = crypto_scalarmult_ristretto255_base(out.bytes.data(), scalar.bytes.data());
    KILTER_CHECK(failed == 0, "the generator has the group's order");
    return out;
}

Scalar scalar_of(std::int64_t value) {
    const bool negative = value < 0;
    auto magnitude = static_cast<std::uint64_t>(value);
    if (negative) magnitude = ~magnitude + 1;
    Scalar out;
    for (std::size_t i = 0; i < 8; ++i)
        out.bytes[i] = static_cast<std::uint8_t>(magnitude >> (8 * i));
    return negative ? subtract(Scalar{}, out) : out;
}

Scalar add(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_add(out.bytes.data(), a.bytes.data(), b.bytes.data());
    return out;
}

Scalar subtract(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_sub(out.bytes.data(), a.bytes.data(), b.bytes.data());
    return out;
}

Scalar multiply(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_mul(out.bytes.data(), a.bytes.data(), b.bytes.data());
    return out;
}

}  // namespace kilter::crypto
