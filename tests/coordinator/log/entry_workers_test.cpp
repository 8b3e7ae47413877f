// Signatures are checked once, off the loop's thread unless there is but one, and nothing unchecked passes.
#include "coordinator/log/entry_workers.hpp"

#include <atomic>
#include <poll.h>

#include <gtest/gtest.h>

namespace kilter::coordinator {
namespace {

/// Counts how often an entry is looked at.
class Rules final : public consensus::Application {
  public:
    [[nodiscard]] Result<void> check(const consensus::Entry&) const override {
        ++checked;
        return {};
    }

    [[nodiscard]] consensus::StatePtr initial() const override { return nullptr; }

    [[nodiscard]] std::unique_ptr<consensus::Execution> begin(const consensus::StatePtr&,
                                                              consensus::Height,
                                                              UnixMs) const override {
        return nullptr;
    }

    [[nodiscard]] bool contains(const consensus::LedgerState&,
                                const consensus::EntryId&) const override {
        return false;
    }

    mutable std::atomic<int> checked = 0;
};

struct Workers : testing::Test {
    Workers() { crypto::initialise(); }

    static consensus::EntryPtr entry(std::uint64_t seq) {
        static const crypto::Identity author = crypto::Identity::generate();
        consensus::Entry out;
        out.type = 1;
        out.seq = seq;
        consensus::sign(out, {}, author);
        return consensus::seal(std::move(out));
    }

    static consensus::EntryPtr forged(std::uint64_t seq) {
        consensus::Entry out = entry(seq)->entry;
        out.signature.bytes[3] ^= 1;
        return consensus::seal(std::move(out));
    }

    /// Waits until everything handed in is answered.
    static void drain(EntryWorkers& workers) {
        while (workers.backlog() > 0) {
            pollfd one{workers.readable(), POLLIN, 0};
            ASSERT_EQ(poll(&one, 1, 30'000), 1);
            workers.deliver();
        }
    }

    Rules rules;
};

TEST_F(Workers, ABatchIsVerifiedIffAllOfItIs) {
    EntryWorkers workers({}, rules, {.threads = 2});
    std::vector<bool> good(3);
    workers.check({entry(1), entry(2)}, [&](auto v) { good[0] = bool(v); });
    workers.check({entry(3), forged(4)}, [&](auto v) { good[1] = bool(v); });
    workers.check({entry(5)}, [&](auto v) { good[2] = bool(v); });
    drain(workers);
    EXPECT_EQ(good, (std::vector<bool>{true, false, true}));
}

TEST_F(Workers, WhatPassedIsNotLookedAtAgainAndAnotherSignatureIs) {
    EntryWorkers workers({}, rules, {.threads = 1});
    const auto one = entry(1);
    const auto two = entry(2);
    int done = 0;
    const auto expect_good = [&](consensus::Verified verified) {
        EXPECT_TRUE(static_cast<bool>(verified));
        ++done;
    };
    workers.check({one, two}, expect_good);
    drain(workers);
    EXPECT_EQ(rules.checked, 2);
    workers.check({two, one}, expect_good);
    EXPECT_EQ(done, 2) << "at once";
    EXPECT_EQ(workers.backlog(), 0u);
    workers.check({one, entry(3)}, expect_good);
    drain(workers);
    EXPECT_EQ(rules.checked, 3);
    bool good = true;
    workers.check({forged(1)}, [&](auto v) { good = bool(v); });
    drain(workers);
    EXPECT_FALSE(good) << "the same id under another signature";
}

TEST_F(Workers, AnEntryInAProposalThatOvertakesItsSubmissionIsCheckedOnce) {
    EntryWorkers workers({}, rules, {.threads = 1});
    std::vector<consensus::EntryPtr> entries;
    for (std::uint64_t seq = 1; seq <= 200; ++seq)
        entries.push_back(entry(seq));
    int done = 0;
    for (int i = 0; i < 3; ++i)
        workers.check(entries, [&](auto v) { done += bool(v) ? 1 : 0; });
    drain(workers);
    EXPECT_EQ(done, 3);
    EXPECT_EQ(rules.checked, 200);
}

TEST_F(Workers, ALonelyEntryIsCheckedWhereItIsAndKnownFromThenOn) {
    EntryWorkers workers({}, rules, {.threads = 1});
    std::vector<bool> good;
    const auto note = [&](auto v) { good.push_back(bool(v)); };
    workers.check({forged(1)}, note);
    workers.check({entry(1)}, note);
    workers.check({entry(1)}, note);
    EXPECT_EQ(good, (std::vector<bool>{false, true, true})) << "at once";
    EXPECT_EQ(workers.backlog(), 0u);
    EXPECT_EQ(rules.checked, 1);
}

}  // namespace
}  // namespace kilter::coordinator
