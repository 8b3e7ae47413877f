/// Service points as operators write them: UUIDs.
#pragma once

#include <string>
#include <string_view>

#include "common/settlement/roster.hpp"

namespace kilter::cli {

/// A random one (RFC 4122, version 4).
settlement::ServicePoint new_service_point();

/// "8c1f0c52-9f0e-4d3a-8a7e-3b1f6c0d2e11".
std::string uuid_text(const settlement::ServicePoint& point);
/// With or without hyphens. Error: says what one looks like.
Result<settlement::ServicePoint> parse_uuid(std::string_view text);

}  // namespace kilter::cli
