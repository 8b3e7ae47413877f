#include "common/crypto/digest.hpp"

#include <array>

#include <sodium.h>

#include "common/crypto/digest_parts.hpp"

namespace kilter::crypto {

namespace {
using Personal = std::array<std::uint8_t, crypto_generichash_blake2b_PERSONALBYTES>;

Personal personal_of(std::string_view tag) {
    Personal personal{};
    KILTER_CHECK(tag.size() <= personal.size(), "digest tag is too long");
    std::copy(tag.begin(), tag.end(), personal.begin());
    return personal;
}
}  // namespace

Digest keyed_digest(std::string_view tag, ByteView key, ByteView message) {
    const Personal personal = personal_of(tag);
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

Digest digest_of_parts(std::string_view tag, std::initializer_list<ByteView> parts) {
    const Personal personal = personal_of(tag);
    crypto_generichash_blake2b_state state;
    Digest out;
    int status = crypto_generichash_blake2b_init_salt_personal(&state, nullptr, 0, Digest::size,
                                                               nullptr, personal.data());
    for (const ByteView part : parts)
        status |= crypto_generichash_blake2b_update(&state, part.data(), part.size());
    status |= crypto_generichash_blake2b_final(&state, out.bytes.data(), Digest::size);
    KILTER_CHECK(status == 0, "BLAKE2b refused its parameters");
    return out;
}

}  // namespace kilter::crypto
