// The format as data: every accepted vector is one of the samples, byte for byte and back; every
// rejected one is refused for the reason it names.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "common/wire/envelope.hpp"
#include "tests/common/wire/samples.hpp"

namespace kilter::wire {
namespace {

struct Vector {
    std::string name;
    std::string error;  // what follows "# error: "
    Bytes bytes;
};

std::vector<Vector> read_folder(const std::string& folder) {
    std::vector<Vector> out;
    const auto path = std::filesystem::path(KILTER_SOURCE_DIR) / "tests/vectors/wire" / folder;
    for (const auto& file : std::filesystem::directory_iterator(path)) {
        Vector vector{file.path().stem().string(), {}, {}};
        std::ifstream in(file.path());
        std::string hex;
        for (std::string line; std::getline(in, line);) {
            constexpr std::string_view error = "# error: ";
            if (line.starts_with(error))
                vector.error = line.substr(error.size());
            else if (!line.starts_with('#'))
                hex += line;
        }
        auto bytes = from_hex(hex);
        EXPECT_TRUE(bytes) << file.path();
        vector.bytes = *bytes;
        out.push_back(vector);
    }
    return out;
}

TEST(WireVectors, accepted_ones_are_the_samples_in_both_directions) {
    const auto samples = samples::all();
    std::set<Kind> kinds;
    const auto vectors = read_folder("accepted");
    EXPECT_EQ(vectors.size(), samples.size());
    for (const Vector& vector : vectors) {
        SCOPED_TRACE(vector.name);
        ASSERT_TRUE(samples.contains(vector.name));
        const Message& sample = samples.at(vector.name);
        EXPECT_EQ(to_hex(seal(samples::counter, sample)), to_hex(vector.bytes));
        const auto opened = open(vector.bytes);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(opened->counter, samples::counter);
        EXPECT_TRUE(opened->message == sample);
        kinds.insert(kind_of(sample));
    }
    EXPECT_EQ(kinds.size(), std::variant_size_v<Message>) << "a kind without a vector";
}

TEST(WireVectors, rejected_ones_are_refused_for_the_reason_they_name) {
    const auto vectors = read_folder("rejected");
    EXPECT_GE(vectors.size(), 40u);
    for (const Vector& vector : vectors) {
        SCOPED_TRACE(vector.name);
        const auto opened = open(vector.bytes);
        ASSERT_FALSE(opened);
        ASSERT_FALSE(vector.error.empty());
        EXPECT_NE(opened.error().message.find(vector.error), std::string::npos)
            << opened.error().message;
    }
}

}  // namespace
}  // namespace kilter::wire
