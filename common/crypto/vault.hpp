/// What an identity writes down for nobody but itself: XChaCha20-Poly1305 (libsodium) under a key derived from its secret.
/// The nonce is a keyed digest of place and plaintext, so sealing needs no source of randomness, and the same value in the
/// same place seals to the same bytes.
#pragma once

#include <optional>

#include "common/crypto/identity.hpp"

namespace kilter::crypto {

class Vault {
  public:
    explicit Vault(const Identity& owner);
    Vault(const Vault&) = delete;
    Vault& operator=(const Vault&) = delete;
    Vault(Vault&&) = default;
    Vault& operator=(Vault&&) = default;
    ~Vault();

    /// `place` is where it is kept, e.g. a key of a database: what was sealed for one place does not open in another.
    [[nodiscard]] Bytes seal(ByteView place, ByteView plain) const;
    /// Nothing: not sealed by this identity for this place, or altered since.
    [[nodiscard]] std::optional<Bytes> open(ByteView place, ByteView sealed) const;

  private:
    FixedBytes<32, struct VaultKeyTag> key_;  ///< secret
};

}  // namespace kilter::crypto
