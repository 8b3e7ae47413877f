#include "common/runtime/logging.hpp"

#include <algorithm>
#include <regex>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "common/runtime/line_limit.hpp"

namespace kilter::runtime::logging_test {
namespace {

TEST(Logging, writes_one_line_per_event_to_standard_error) {
    testing::internal::CaptureStderr();
    ASSERT_TRUE(set_up_logging("kilter-agent", "info"));
    spdlog::debug("unheard");
    spdlog::info("session cleared interval={} iterations={}", 1978321, 71);
    const std::string written = testing::internal::GetCapturedStderr();
    const std::regex expected(
        "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z level=info program=kilter-agent "
        "session cleared interval=1978321 iterations=71\n");
    EXPECT_TRUE(std::regex_match(written, expected)) << written;
}

TEST(Logging, a_peer_cannot_fill_the_disk) {
    testing::internal::CaptureStderr();
    ASSERT_TRUE(set_up_logging("kilter-agent", "info"));
    for (int i = 0; i < 20'000; ++i) {
        spdlog::warn("3f0c9a1e sent a proof that cannot be read: byte {}", i);
        spdlog::error("{}", std::string(static_cast<std::size_t>(i % 2'000), 'x'));
    }
    spdlog::info("session cleared");
    const std::string written = testing::internal::GetCapturedStderr();
    const auto lines = std::count(written.begin(), written.end(), '\n');
    EXPECT_LE(lines, 2 * (LineLimit::noisy_burst + LineLimit::noisy_per_minute))
        << "with a note before each";
    EXPECT_NE(written.find("session cleared"), std::string::npos);
    EXPECT_NE(written.find("lines left out"), std::string::npos);
}

TEST(Logging, an_unknown_level_is_an_error_that_lists_the_known_ones) {
    const auto refused = set_up_logging("kilter-agent", "loud");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("\"loud\""), std::string::npos);
    EXPECT_NE(refused.error().message.find("debug"), std::string::npos);
    for (const char* level : {"trace", "debug", "info", "warning", "error", "off"})
        EXPECT_TRUE(set_up_logging("kilter-agent", level)) << level;
}

TEST(Logging, a_peers_text_cannot_write_lines_of_its_own) {
    EXPECT_EQ(quoted("no such net"), "\"no such net\"");
    EXPECT_EQ(quoted("a\"b\\c\n2026 level=error"), R"("a\"b\\c\x0a2026 level=error")");
}

}  // namespace
}  // namespace kilter::runtime::logging_test
