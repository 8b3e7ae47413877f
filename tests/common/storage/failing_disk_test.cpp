// A disk that fails ends the process: nothing that was not durable may be sent, and a failed synchronisation cannot be
// tried again.
#include <cerrno>
#include <csignal>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/storage/durable_file.hpp"
#include "tests/common/storage/cluster.hpp"

namespace {
bool synchronising_fails = false;
}  // namespace

// Found before the C library's, by SQLite too.
extern "C" int fdatasync(int handle) {
    if (synchronising_fails) {
        errno = EIO;
        return -1;
    }
    return static_cast<int>(syscall(SYS_fdatasync, handle));
}

extern "C" int fsync(int handle) {
    if (synchronising_fails) {
        errno = EIO;
        return -1;
    }
    return static_cast<int>(syscall(SYS_fsync, handle));
}

namespace kilter::storage {
namespace {

struct FailingDisk : testing::Test {
    FailingDisk() : store(*LogStore::open(directory.path / "log.db", settlement::neighbourhood())) {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
    }

    [[nodiscard]] static std::vector<consensus::Write> a_vote() {
        consensus::Signer signer(settlement::coordinator(0), {}, 0, 0, {});
        return {*signer.sign(consensus::VoteKind::skip, 1, {})->fresh};
    }

    /// As a full disk: no file can grow any more.
    static void fill_up() {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{4'000, 4'000};  // enough for the last words
        setrlimit(RLIMIT_FSIZE, &limit);
    }

    TemporaryDirectory directory;
    LogStore store;
};

TEST_F(FailingDisk, AFailedSynchronisationEndsTheProcess) {
    EXPECT_DEATH(
        {
            synchronising_fails = true;
            store.apply(a_vote());
        },
        "log.db: write failed: disk I/O error");
    EXPECT_DEATH(
        {
            synchronising_fails = true;
            write_durably(directory.path / "snapshot", Bytes{1, 2, 3});
        },
        "fsync failed");
}

TEST_F(FailingDisk, AFullDiskEndsTheProcess) {
    EXPECT_DEATH(
        {
            fill_up();
            store.apply(a_vote());
        },
        "log.db: .*failed");
    EXPECT_DEATH(
        {
            fill_up();
            write_durably(directory.path / "snapshot", Bytes(10'000, 1));
        },
        "write failed");
}

TEST_F(FailingDisk, WhatWasNotWrittenIsNotThereAndTheStoreOpensAgain) {
    store.apply(a_vote());
    write_durably(directory.path / "file", Bytes{1});
    EXPECT_EQ(*read_whole(directory.path / "file", 10), Bytes{1});
    EXPECT_FALSE(std::filesystem::exists(directory.path / "file.new"));
    EXPECT_FALSE(read_whole(directory.path / "file", 0).ok());
}

}  // namespace
}  // namespace kilter::storage
