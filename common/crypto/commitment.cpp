#include "common/crypto/commitment.hpp"

#include <sodium.h>

namespace kilter::crypto {

Salt salt_for(const Identity& home, ByteView session) {
    Seed seed = home.seed();
    const Digest salt = keyed_digest("kilter salt", seed.view(), session);
    sodium_memzero(seed.bytes.data(), seed.bytes.size());
    return Salt::from(salt.view());
}

Scalar blinding_for(const Identity& owner, std::string_view purpose, ByteView place) {
    Seed seed = owner.seed();
    const Scalar out = hash_to_scalar(purpose, seed.view(), place);
    sodium_memzero(seed.bytes.data(), seed.bytes.size());
    return out;
}

Digest commit(const Salt& salt, std::span<const std::int64_t> energies_wh) {
    ByteWriter bytes;
    for (const std::int64_t energy : energies_wh)
        bytes.i64(energy);
    return keyed_digest("kilter commit", salt.view(), bytes.bytes());
}

}  // namespace kilter::crypto
