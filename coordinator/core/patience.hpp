/// How long a chair waits for the messages of an iteration before it takes whoever is missing for silent: as long as agreed, and
/// longer where the iterations of this session take long themselves, on slow machines or links. As TCP decides on a lost
/// segment (RFC 6298): mean and mean deviation of the times, smoothed, and four deviations above the mean; never less than
/// silence_ms and never more than most_of it, so one silent member costs one such wait and no more.
///
/// An iteration in which somebody was taken for silent is no measure of how long the others take (Karn's rule).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "common/base/time.hpp"

namespace kilter::coordinator {

class Patience {
  public:
    static constexpr std::uint32_t most_of = 2;

    /// An iteration has begun. `counts`: nobody was dropped in the one before it.
    void on_progress(UnixMs now, bool counts) {
        if (since_ && counts && now >= *since_) add(static_cast<double>(now - *since_));
        since_ = now;
    }

    [[nodiscard]] std::uint32_t wait_ms(std::uint32_t silence_ms) const {
        const double wait = mean_ms_ + 4 * deviation_ms_;
        return static_cast<std::uint32_t>(
            std::lround(std::clamp(wait, 1.0 * silence_ms, 1.0 * most_of * silence_ms)));
    }

  private:
    void add(double span_ms) {
        if (!measured_) {
            mean_ms_ = span_ms;
            deviation_ms_ = span_ms / 2;
        } else {
            deviation_ms_ += (std::abs(span_ms - mean_ms_) - deviation_ms_) / 4;
            mean_ms_ += (span_ms - mean_ms_) / 8;
        }
        measured_ = true;
    }

    std::optional<UnixMs> since_;
    bool measured_ = false;
    double mean_ms_ = 0;
    double deviation_ms_ = 0;
};

}  // namespace kilter::coordinator
