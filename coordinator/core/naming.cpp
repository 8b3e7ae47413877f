#include "coordinator/core/naming.hpp"

#include <algorithm>
#include <limits>

namespace kilter::coordinator {

Naming::Naming(consensus::ReplicaIndex own,
               std::size_t validators,
               UnixMs began_ms,
               std::optional<std::uint32_t> newest)
    : own_(own),
      validators_(static_cast<std::uint32_t>(validators)),
      began_ms_(began_ms),
      newest_(newest) {}

market::SessionId Naming::next(IntervalIndex interval, UnixMs now) {
    // An opening's number fits 32 bits: with 4 validators for 34 years, then it begins anew.
    const std::uint32_t seconds_max = std::numeric_limits<std::uint32_t>::max() / validators_;
    const UnixMs since_s = std::max<UnixMs>(0, now - began_ms_) / 1000;
    auto second = static_cast<std::uint32_t>(since_s % seconds_max);
    if (newest_) {
        const std::uint32_t later = *newest_ < own_ ? 0 : (*newest_ - own_) / validators_ + 1;
        if (later < seconds_max) second = std::max(second, later);
    }
    newest_ = own_ + second * validators_;
    return {interval, *newest_};
}

}  // namespace kilter::coordinator
