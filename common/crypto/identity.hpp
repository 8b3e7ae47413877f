/// One Ed25519 identity per party; its X25519 form (libsodium's birational map) is its CURVE key and its masking key,
/// so one key names one party everywhere. Secret keys live in locked memory, are wiped, and have no text form here.
///
/// Call initialise() once per process before anything else of this folder.
#pragma once

#include <memory>
#include <span>

#include "common/base/bytes.hpp"

namespace kilter::crypto {

using PublicKey = FixedBytes<32, struct PublicKeyTag>;  ///< Ed25519
using CurveKey = FixedBytes<32, struct CurveKeyTag>;    ///< X25519 public key
using Signature = FixedBytes<64, struct SignatureTag>;  ///< Ed25519 detached
using Seed = FixedBytes<32, struct SeedTag>;            ///< secret: the identity in 32 bytes
using SharedSecret =
    FixedBytes<32, struct SharedSecretTag>;  ///< secret: X25519 of two static keys, hashed

/// libsodium's start-up; aborts if the machine has no source of randomness.
void initialise();

/// Fills `out` from the machine's source of randomness.
void draw(std::span<std::uint8_t> out);

/// A party's secret half. Movable, not copyable; wiped on destruction.
class Identity {
  public:
    static Identity generate();
    static Identity from_seed(const Seed& seed);

    [[nodiscard]] const PublicKey& public_key() const { return public_key_; }

    [[nodiscard]] Signature sign(ByteView message) const;

    /// The secret X25519 key, for CURVE sockets only; the view lives as long as this object.
    [[nodiscard]] ByteView curve_secret() const;
    /// X25519 with the peer's key, hashed with both public keys in order: the same at both ends.
    /// Error: the peer's key is not a valid point or is of small order.
    [[nodiscard]] Result<SharedSecret> shared_secret(const PublicKey& peer) const;
    /// The seed to write to a key file. Secret.
    [[nodiscard]] Seed seed() const;

    Identity(Identity&&) noexcept;
    Identity& operator=(Identity&&) noexcept;
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;
    ~Identity();

  private:
    struct Secret;
    Identity();
    PublicKey public_key_;
    std::unique_ptr<Secret> secret_;
};

/// True iff `signature` is the key's over exactly these bytes. Total: any input is safe.
bool verify(const PublicKey& key, ByteView message, const Signature& signature);

/// The X25519 form of a public key. Error: not a point on the curve, or of small order.
Result<CurveKey> curve_key(const PublicKey& key);

}  // namespace kilter::crypto
