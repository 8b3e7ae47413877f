/// What a process that relays lets through: sealed letters between others, each within a rate of its own. Who may speak with
/// whom is for the host to say; what is in a letter, nobody but its ends can.
///
/// Rate: a bucket per sender that fills with bytes_per_s up to burst_bytes and pays for each letter it sends,
/// limits::relay_letter_bytes beside its length. A letter that it cannot pay for is dropped: its sender repeats what matters.
#pragma once

#include <map>
#include <span>

#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "common/transport/hub.hpp"

namespace kilter::transport {

class Relay {
  public:
    /// Of one letter: the longest share there is, and room. So what waits for a receiver that has stopped reading is bounded
    /// (Hub: 64 letters).
    static constexpr std::size_t letter_bytes_max = 1u << 20;

    explicit Relay(std::size_t bytes_per_s = limits::relay_bytes_per_s,
                   std::size_t burst_bytes = limits::relay_burst_bytes)
        : bytes_per_s_(bytes_per_s), burst_bytes_(burst_bytes) {}

    /// Whether this letter goes on to letter.to. False, and counted: `from`, who sent it, is not who it says it is from; it is
    /// addressed to its sender or too long; or its sender has used up its rate.
    bool takes(const crypto::PublicKey& from, const wire::Relayed& letter, UnixMs now);

    /// Forgets the buckets of all others. So there is one for each who was in `keys` or has sent since.
    void keep(std::span<const crypto::PublicKey> keys);

    [[nodiscard]] const Traffic& passed() const { return passed_; }

    [[nodiscard]] const Traffic& refused() const { return refused_; }

  private:
    struct Bucket {
        std::size_t bytes = 0;
        UnixMs filled_ms = 0;
    };

    bool pays(const crypto::PublicKey& from, std::size_t bytes, UnixMs now);

    std::size_t bytes_per_s_;
    std::size_t burst_bytes_;
    std::map<crypto::PublicKey, Bucket> buckets_;
    Traffic passed_;
    Traffic refused_;
};

}  // namespace kilter::transport
