/// A daemon's one thread: waits for sockets, files and timers, and calls back. SIGTERM and SIGINT
/// end it cleanly.
///
/// One turn: wait; the callbacks of what is readable; the callbacks of timers that are due, in
/// order of their time and then of arming; then after_turn. The hook is where a host commits what
/// the turn's callbacks want persisted and only then sends: one fsync per turn, however many events
/// it had.
///
/// Threads: none. Create the Loop before anything that starts threads (the Hub): it blocks the two
/// signals in the calling thread, and threads inherit that. One Loop per process at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>

#include <zmq.hpp>

#include "common/base/time.hpp"

namespace kilter::runtime {

/// The wall clock, for intervals and time stamps. The only place that reads it; cores get it as an
/// input.
UnixMs now_ms();

struct TimerId {
    std::uint64_t value = 0;  ///< 0: no timer
    auto operator<=>(const TimerId&) const = default;
};

class Loop {
  public:
    using Callback = std::function<void()>;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Calls back in every turn in which there is something to read (so a callback may take a
    /// bounded batch and leave the rest for the next turn). The socket or descriptor must stay open
    /// until it is unwatched.
    void watch(zmq::socket_ref socket, Callback on_readable);
    void watch(int descriptor, Callback on_readable);
    void unwatch(zmq::socket_ref socket);
    void unwatch(int descriptor);

    /// Calls back once, `delay_ms` ≥ 0 from now on the monotonic clock, never earlier. Callbacks
    /// may arm and cancel.
    TimerId arm(std::int64_t delay_ms, Callback callback);
    /// Harmless for a timer that has fired, was cancelled, or never was.
    void cancel(TimerId timer);

    /// Called at the end of every turn, the last one included.
    void after_turn(Callback callback);

    /// Ends run() at the end of this turn (or of the next, if called from outside one).
    void stop();
    /// Turns until stop() or a signal; returns the signal, 0 for stop(). May be called again.
    int run();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::runtime
