#include "common/crypto/vault.hpp"

#include <sodium.h>

#include "common/crypto/digest.hpp"

namespace kilter::crypto {

namespace {
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
}  // namespace

Vault::Vault(const Identity& owner) {
    Seed seed = owner.seed();
    key_ = decltype(key_)::from(keyed_digest("kilter vault", seed.view(), {}).view());
    sodium_memzero(seed.bytes.data(), seed.bytes.size());
}

Vault::~Vault() {
    sodium_memzero(key_.bytes.data(), key_.bytes.size());
}

Bytes Vault::seal(ByteView place, ByteView plain) const {
    const Bytes message = ByteWriter{}.u64(place.size()).raw(place).raw(plain).bytes();
    const Digest nonce = keyed_digest("kilter nonce", key_.view(), message);
    Bytes out(nonce_bytes + plain.size() + tag_bytes);
    std::copy_n(nonce.bytes.begin(), nonce_bytes, out.begin());
    crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + nonce_bytes, nullptr, plain.data(),
                                               plain.size(), place.data(), place.size(), nullptr,
                                               out.data(), key_.bytes.data());
    return out;
}

std::optional<Bytes> Vault::open(ByteView place, ByteView sealed) const {
    if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
    Bytes out(sealed.size() - nonce_bytes - tag_bytes);
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out.data(), nullptr, nullptr, sealed.data() + nonce_bytes, sealed.size() - nonce_bytes,
        place.data(), place.size(), sealed.data(), key_.bytes.data());
    return failed == 0 ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace kilter::crypto
