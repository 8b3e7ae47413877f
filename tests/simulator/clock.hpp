/// A process's clocks. The wall clock is off, drifts, jumps and stops; the steady clock behind timers only drifts.
#pragma once

#include "common/base/time.hpp"
#include "tests/simulator/schedule.hpp"

namespace kilter::consensus::simulation {

inline constexpr UnixMs genesis_ms = 1'700'000'000'000;

struct ClockOptions {
    std::int64_t skew_ms = 300;    ///< wall clocks start up to this far off, either way
    std::int64_t drift_ppm = 100;  ///< either way
    double jump = 0;  ///< chance per process and second of a jump of up to jump_ms either way
    std::int64_t jump_ms = 5'000;
    double freeze = 0;  ///< chance per process and second that the wall clock stops until it heals
};

class Clock {
  public:
    Clock(const ClockOptions& options, Prng& prng)
        : skew_ms_(either_way(options.skew_ms, prng)),
          drift_ppm_(either_way(options.drift_ppm, prng)) {}

    [[nodiscard]] UnixMs wall(Micros now) const {
        const Micros at = frozen_at_ > 0 ? frozen_at_ : now;
        return genesis_ms + 1 + (at + at / 1'000'000 * drift_ppm_) / ms + skew_ms_ + jumped_ms_;
    }

    /// How long a timer of this length really runs.
    [[nodiscard]] Micros timer(std::int64_t delay_ms) const {
        return delay_ms * ms - delay_ms * drift_ppm_ / 1'000;
    }

    /// Once a second.
    void weather(const ClockOptions& options, Prng& prng, Micros now) {
        if (prng.chance(options.jump)) jumped_ms_ += either_way(options.jump_ms, prng);
        if (prng.chance(options.freeze) && frozen_at_ == 0) frozen_at_ = now;
    }

    void jump(std::int64_t by_ms) { jumped_ms_ += by_ms; }

    /// Synchronised again, within the skew it started with.
    void heal() {
        frozen_at_ = 0;
        jumped_ms_ = 0;
    }

  private:
    static std::int64_t either_way(std::int64_t most, Prng& prng) {
        return static_cast<std::int64_t>(prng.below(2 * static_cast<std::uint64_t>(most) + 1)) -
               most;
    }

    std::int64_t skew_ms_;
    std::int64_t drift_ppm_;
    std::int64_t jumped_ms_ = 0;
    Micros frozen_at_ = 0;
};

}  // namespace kilter::consensus::simulation
