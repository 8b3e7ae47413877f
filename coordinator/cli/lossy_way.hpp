/// One direction of a TCP connection over a line that carries everything late and loses some of it: when what was sent
/// arrives. Nothing overtakes what was sent before it. Pure; the caller owns the clock.
///
///     sent at t, delay d             arrives
///     nothing of it lost             t + d
///     a segment, others after it     t + 3d              they are acknowledged selectively; it is sent again
///     its last segment of several    t + 5d              after two round trips without a word the sender probes
///     its only segment               t + 3d + 200 ms     Linux's retransmission timeout over a quiet line
///     and sent behind it at s        s + 3d              at the latest: as above, the selective acknowledgement tells
///
/// As Linux 6.18 does it with a link of 20 ms: 80 to 82 ms of a message of one segment that others follow every 20 ms, 90
/// to 95 ms every 30 ms, 161 every 100 ms, 266 to 271 ms of one that none follows (between namespaces, a program that
/// holds packets in the middle). That what is sent again is lost again is left out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace kilter::cli {

/// Of the segments that something sent at once consists of.
enum class Loss : std::uint8_t { none, within, last, whole };

class LossyWay {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit LossyWay(std::chrono::milliseconds delay) : delay_(delay) {}

    struct Chunk {
        Time due;  ///< of itself; it also waits for those before it
        bool overdue = false;
        std::vector<char> bytes;
        std::size_t taken = 0;  ///< by the receiver
    };

    void send(std::vector<char> bytes, Loss loss, Time now);
    /// When the oldest one arrives.
    [[nodiscard]] std::optional<Time> due() const;
    /// The oldest one, once it has arrived; else null.
    [[nodiscard]] Chunk* arrived(Time now);
    /// The oldest one is with its receiver. REQUIRES: arrived().
    void pop();

    [[nodiscard]] bool empty() const { return under_way_.empty(); }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    std::chrono::milliseconds delay_;
    std::deque<Chunk> under_way_;
    std::size_t bytes_ = 0;
};

}  // namespace kilter::cli
