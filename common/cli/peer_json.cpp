#include "common/cli/peer_json.hpp"

#include <numeric>

namespace kilter::cli {

nlohmann::ordered_json peer_json(const crypto::PublicKey& key,
                                 std::string_view role,
                                 const transport::Counts& counts,
                                 bool connected,
                                 std::optional<UnixMs> heard) {
    return {
        {"id", short_hex(key.view())},
        {"role", role},
        {"connected", connected},
        {"heard_ms", heard ? nlohmann::ordered_json(*heard) : nlohmann::ordered_json()},
        {"sent", {{"messages", counts.sent.messages}, {"bytes", counts.sent.bytes}}},
        {"received", {{"messages", counts.received.messages}, {"bytes", counts.received.bytes}}},
        {"unsent", counts.unsent},
        {"dropped",
         std::accumulate(counts.dropped.begin(), counts.dropped.end(), std::uint64_t{0})}};
}

}  // namespace kilter::cli
