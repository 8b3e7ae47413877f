#include "common/storage/key_file.hpp"

#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

struct KeyFile : testing::Test {
    TemporaryDirectory directory;
    std::filesystem::path file = directory.path / "agent.key";

    void write(const std::string& text, mode_t mode) const {
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
    }

    std::string error() const {
        const auto identity = read_key_file(file);
        return identity ? "" : identity.error().message;
    }
};

TEST_F(KeyFile, ReadsWhatItWrote) {
    const crypto::Identity identity = settlement::home(7);
    ASSERT_TRUE(write_key_file(file, identity).ok());

    struct stat status {};

    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const auto read = read_key_file(file);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->public_key(), identity.public_key());
}

TEST_F(KeyFile, NeverOverwrites) {
    ASSERT_TRUE(write_key_file(file, settlement::home(1)).ok());
    EXPECT_FALSE(write_key_file(file, settlement::home(2)).ok());
    EXPECT_EQ(read_key_file(file)->public_key(), settlement::home(1).public_key());
}

TEST_F(KeyFile, RefusesWhatIsNotAKeyFile) {
    EXPECT_NE(error().find("cannot open"), std::string::npos);
    write(std::string(64, 'a') + "\n", 0644);
    EXPECT_NE(error().find("chmod 600"), std::string::npos);
    ::chmod(file.c_str(), 0600);
    EXPECT_EQ(error(), "");
    write(std::string(63, 'a') + "\n", 0600);
    EXPECT_NE(error().find("64 bytes"), std::string::npos);
    write(std::string(63, 'a') + "x\n", 0600);
    EXPECT_NE(error().find("hexadecimal"), std::string::npos);
}

}  // namespace
}  // namespace kilter::storage
