/// Authenticated encryption for two who share a key: XChaCha20-Poly1305 (libsodium). A nonce has 192 bits, enough to be drawn at
/// random for every message: no counter has to outlive a process. It travels before the ciphertext.
#pragma once

#include <optional>

#include "common/crypto/identity.hpp"

namespace kilter::crypto {

using SealingKey = FixedBytes<32, struct SealingKeyTag>;  ///< secret
using SealingNonce = FixedBytes<24, struct SealingNonceTag>;

inline constexpr std::size_t sealing_bytes =
    SealingNonce::size + 16;  ///< nonce and tag: what sealing adds

/// `context` is what both ends know without being told; it is not in the result. REQUIRES: no nonce twice under one key.
Bytes seal(const SealingKey& key, const SealingNonce& nonce, ByteView context, ByteView plain);
/// Nothing: not sealed under this key in this context, or altered since. Total.
std::optional<Bytes> unseal(const SealingKey& key, ByteView context, ByteView sealed);

}  // namespace kilter::crypto
