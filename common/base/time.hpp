/// The one time base: UTC. A market interval is floor(unix time / length); local time never enters the protocol, so
/// daylight saving cannot break it. Cores receive times as inputs; only shells read a clock.
#pragma once

#include <cstdint>

namespace kilter {

using UnixMs = std::int64_t;         ///< milliseconds since 1970-01-01 00:00 UTC
using IntervalIndex = std::int64_t;  ///< floor(unix seconds / interval length in seconds)

constexpr IntervalIndex interval_at(UnixMs now, std::int64_t length_s) {
    const std::int64_t length_ms = 1000 * length_s;
    return now >= 0 ? now / length_ms : -((-now + length_ms - 1) / length_ms);
}

constexpr UnixMs interval_start(IntervalIndex interval, std::int64_t length_s) {
    return interval * length_s * 1000;
}

}  // namespace kilter
