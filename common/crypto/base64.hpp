/// Bytes as URL-safe base64 without padding (RFC 4648, section 5).
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace kilter::crypto {

std::string to_base64url(ByteView bytes);

/// White space is ignored. Error: a character that is not of the alphabet, or a length that no bytes have.
Result<Bytes> from_base64url(std::string_view text);

}  // namespace kilter::crypto
