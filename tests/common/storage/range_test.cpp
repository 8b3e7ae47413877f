// What a store answers to who catches up, where blocks are as large as they can be and the certificate is a later one's; and
// the store of who was stopped between such answers.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "tests/common/consensus/past.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::storage::range_test {
namespace {

using consensus::FinalBlock;
using consensus::FinalMark;
using consensus::GetRange;
using consensus::Height;
using consensus::LoneReplica;
using consensus::Outputs;
using consensus::Past;
using consensus::Range;

settlement::Genesis genesis_of_tests() {
    settlement::Genesis genesis = settlement::neighbourhood();
    for (consensus::ReplicaIndex i = 0; i < 4; ++i)
        genesis.validators.validators[i].key = LoneReplica::key(i).public_key();
    return genesis;
}

/// Member 0 with a store of its own: what it is told, and what it asks.
struct Learner {
    Learner(const std::filesystem::path& file, const settlement::Genesis& genesis)
        : store(*LogStore::open(file, genesis)) {
        consensus::Parameters parameters;
        parameters.checkpoint_heights = 7;
        replica.emplace(settlement::config_of(genesis, parameters), LoneReplica::key(0), ledger,
                        *store.load(ledger));
        step(consensus::Started{});
    }

    void step(const consensus::Input& input) {
        out = replica->step(input, LoneReplica::start_ms + 1'000);
        store.apply(out.persist);
    }

    void hear(consensus::Message message) {
        step(consensus::MessageReceived{2, std::move(message)});
    }

    template <class Kind>
    [[nodiscard]] std::vector<Kind> asked() const {
        std::vector<Kind> found;
        for (const auto& send : out.send)
            if (const auto* message = std::get_if<Kind>(&send.message)) found.push_back(*message);
        return found;
    }

    [[nodiscard]] Height height() const { return replica->status().final_height; }

    LogStore store;
    consensus::ToyLedger ledger;
    std::optional<consensus::Replica> replica;
    Outputs out;
};

/// Heights 1 to 7. Two full blocks, 3 and 4, of which the second one has the certificate, 2 below them without one; and 6 and 7,
/// which fit into one message together.
struct Ranges : testing::Test {
    static constexpr std::size_t entry_head = 119;
    static constexpr std::size_t full = limits::block_bytes_max - 76;
    static constexpr std::size_t large = 700'000;

