#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include <gtest/gtest.h>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"

namespace kilter::cli {
namespace {

TEST(Table, aligns_numbers_right_and_text_left_without_trailing_blanks) {
    Table table({{"net", false}, {"price"}, {"note", false}});
    table.add({"Straße", "0.21", "x"});
    table.add({"b", "12.30", ""});
    EXPECT_EQ(table.text(),
              "net     price  note\n"
              "Straße   0.21  x\n"
              "b       12.30\n");
}

TEST(Table, writes_numbers_with_their_digits) {
    EXPECT_EQ(fixed(0.12345, 3), "0.123");
    EXPECT_EQ(fixed(-2, 1), "-2.0");
    EXPECT_EQ(fixed(std::numeric_limits<double>::infinity(), 2), "-");
}

TEST(Output, time_is_utc) {
    EXPECT_EQ(utc_text(0), "1970-01-01 00:00");
    EXPECT_EQ(utc_text(1'780'272'000'000), "2026-06-01 00:00");
}

class OutputFile : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] static std::string content(const std::filesystem::path& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    const std::filesystem::path folder_ =
        std::filesystem::path(testing::TempDir()) /
        ("kilter_output_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         "_" + ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(OutputFile, replaces_the_whole_file) {
    ASSERT_TRUE(write_output(folder_ / "a.json", "a longer first text").ok());
    ASSERT_TRUE(write_output(folder_ / "a.json", "second").ok());
    EXPECT_EQ(content(folder_ / "a.json"), "second");
}

TEST_F(OutputFile, says_which_file_cannot_be_written_and_why) {
    const auto result = write_output(folder_ / "missing" / "a.json", "x");
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find("missing/a.json"), std::string::npos)
        << result.error().message;
    EXPECT_NE(result.error().message.find("No such file"), std::string::npos)
        << result.error().message;
}

TEST(Output, a_full_disk_is_an_error) {
    EXPECT_FALSE(write_output("/dev/full", "x").ok());
}

int run_with(std::vector<const char*> arguments, int result) {
    CLI::App app("a test", "kilter");
    app.require_subcommand(1);
    int exit_code = to_int(ExitCode::failure);
    app.add_subcommand("work", "does it")->callback([&] { exit_code = result; });
    arguments.insert(arguments.begin(), "kilter");
    return run(app, static_cast<int>(arguments.size()), arguments.data(), exit_code);
}

TEST(CommandLine, returns_the_commands_code_or_usage) {
    EXPECT_EQ(run_with({"work"}, 0), 0);
    EXPECT_EQ(run_with({"work"}, 3), 3);
    EXPECT_EQ(run_with({}, 0), 2);
    EXPECT_EQ(run_with({"wrok"}, 0), 2);
    EXPECT_EQ(run_with({"work", "--frobnicate"}, 0), 2);
    EXPECT_EQ(run_with({"--help"}, 4), 0);
}

TEST(CommandLine, an_unknown_command_is_named) {
    testing::internal::CaptureStderr();
    run_with({"wrok"}, 0);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("kilter: there is no command 'wrok'"), std::string::npos) << said;
    testing::internal::CaptureStderr();
    run_with({}, 0);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("subcommand is required"),
              std::string::npos);
}

TEST(CommandLine, a_misused_subcommand_is_named) {
    testing::internal::CaptureStderr();
    run_with({"work", "--frobnicate"}, 0);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("--frobnicate"), std::string::npos) << said;
    EXPECT_NE(said.find("kilter work --help"), std::string::npos) << said;
}

}  // namespace
}  // namespace kilter::cli
