/// Simulated time: what happens next, in order of time and, at one moment, in order of planning. Nothing else in the
/// simulator knows what time it is, so a run is a function of its options.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <vector>

#include "common/base/prng.hpp"

namespace kilter::consensus::simulation {

using Micros = std::int64_t;  ///< since the start of the run
inline constexpr Micros ms = 1'000;
inline constexpr Micros second = 1'000'000;

/// The generator of one component: components do not disturb each other's draws.
inline Prng stream(std::uint64_t seed, std::string_view component) {
    std::uint64_t name = 0xCBF29CE484222325ULL;
    for (const char c : component)
        name = (name ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    return Prng(Prng(seed ^ name).next());
}

/// A draw of the pause between events that happen every `mean` on average, each by itself.
inline Micros exponential(Prng& prng, Micros mean) {
    return static_cast<Micros>(-std::log(1 - prng.uniform()) * static_cast<double>(mean));
}

class Schedule {
  public:
    [[nodiscard]] Micros now() const { return now_; }

    void after(Micros delay, std::function<void()> action) {
        events_.push({now_ + (delay > 0 ? delay : 0), order_++, std::move(action)});
    }

    /// Runs the next event, unless it is later than `end`.
    bool step(Micros end) {
        if (events_.empty() || events_.top().at > end) return false;
        // The queue's top is const only because changing the key would break its order; the action is no key.
        Event event = std::move(const_cast<Event&>(events_.top()));
        events_.pop();
        now_ = event.at;
        ++steps_;
        event.action();
        return true;
    }

    [[nodiscard]] std::uint64_t steps() const { return steps_; }

  private:
    struct Event {
        Micros at = 0;
        std::uint64_t order = 0;
        std::function<void()> action;

        bool operator<(const Event& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    std::priority_queue<Event> events_;
    Micros now_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace kilter::consensus::simulation
