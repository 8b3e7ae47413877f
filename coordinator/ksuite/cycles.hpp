/// Which lines lie on a cycle. A phase is free across a bridge: any flow's phase difference can be met by turning all
/// the phases behind it, so only the other lines need to agree on phases. Exact, O(nets + lines).
#pragma once

#include <cstdint>
#include <vector>

namespace kilter::ksuite {

/// For every line (from[i], to[i]) with included[i]: does it lie on a cycle of included lines? False for the others.
std::vector<bool> on_cycle(std::size_t nets,
                           const std::vector<std::uint32_t>& from,
                           const std::vector<std::uint32_t>& to,
                           const std::vector<bool>& included);

}  // namespace kilter::ksuite
