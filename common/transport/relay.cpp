#include "common/transport/relay.hpp"

#include <algorithm>
#include <set>

namespace kilter::transport {

bool Relay::takes(const crypto::PublicKey& from, const wire::Relayed& letter, UnixMs now) {
    const bool taken = letter.from == from && letter.to != from &&
                       letter.sealed.size() <= letter_bytes_max &&
                       pays(from, letter.sealed.size() + limits::relay_letter_bytes, now);
    (taken ? passed_ : refused_).add(letter.sealed.size());
    return taken;
}

// A clock that goes back fills nothing.
bool Relay::pays(const crypto::PublicKey& from, std::size_t bytes, UnixMs now) {
    const auto [found, first] = buckets_.try_emplace(from, Bucket{burst_bytes_, now});
    Bucket& bucket = found->second;
    constexpr UnixMs second_ms = 1'000;
    const UnixMs full_ms =
        static_cast<UnixMs>(burst_bytes_ / std::max<std::size_t>(bytes_per_s_, 1) + 1) * second_ms;
    const UnixMs passed_ms = std::clamp<UnixMs>(now - bucket.filled_ms, 0, full_ms);
    const std::size_t filled = static_cast<std::size_t>(passed_ms) * bytes_per_s_ / second_ms;
    bucket.bytes = std::min(burst_bytes_, bucket.bytes + filled);
    bucket.filled_ms = now;
    if (bytes > bucket.bytes) return false;
    bucket.bytes -= bytes;
    return true;
}

void Relay::keep(std::span<const crypto::PublicKey> keys) {
    const std::set<crypto::PublicKey> kept(keys.begin(), keys.end());
    std::erase_if(buckets_, [&](const auto& bucket) { return !kept.contains(bucket.first); });
}

}  // namespace kilter::transport
