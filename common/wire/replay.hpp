/// Drops what was already seen: a bitmap over the last limits::replay_window counters of one peer.
/// Source: RFC 6479 (the anti-replay window without bit shifting), as in WireGuard.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/limits.hpp"

namespace kilter::wire {

enum class Freshness : std::uint8_t {
    fresh,     ///< not seen before: use it
    replayed,  ///< seen before: drop it
    too_old,   ///< older than the window, seen or not: drop it
};

/// One per peer. A new window accepts any counter first.
class ReplayWindow {
  public:
    /// The verdict on `counter`, which from now on counts as seen. A message is shown here only
    /// after it was decoded, so that garbage cannot use counters up.
    Freshness accept(std::uint64_t counter);

  private:
    static constexpr std::size_t word_bits = 64;
    static constexpr std::size_t words =
        limits::replay_window / word_bits + 1;  ///< one spare: filled while moving
    static_assert(limits::replay_window % word_bits == 0);

    std::array<std::uint64_t, words> seen_{};
    std::uint64_t newest_ = 0;
};

}  // namespace kilter::wire
