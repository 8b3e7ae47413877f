// A whole replica in a loop: a log of one member, which needs nobody's vote but its own.
#include "coordinator/log/log_host.hpp"

#include <map>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "coordinator/log/outgoing_mail.hpp"
#include "coordinator/logbench/opaque_ledger.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::coordinator {
namespace {

using consensus::SubmissionStatus;

struct Host : testing::Test, LogEvents {
    Host() {
        crypto::initialise();
        genesis.time_ms = runtime::now_ms();
        genesis.operator_key = identity.public_key();
        genesis.validators.validators.push_back({identity.public_key(), "tcp://127.0.0.1:9"});
        auto post = transport::Hub::open(identity, {.bind = "tcp://127.0.0.1:*"});
        KILTER_CHECK(post.ok(), "hub");
        hub.emplace(*std::move(post));
        open();
    }

    void open() {
        auto store = storage::LogStore::open(directory.path / "log.db", genesis);
        KILTER_CHECK(store.ok(), "store");
        auto image = store->load(ledger);
        KILTER_CHECK(image.ok(), "image");
        log.emplace(loop, *hub, *std::move(store),
                    consensus::Replica(settlement::config_of(genesis),
                                       crypto::Identity::from_seed(identity.seed()), ledger,
                                       *std::move(image)),
                    ledger, *this);
    }

    void run() {
        loop.after_turn([this] { log->finish_turn(); });
        log->start();
        const auto guard = loop.arm(60'000, [this] { loop.stop(); });
        loop.run();
        loop.cancel(guard);
    }

    consensus::EntryPtr entry(std::uint64_t seq) {
        consensus::Entry out;
        out.type = opaque_entry;
        out.seq = seq;
        out.expires_ms = runtime::now_ms() + 600'000;
        out.body.assign(100, 7);
        consensus::sign(out, genesis.chain_id(), authors[seq % authors.size()]);
        return consensus::seal(std::move(out));
    }

    void on_final(const consensus::Finalised& final) override {
        for (const auto& one : final.block->entries)
            ++finals[one->id];
        stop_when_done();
    }

    void on_answer(const consensus::SubmissionAnswer& answer) override {
        ++answers[answer.status];
        stop_when_done();
    }

    void on_jump() override { ADD_FAILURE() << "nobody to jump to"; }

    void on_halt(const std::string& reason) override { ADD_FAILURE() << reason; }

    void stop_when_done() {
        std::size_t answered = 0;
        for (const auto& [status, count] : answers)
            answered += count;
        if (answered == submitted && finals.size() == answers[SubmissionStatus::accepted])
            loop.stop();
    }

    storage::TemporaryDirectory directory;
    runtime::Loop loop;
    crypto::Identity identity = crypto::Identity::generate();
    std::vector<crypto::Identity> authors = [] {
        std::vector<crypto::Identity> out;
        for (int i = 0; i < 16; ++i)
            out.push_back(crypto::Identity::generate());
        return out;
    }();
    settlement::Genesis genesis;
    OpaqueLedger ledger{Memory::ids, 0};
    std::optional<transport::Hub> hub;
    std::optional<LogHost> log;
    std::map<consensus::EntryId, int> finals;
    std::map<SubmissionStatus, std::size_t> answers;
    std::size_t submitted = 0;
};

TEST_F(Host, TakesAsManyEntriesAsWorkersMayHaveAndAsksTheOthersToComeLater) {
    submitted = entries_waiting_max + 100;
    for (std::uint64_t seq = 1; seq <= submitted; ++seq)
        log->submit(entry(seq));
    run();
    EXPECT_EQ(answers[SubmissionStatus::try_later], 100u);
    EXPECT_EQ(answers[SubmissionStatus::accepted], entries_waiting_max);
    EXPECT_EQ(finals.size(), entries_waiting_max);
    for (const auto& [id, count] : finals)
        EXPECT_EQ(count, 1);
    const auto report = log->store().height();
    EXPECT_GE(report, entries_waiting_max / limits::block_entries_max) << "blocks are bounded";
}

TEST_F(Host, ABadEntryIsRefusedAndTheOthersOfItsBatchAreNot) {
    submitted = 3;
    consensus::Entry bad = entry(2)->entry;
    bad.signature.bytes[0] ^= 1;
    log->submit(entry(1));
    log->submit(consensus::seal(bad));
    log->submit(entry(3));
    run();
    EXPECT_EQ(answers[SubmissionStatus::refused], 1u);
    EXPECT_EQ(finals.size(), 2u);
}

TEST_F(Host, WhatItAcceptedIsThereAfterARestart) {
    submitted = 50;
    std::vector<consensus::EntryPtr> entries;
    for (std::uint64_t seq = 1; seq <= submitted; ++seq)
        entries.push_back(entry(seq));
    for (const auto& one : entries)
        log->submit(one);
    run();
    const auto root = log->replica().state()->root();
    log.reset();
    open();
    EXPECT_EQ(log->replica().state()->root(), root);
    for (const auto& one : entries)
        EXPECT_TRUE(log->store().receipt(one->id).has_value());
}

TEST(OutgoingMail, HomesAreGivenShortReceiptsOnceEverybodyReadsThem) {
    consensus::Receipt receipt;
    receipt.epochs.resize(3);
    const Bytes brief = consensus::encode(consensus::shortened(receipt));
    EXPECT_EQ(for_home(receipt, 2), consensus::encode(receipt));
    EXPECT_EQ(for_home(receipt, 3), brief);
    EXPECT_EQ(fitting(receipt), consensus::encode(receipt)) << "a desk keeps it as a file";
    while (consensus::encode(receipt).size() <= limits::receipt_bytes_max)
        receipt.epochs.resize(receipt.epochs.size() + 10);
    EXPECT_EQ(for_home(receipt, 2), brief) << "better than none";
    EXPECT_EQ(fitting(receipt), brief);
}

// A roster can outgrow a message: that is nobody's mistake.
TEST_F(Host, WhatIsOutsideTheLimitsIsLeftOutAndEndsNothing) {
    const crypto::PublicKey home = authors[0].public_key();
    ASSERT_TRUE(hub->connect(home, "tcp://127.0.0.1:9").ok());
    send_within_limits(*hub, home, wire::CertifiedEntry{Bytes(limits::receipt_bytes_max + 1)});
    send_within_limits(*hub, home, wire::ConsensusMessage{Bytes(limits::message_bytes_max)});
}

}  // namespace
}  // namespace kilter::coordinator
