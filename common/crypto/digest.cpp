#include "common/crypto/digest.hpp"

#include <array>

#include <sodium.h>

namespace kilter::crypto {

Digest keyed_digest(std::string_view tag, ByteView key, ByteView message) {
    std::array<std::uint8_t, crypto_generichash_blake2b_PERSONALBYTES> personal{};
    KILTER_CHECK(tag.size() <= personal.size(), "digest tag is too long");
    std::copy(tag.begin(), tag.end(), personal.begin());
    Digest out;
    const int status = crypto_generichash_blake2b_salt_personal(
        out.bytes.data(), Digest::size, message.data(), message.size(),
        key.empty() ? nullptr : key.data(), key.size(), nullptr, personal.data());
    KILTER_CHECK(status == 0, "BLAKE2b refused its parameters");
    return out;
}

Digest digest(std::string_view tag, ByteView message) {
    return keyed_digest(tag, {}, message);
}

}  // namespace kilter::crypto
