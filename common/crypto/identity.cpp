#include "common/crypto/identity.hpp"

#include <sodium.h>

#include "common/crypto/digest.hpp"

namespace kilter::crypto {

void initialise() {
    KILTER_CHECK(sodium_init() >= 0, "libsodium found no source of randomness");
}

void draw(std::span<std::uint8_t> out) {
    randombytes_buf(out.data(), out.size());
}

struct Identity::Secret {
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> sign{};
    std::array<std::uint8_t, crypto_scalarmult_SCALARBYTES> curve{};

    Secret() {
        static_cast<void>(sodium_mlock(this, sizeof *this));
    }  // best effort: RLIMIT_MEMLOCK may be zero

    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    ~Secret() {
        sodium_munlock(this, sizeof *this);
        sodium_memzero(this, sizeof *this);
    }
};

Identity::Identity() : secret_(std::make_unique<Secret>()) {}

Identity::Identity(Identity&&) noexcept = default;
Identity& Identity::operator=(Identity&&) noexcept = default;
Identity::~Identity() = default;

Identity Identity::generate() {
    Seed seed;
    draw(seed.bytes);
    Identity out = from_seed(seed);
    sodium_memzero(seed.bytes.data(), seed.bytes.size());
    return out;
}

Identity Identity::from_seed(const Seed& seed) {
    Identity out;
    crypto_sign_seed_keypair(out.public_key_.bytes.data(), out.secret_->sign.data(),
                             seed.bytes.data());
    crypto_sign_ed25519_sk_to_curve25519(out.secret_->curve.data(), out.secret_->sign.data());
    return out;
}

Seed Identity::seed() const {
    Seed out;
    crypto_sign_ed25519_sk_to_seed(out.bytes.data(), secret_->sign.data());
    return out;
}

Signature Identity::sign(ByteView message) const {
    Signature out;
    crypto_sign_detached(out.bytes.data(), nullptr, message.data(), message.size(),
                         secret_->sign.data());
    return out;
}

ByteView Identity::curve_secret() const {
    return secret_->curve;
}

Result<SharedSecret> Identity::shared_secret(const PublicKey& peer) const {
    const auto theirs = curve_key(peer);
    if (!theirs) return theirs.error();
    std::array<std::uint8_t, crypto_scalarmult_BYTES> point{};
    if (crypto_scalarmult(point.data(), secret_->curve.data(), theirs->bytes.data()) != 0)
        return Error{"key " + short_hex(peer.view()) + " gives no shared secret"};
    const auto& low = std::min(public_key_, peer);
    const auto& high = std::max(public_key_, peer);
    const Digest hashed =
        keyed_digest("kilter shared", point, ByteWriter{}.raw(low.view()).raw(high.view()).bytes());
    sodium_memzero(point.data(), point.size());
    return SharedSecret::from(hashed.view());
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
    return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                       key.bytes.data()) == 0;
}

Result<CurveKey> curve_key(const PublicKey& key) {
    CurveKey out;
    if (crypto_sign_ed25519_pk_to_curve25519(out.bytes.data(), key.bytes.data()) != 0)
        return Error{"key " + short_hex(key.view()) + " is not a usable Ed25519 public key"};
    return out;
}

}  // namespace kilter::crypto
