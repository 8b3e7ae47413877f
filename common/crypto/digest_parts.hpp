/// The digest of a message that lies in several places, without putting it together first.
#pragma once

#include <initializer_list>

#include "common/crypto/digest.hpp"

namespace kilter::crypto {

/// digest(tag, the parts one after the other).
Digest digest_of_parts(std::string_view tag, std::initializer_list<ByteView> parts);

}  // namespace kilter::crypto
