// Plays tests/simulator/transcripts/*.txt. KILTER_REWRITE=1 writes what happened into the files instead of comparing: then
// review the difference.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "common/consensus/mutation.hpp"
#include "tests/simulator/script.hpp"

namespace kilter::consensus::simulation {
namespace {

namespace fs = std::filesystem;

const fs::path folder = fs::path(KILTER_SOURCE_DIR) / "tests/simulator/transcripts";

std::string read(const fs::path& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(Transcripts, AreWhatHappens) {
    std::size_t played = 0;
    for (const auto& file : fs::directory_iterator(folder)) {
        const std::string expected = read(file.path());
        const std::string happened = Script().play(expected);
        ++played;
        if (std::getenv("KILTER_REWRITE") != nullptr)
            std::ofstream(file.path()) << happened;
        else
            EXPECT_EQ(happened, expected) << file.path().filename();
    }
    EXPECT_GE(played, 8u);
}

struct Scenario {
    const char* transcript;
    Mutant mutant;
};

class MutantTranscript : public testing::TestWithParam<Scenario> {
  protected:
    void TearDown() override { mutant = Mutant::none; }
};

// Rules that chance seldom needs: each has a transcript whose end is another one without it.
TEST_P(MutantTranscript, EndsOtherwise) {
    const std::string expected = read(folder / (std::string(GetParam().transcript) + ".txt"));
    ASSERT_EQ(Script().play(expected), expected);
    mutant = GetParam().mutant;
    const std::string otherwise = Script().play(expected);
    const auto end = [](const std::string& text) { return text.substr(text.rfind("----")); };
    EXPECT_NE(end(otherwise), end(expected));
}

INSTANTIATE_TEST_SUITE_P(
    Log,
    MutantTranscript,
    testing::Values(Scenario{"certificate_forward", Mutant::no_certificate_forward},
                    Scenario{"join", Mutant::no_join},
                    Scenario{"backoff", Mutant::no_backoff},
                    Scenario{"certificate_on_disk", Mutant::unwritten_certificate}),
    [](const auto& test) { return std::string(test.param.transcript); });

}  // namespace
}  // namespace kilter::consensus::simulation
