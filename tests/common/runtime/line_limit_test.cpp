#include "common/runtime/line_limit.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace kilter::runtime::line_limit_test {
namespace {

constexpr std::int64_t start = 1'700'000'000'000;

// What a peer that never stops can get into a log in an hour, at a thousand lines a second.
std::int64_t lines_of_an_hour(const std::function<std::string(int)>& line) {
    LineLimit limit;
    std::int64_t written = 0;
    for (int i = 0; i < 3'600'000; ++i)
        written += limit.admit(line(i), true, start + i) ? 1 : 0;
    return written;
}

TEST(LineLimit, the_same_again_is_written_once_a_minute_whatever_its_numbers) {
    EXPECT_EQ(lines_of_an_hour([](int i) { return "3f0c sent garbage " + std::to_string(i); }), 60);
}

TEST(LineLimit, ever_new_garbage_comes_in_a_burst_and_then_slowly) {
    const auto written = lines_of_an_hour([](int i) {
        std::string words;
        for (int rest = i; rest > 0; rest /= 26)
            words += static_cast<char>('a' + rest % 26);
        return words;
    });
    EXPECT_LE(written, LineLimit::noisy_burst + 60 * LineLimit::noisy_per_minute);
    EXPECT_GE(written, 60 * LineLimit::noisy_per_minute);
}

TEST(LineLimit, what_a_program_says_of_itself_is_not_lost_in_garbage) {
    LineLimit limit;
    for (int i = 0; i < 10'000; ++i)
        limit.admit(std::string(static_cast<std::size_t>(i % 1'000), 'x'), true, start);
    for (int session = 0; session < 100; ++session)
        EXPECT_TRUE(limit.admit("session " + std::to_string(session) + " cleared", false, start));
    EXPECT_EQ(limit.take_left_out(), 10'000U - LineLimit::noisy_burst);
    EXPECT_EQ(limit.take_left_out(), 0U);
}

}  // namespace
}  // namespace kilter::runtime::line_limit_test