    Ranges() {
        lone.config = settlement::config_of(genesis);
        past.emplace(lone);
        add(500, true);
        add(16'000, false);
        add(full, false);
        add(full, true);
        add(500, true);
        add(large, false);
        add(large, true);
    }

    void add(std::size_t bytes, bool certified) {
        std::vector<consensus::EntryPtr> entries;
        for (std::size_t left = bytes; left > 0;) {
            consensus::Entry entry;
            entry.type = 1;
            entry.seq = ++seq;
            entry.expires_ms = LoneReplica::start_ms + 3'600'000;
            entry.body = Bytes(std::min<std::size_t>(left, 16'000) - entry_head, 1);
            consensus::sign(entry, lone.config.chain, LoneReplica::key(100));
            entries.push_back(consensus::seal(std::move(entry)));
            left -= std::min<std::size_t>(left, 16'000);
        }
        const FinalBlock made = past->add(std::move(entries));
        blocks.push_back({made.block, certified ? made.certificate : std::nullopt});
        const consensus::Header& header = made.block->header;
        std::vector<consensus::Write> writes{made.block};
        if (certified) writes.emplace_back(*made.certificate);
        writes.emplace_back(FinalMark{header.height, header.view, made.block->hash});
        store.apply(writes);
    }

    /// As it comes out at the other end.
    [[nodiscard]] static std::optional<consensus::Message> answer(const LogStore& from,
                                                                  const GetRange& get) {
        const auto answered = from.answer(get);
        if (!answered) return std::nullopt;
        const Bytes bytes = consensus::encode(*answered);
        EXPECT_LE(bytes.size(), limits::consensus_payload_bytes_max) << get.from;
        auto decoded = consensus::decode(bytes);
        EXPECT_TRUE(decoded.ok()) << get.from;
        return *std::move(decoded);
    }

    [[nodiscard]] Range range(Height from) const {
        const auto answered = answer(store, {from, 7});
        return answered ? std::get<Range>(*answered) : Range{};
    }

    [[nodiscard]] const consensus::EntryId& entry_at(Height height) const {
        return blocks[height - 1].block->entries.front()->id;
    }

    void tell_height(Learner& learner) const { learner.hear(consensus::Status{0, 9, 0, 7, {}}); }

    /// Up to the end, or so many answers.
    void bring_up(Learner& learner, std::size_t answers = 99) {
        tell_height(learner);
        for (; answers > 0 && !learner.asked<GetRange>().empty(); --answers) {
            auto message = answer(store, learner.asked<GetRange>().front());
            ASSERT_TRUE(message);
            learner.hear(*std::move(message));
            EXPECT_TRUE(learner.out.faults.empty());
        }
    }

    /// It has blocks 1 and 2, and knows that 2 is final by what it does not have.
    void bring_to_the_second(Learner& learner) {
        bring_up(learner, 2);
        ASSERT_EQ(learner.height(), 2u);
    }

    TemporaryDirectory directory;
    const settlement::Genesis genesis = genesis_of_tests();
    LogStore store = *LogStore::open(directory.path / "full.db", genesis);
    LoneReplica lone;
    std::optional<Past> past;
    std::vector<FinalBlock> blocks;
    std::uint64_t seq = 0;
};

TEST_F(Ranges, NoAnswerIsLongerThanAMessage) {
    const auto shape = [&](Height from) {
        const Range got = range(from);
        return std::pair(got.blocks.size(), got.tail ? got.tail->descendants.size() : 0);
    };
    using Shape = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(shape(1), Shape(1, 0)) << "as far as a certificate";
    EXPECT_EQ(shape(2), Shape(1, 2)) << "the budget ends below a full block";
    EXPECT_EQ(shape(3), Shape(1, 1)) << "two full blocks are no message";
    EXPECT_EQ(shape(4), Shape(1, 0)) << "one full block is";
    EXPECT_EQ(shape(5), Shape(1, 0));
    EXPECT_EQ(shape(6), Shape(2, 0)) << "beyond the budget, to a certificate that fits";
    EXPECT_EQ(shape(8), Shape(0, 0));
    for (const Height from : {2, 3}) {
        const Range got = range(from);
        EXPECT_EQ(got.tail->header, blocks[from - 1].block->header);
        EXPECT_EQ(verify(*got.tail, genesis.chain_id(), genesis.validators),
                  consensus::HeaderVerdict::certified);
    }
}

TEST_F(Ranges, AReplicaCatchesUpOverFullBlocksToTheEnd) {
    Learner learner(directory.path / "learner.db", genesis);
    bring_up(learner);
    EXPECT_EQ(learner.height(), 7u);
    for (Height height = 1; height <= 7; ++height) {
        const auto receipt = learner.store.receipt(entry_at(height));
        ASSERT_TRUE(receipt) << height;
        EXPECT_EQ(consensus::verify(*receipt, genesis.chain_id(), genesis.validators),
                  consensus::ReceiptVerdict::valid);
    }
}

TEST_F(Ranges, AStoreStoppedBetweenThemOpensClaimsNothingAndGoesOn) {
    const auto file = directory.path / "learner.db";
    {
        Learner learner(file, genesis);
        bring_to_the_second(learner);
    }
    Learner learner(file, genesis);
    EXPECT_EQ(learner.height(), 2u);
    EXPECT_TRUE(learner.store.receipt(entry_at(1)));
    EXPECT_FALSE(learner.store.receipt(entry_at(2)));
    EXPECT_TRUE(learner.store.consistency(1, 1));
    EXPECT_FALSE(learner.store.consistency(1, 2));
    EXPECT_EQ(std::get<Range>(*answer(learner.store, {1, 2})).blocks.size(), 1u);
    EXPECT_FALSE(answer(learner.store, {2, 2}));
    bring_up(learner);
    EXPECT_EQ(learner.height(), 7u);
    EXPECT_TRUE(learner.store.receipt(entry_at(2)));
    EXPECT_TRUE(learner.store.consistency(1, 2));
}

// The blocks between were pruned by all others meanwhile.
TEST_F(Ranges, WhatIsBelowASnapshotWithoutItsCertificateProvesNothingAndLeaves) {
    for (const bool archived : {true, false}) {
        const auto file = directory.path / (archived ? "archiving.db" : "forgetting.db");
        {
            Learner learner(file, genesis);
            bring_to_the_second(learner);
        }
        {
            Learner learner(file, genesis);
            tell_height(learner);
            ASSERT_EQ(learner.asked<GetRange>().size(), 1u);
            const auto manifest = past->manifest(blocks[4]);
            learner.hear(manifest);
            for (std::uint32_t number = 0; learner.height() < 5; ++number) {
                ASSERT_TRUE(learner.out.faults.empty());
                learner.hear(consensus::Piece{5, number, past->piece(blocks[4], manifest, number)});
            }
            EXPECT_FALSE(learner.store.receipt(entry_at(2)));
            EXPECT_FALSE(learner.store.consistency(1, 2));
            tell_height(learner);
            ASSERT_EQ(learner.asked<GetRange>().size(), 1u);
            learner.hear(Range{{blocks[5], blocks[6]}});
            EXPECT_EQ(learner.height(), 7u);
            EXPECT_TRUE(learner.store.prune(0, archived)) << "the first block";
            EXPECT_TRUE(learner.store.prune(0, archived)) << "the second, which nothing proves";
            EXPECT_FALSE(learner.store.prune(0, archived));
        }
        Learner learner(file, genesis);
        EXPECT_EQ(learner.height(), 7u);
        EXPECT_EQ(learner.store.block(1).ok(), archived);
        EXPECT_FALSE(learner.store.block(2).ok());
        EXPECT_EQ(learner.store.receipt(entry_at(1)).has_value(), archived);
        EXPECT_FALSE(learner.store.receipt(entry_at(2)));
        EXPECT_TRUE(learner.store.receipt(entry_at(6)));
    }
}

}  // namespace
}  // namespace kilter::storage::range_test
