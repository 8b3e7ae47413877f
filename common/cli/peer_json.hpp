/// One line of `peers` in a program's status: who is at the other end of a link, and what has passed over it.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/base/time.hpp"
#include "common/transport/hub.hpp"

namespace kilter::cli {

/// `role`: "home", "coordinator", "operator" or "unknown". `heard`: when it last said something to this process. Keys stay
/// whole nowhere: peers are named by their short ids.
nlohmann::ordered_json peer_json(const crypto::PublicKey& key,
                                 std::string_view role,
                                 const transport::Counts& counts,
                                 bool connected,
                                 std::optional<UnixMs> heard);

}  // namespace kilter::cli
