#include "common/crypto/sealing.hpp"

#include <algorithm>

#include <sodium.h>

namespace kilter::crypto {

static_assert(SealingKey::size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(SealingNonce::size == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(sealing_bytes == SealingNonce::size + crypto_aead_xchacha20poly1305_ietf_ABYTES);

Bytes seal(const SealingKey& key, const SealingNonce& nonce, ByteView context, ByteView plain) {
    Bytes out(sealing_bytes + plain.size());
    std::ranges::copy(nonce.bytes, out.begin());
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        out.data() + SealingNonce::size, nullptr, plain.data(), plain.size(), context.data(),
        context.size(), nullptr, nonce.bytes.data(), key.bytes.data());
    return out;
}

std::optional<Bytes> unseal(const SealingKey& key, ByteView context, ByteView sealed) {
    if (sealed.size() < sealing_bytes) return std::nullopt;
    Bytes out(sealed.size() - sealing_bytes);
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out.data(), nullptr, nullptr, sealed.data() + SealingNonce::size,
        sealed.size() - SealingNonce::size, context.data(), context.size(), sealed.data(),
        key.bytes.data());
    return failed == 0 ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace kilter::crypto
