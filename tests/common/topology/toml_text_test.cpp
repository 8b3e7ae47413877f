#include "common/topology/toml_text.hpp"

#include <gtest/gtest.h>

#include "common/topology/toml_reader.hpp"

namespace kilter::topology::toml_text_test {
namespace {

TEST(TomlText, accepts_any_character_in_strings_and_comments) {
    EXPECT_TRUE(
        check_toml_text("name = \"Straße \\\" ß\" # größer ≥\n'ü' = 'ö\\'\nb = \"\" # leer\n", "a")
            .ok());
}

TEST(TomlText, names_the_place_of_a_character_toml_does_not_allow) {
    const auto result = check_toml_text("a = 1\nb = 2 \xC2\xA7\n", "feeder.toml");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message.rfind("feeder.toml:2:7: ", 0), 0u) << result.error().message;
}

TEST(TomlText, refuses_strings_over_several_lines) {
    for (const char* text : {"s = \"\"\"\\\n\xC2\xA7\"\"\"\n", "s = '''\na'''\n"}) {
        const auto result = check_toml_text(text, "a");
        ASSERT_FALSE(result.ok());
        EXPECT_NE(result.error().message.find("a:1:5: "), std::string::npos)
            << result.error().message;
    }
}

// Found by the fuzzer: toml++ runs into undefined behaviour on this.
TEST(TomlText, guards_the_parser) {
    const auto document = TomlDocument::parse("\xCB\x8D\x05", "a");
    ASSERT_FALSE(document.ok());
    EXPECT_EQ(document.error().message.rfind("a:1:1: ", 0), 0u) << document.error().message;
}

}  // namespace
}  // namespace kilter::topology::toml_text_test
