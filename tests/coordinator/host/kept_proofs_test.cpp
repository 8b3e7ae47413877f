// Files that can be made again: a full disk delays them and spoils none.
#include "coordinator/host/kept_proofs.hpp"

#include <csignal>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "common/topology/files.hpp"

namespace kilter::coordinator::kept_proofs_test {
namespace {

/// As a full disk, for as long as this lives: no file grows beyond some bytes.
class FullDisk {
  public:
    FullDisk() {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit full{20, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &full);
    }

    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    rlimit before_{};
    sighandler_t handler_ = nullptr;
};

TEST(KeptProofs, WhatAFullDiskDoesNotTakeIsWrittenLaterAndWhatWasThereStays) {
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "kept-proofs";
    std::filesystem::create_directories(folder);
    const settlement::Genesis genesis;
    const auto is_there = [&](std::size_t epochs) {
        const consensus::EpochsFile file{genesis.chain_id(),
                                         std::vector<consensus::EpochProof>(epochs)};
        const auto text = topology::read_text_file(folder / "log.epochs");
        return text && to_bytes(as_bytes(*text)) == consensus::encode(file);
    };
    KeptProofs proofs(folder, genesis);
    proofs.keep_epochs(std::vector<consensus::EpochProof>(1));
    ASSERT_TRUE(is_there(1));
    {
        const FullDisk full;
        proofs.keep_epochs(std::vector<consensus::EpochProof>(2));
        proofs.keep_epochs(std::vector<consensus::EpochProof>(3));
        proofs.retry();
        EXPECT_TRUE(is_there(1)) << "whole, as it was";
    }
    proofs.retry();
    EXPECT_TRUE(is_there(3)) << "the newest";
    proofs.keep_epochs(std::vector<consensus::EpochProof>(4));
    proofs.retry();
    EXPECT_TRUE(is_there(4)) << "nothing older is written after it";
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kilter::coordinator::kept_proofs_test
