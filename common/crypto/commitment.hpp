/// A home's commitment to its cleared schedule: what the log holds in place of the schedule.
/// Hiding because of the secret salt, binding because BLAKE2b is collision resistant; it opens by showing both.
#pragma once

#include <cstdint>
#include <span>

#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"
#include "common/crypto/ristretto.hpp"

namespace kilter::crypto {

using Salt = FixedBytes<32, struct SaltTag>;  ///< secret

/// The home's salt for one session: from its own secret, so nothing needs to be stored, and never the same twice for
/// distinct `session` bytes.
Salt salt_for(const Identity& home, ByteView session);

/// BLAKE2b-256, tag "kilter commit", keyed with the salt, over the energies as little-endian int64.
/// `energies_wh`: consumption per interval in Wh, positive = import.
Digest commit(const Salt& salt, std::span<const std::int64_t> energies_wh);

/// The blinding of one Pedersen commitment, from the owner's own secret: never the same twice for distinct (purpose, place).
/// REQUIRES: purpose.size() <= 16.
Scalar blinding_for(const Identity& owner, std::string_view purpose, ByteView place);

}  // namespace kilter::crypto
