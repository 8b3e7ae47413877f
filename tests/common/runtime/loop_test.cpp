#include "common/runtime/loop.hpp"

#include <array>
#include <csignal>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace kilter::runtime::loop_test {
namespace {

using Trace = std::vector<std::string>;

TEST(Loop, timers_fire_in_order_of_time_then_of_arming) {
    Loop loop;
    Trace trace;
    loop.arm(20, [&] {
        trace.push_back("20 ms");
        loop.stop();
    });
    loop.arm(0, [&] { trace.push_back("first of 0 ms"); });
    loop.arm(0, [&] { trace.push_back("second of 0 ms"); });
    loop.arm(10, [&] { trace.push_back("10 ms"); });
    EXPECT_EQ(loop.run(), 0);
    EXPECT_EQ(trace, (Trace{"first of 0 ms", "second of 0 ms", "10 ms", "20 ms"}));
}

TEST(Loop, a_timer_is_never_early) {
    Loop loop;
    const auto start = std::chrono::steady_clock::now();
    loop.arm(15, [&] { loop.stop(); });
    loop.run();
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(15));
}

TEST(Loop, a_cancelled_timer_stays_silent) {
    Loop loop;
    Trace trace;
    const TimerId early = loop.arm(0, [&] { trace.push_back("cancelled before run"); });
    const TimerId later = loop.arm(5, [&] { trace.push_back("cancelled by a timer"); });
    loop.arm(1, [&] { loop.cancel(later); });
    loop.arm(10, [&] { loop.stop(); });
    loop.cancel(early);
    loop.cancel(early);
    loop.cancel(TimerId{});
    loop.run();
    EXPECT_EQ(trace, Trace{});
}

TEST(Loop, a_timer_that_is_due_in_the_same_turn_can_still_be_cancelled) {
    Loop loop;
    Trace trace;
    TimerId second;
    loop.arm(0, [&] {
        loop.cancel(second);
        loop.stop();
    });
    second = loop.arm(0, [&] { trace.push_back("second"); });
    loop.run();
    EXPECT_EQ(trace, Trace{});
}

TEST(Loop, a_timer_that_arms_itself_at_once_does_not_starve_the_sockets) {
    Loop loop;
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    std::function<void()> again = [&] { loop.arm(0, again); };
    loop.arm(0, again);
    loop.watch(ends[0], [&] { loop.stop(); });
    loop.arm(0, [&] { ASSERT_EQ(write(ends[1], "x", 1), 1); });
    EXPECT_EQ(loop.run(), 0);
    close(ends[0]);
    close(ends[1]);
}

TEST(Loop, sockets_and_descriptors_call_back_until_they_are_unwatched) {
    Loop loop;
    zmq::context_t context;
    zmq::socket_t left(context, zmq::socket_type::pair);
    zmq::socket_t right(context, zmq::socket_type::pair);
    left.bind("inproc://loop");
    right.connect("inproc://loop");
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    Trace trace;
    loop.watch(left, [&] {
        zmq::message_t message;
        ASSERT_TRUE(left.recv(message));
        trace.push_back(message.to_string());
        if (trace.back() == "two") {
            loop.unwatch(left);
            right.send(zmq::str_buffer("unheard"));
            ASSERT_EQ(write(ends[1], "x", 1), 1);
        }
    });
    loop.watch(ends[0], [&] {
        trace.push_back("pipe");
        loop.unwatch(ends[0]);  // still readable, but no more calls
        loop.arm(5, [&] { loop.stop(); });
    });
    right.send(zmq::str_buffer("one"));
    right.send(zmq::str_buffer("two"));
    loop.run();
    EXPECT_EQ(trace, (Trace{"one", "two", "pipe"}));
    close(ends[0]);
    close(ends[1]);
}

TEST(Loop, after_turn_comes_after_all_callbacks_of_the_turn_the_last_included) {
    Loop loop;
    Trace trace;
    loop.after_turn([&] {
        if (!trace.empty()) trace.push_back("commit");
    });
    loop.arm(0, [&] { trace.push_back("a"); });
    loop.arm(0, [&] {
        trace.push_back("b");
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(trace, (Trace{"a", "b", "commit"}));
}

TEST(Loop, a_stop_signal_ends_it_cleanly_and_it_can_run_again) {
    for (const int signal : {SIGTERM, SIGINT}) {
        Loop loop;
        bool committed = false;
        loop.after_turn([&] { committed = true; });
        loop.arm(0, [&] { ASSERT_EQ(raise(signal), 0); });
        EXPECT_EQ(loop.run(), signal);
        EXPECT_TRUE(committed);
        loop.arm(0, [&] { loop.stop(); });
        EXPECT_EQ(loop.run(), 0);
    }
}

TEST(Loop, the_wall_clock_reads_this_century) {
    EXPECT_GT(now_ms(), UnixMs{1'700'000'000'000});
    EXPECT_LT(now_ms(), UnixMs{4'102'444'800'000});
}

}  // namespace
}  // namespace kilter::runtime::loop_test
