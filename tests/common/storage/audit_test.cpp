// The outsider's audit against a log that was tampered with by someone who can write whatever a store can hold.
#include "common/settlement/audit.hpp"

#include <gtest/gtest.h>

#include "common/crypto/merkle.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::settlement {
namespace {

using consensus::Block;
using consensus::FinalBlock;

struct AuditTest : testing::Test {
    AuditTest() {
        storage::StoredCluster cluster(neighbourhood(), directory.path);
        cluster.start_all();
        const UnixMs expires = start_ms + 3'600'000;
        cluster.submit(0, make_entry(first_change(), cluster.chain(), 1, expires, grid_operator()));
        cluster.run(3'000);
        for (std::uint32_t net = 0; net < 2; ++net) {
            cluster.submit(0, make_entry(cleared_of(cluster.chain(), 4, net), cluster.chain(), net,
                                         expires, coordinator(0)));
            cluster.run(3'000);
        }
        for (consensus::Height h = 1; h <= cluster.store(0).height(); ++h)
            log.push_back(*cluster.store(0).block(h));
        KILTER_CHECK(log.size() >= 3, "the log is too short for this test");
    }

    /// Why the audit refuses the log; empty: it does not.
    std::string verdict() const {
        Audit audit(genesis);
        for (const FinalBlock& block : log)
            if (auto added = audit.add(block); !added) return added.error().message;
        const auto report = audit.finish();
        return report ? "" : report.error().message;
    }

    /// Replaces block `at` by a changed copy; `rehash` as a forger who knows the rules would.
    template <class Change>
    std::string after(std::size_t at, bool rehash, Change change) {
        const auto original = log;
        auto block = std::make_shared<Block>(*log[at].block);
        change(*block);
        if (rehash) {
            block->header.payload_root = crypto::merkle_root(leaves(*block));
            block->header.count = static_cast<std::uint32_t>(block->entries.size());
            block->hash = hash(block->header);
            if (log[at].certificate) log[at].certificate->hash = block->hash;
        }
        log[at].block = block;
        const std::string out = verdict();
        log = original;
        return out;
    }

    storage::TemporaryDirectory directory;
    Genesis genesis = neighbourhood();
    std::vector<FinalBlock> log;
};

TEST_F(AuditTest, AcceptsTheLogAndCountsIt) {
    std::vector<std::string> names;
    Audit audit(genesis, [&](const CheckedEntry& checked) {
        EXPECT_EQ(checked.index, names.size());
        names.emplace_back(entry_type_name(checked.entry->entry.type));
    });
    for (const FinalBlock& block : log)
        ASSERT_TRUE(audit.add(block).ok());
    const auto report = audit.finish();
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(names, (std::vector<std::string>{"roster change", "cleared net", "cleared net"}));
    EXPECT_EQ(report->entries, 3u);
    EXPECT_GE(report->certificates, 2 * log.size() - 1);
    EXPECT_GE(report->signatures, 3u + 6u + 3 * report->certificates);
}

TEST_F(AuditTest, RefusesEveryKindOfTampering) {
    EXPECT_NE(after(1, false, [](Block& b) { b.header.time_ms += 1; }), "");
    EXPECT_NE(after(1, true, [](Block& b) { b.header.time_ms += 1; }).find("certificate"),
              std::string::npos);
    EXPECT_NE(after(1, true, [](Block& b) { b.entries.clear(); }), "");
    EXPECT_NE(after(0, false, [](Block& b) { b.entries.clear(); }).find("commits to"),
              std::string::npos);
    EXPECT_NE(
        after(1, true, [](Block& b) { b.header.state_root.bytes[0] ^= 1; }).find("state roots"),
        std::string::npos);
    EXPECT_NE(
        after(1, true, [](Block& b) { b.header.log_root.bytes[0] ^= 1; }).find("log and state"),
        std::string::npos);
    EXPECT_NE(after(1, false, [](Block& b) { b.justification.parent.reset(); }).find("justifying"),
              std::string::npos);
    EXPECT_NE(after(1, false, [](Block& b) { b.justification.parent->signatures[0].bytes[1] ^= 1; })
                  .find("justifying"),
              std::string::npos);
    EXPECT_NE(after(1, true, [](Block& b) { b.header.height += 1; }).find("fit"),
              std::string::npos);
    EXPECT_NE(after(1, true, [](Block& b) { b.header.proposer ^= 1; }).find("fit"),
              std::string::npos);
    EXPECT_NE(after(0, true,
                    [](Block& b) {
                        consensus::Entry entry = b.entries[0]->entry;
                        entry.signature.bytes[7] ^= 1;
                        b.entries[0] = consensus::seal(entry);
                    })
                  .find("not its author's"),
              std::string::npos);
    const auto original = log;
    log.erase(log.begin() + 1);
    EXPECT_NE(verdict().find("does not follow"), std::string::npos);
    log = original;
    log.back().certificate.reset();
    EXPECT_NE(verdict().find("no final certificate here"), std::string::npos);
    log = original;
    log.back().certificate->signatures[2].bytes[0] ^= 1;
    EXPECT_NE(verdict().find("final certificate does not hold"), std::string::npos);
    log = original;
    genesis.extension = {1};
    EXPECT_NE(verdict(), "") << "another genesis is another log";
}

}  // namespace
}  // namespace kilter::settlement
