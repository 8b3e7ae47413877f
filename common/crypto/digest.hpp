/// BLAKE2b-256 (RFC 7693), personalised by a tag so that a digest made for one purpose never serves another.
#pragma once

#include <string_view>

#include "common/base/bytes.hpp"

namespace kilter::crypto {

using Digest = FixedBytes<32, struct DigestTag>;

/// H(tag, message). The tag is the BLAKE2b personalisation. REQUIRES: tag.size() <= 16.
Digest digest(std::string_view tag, ByteView message);

/// Keyed BLAKE2b-256, for deriving secrets. REQUIRES: tag.size() <= 16, 16 <= key.size() <= 64.
Digest keyed_digest(std::string_view tag, ByteView key, ByteView message);

}  // namespace kilter::crypto
