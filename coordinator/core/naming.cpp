#include "coordinator/core/naming.hpp"

#include <algorithm>

namespace kilter::coordinator {

namespace {

constexpr UnixMs seconds_max = 1 << 26;  // × limits::replicas_max fits an opening's number

}  // namespace

Naming::Naming(consensus::ReplicaIndex own, std::size_t validators, UnixMs began_ms)
    : own_(own), validators_(static_cast<std::uint32_t>(validators)), began_ms_(began_ms) {}

market::SessionId Naming::next(IntervalIndex interval, UnixMs now) {
    const UnixMs since_s = std::max<UnixMs>(0, now - began_ms_) / 1000;
    auto second = static_cast<std::uint32_t>(since_s % seconds_max);
    if (newest_ && newest_->interval == interval) second = std::max(second, newest_->second + 1);
    newest_ = {interval, second};
    return {interval, own_ + second * validators_};
}

}  // namespace kilter::coordinator
