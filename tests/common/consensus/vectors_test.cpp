// tests/vectors/log: one encoding of everything that another implementation has to read and write. KILTER_WRITE_VECTORS=1
// writes them anew; a change of an accepted vector is a change of the protocol.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "common/consensus/light_client.hpp"
#include "common/crypto/merkle.hpp"
#include "tests/common/consensus/lone_replica.hpp"

namespace kilter::consensus::vectors_test {
namespace {

/// Two certified blocks of epoch 0, the second one ending it; everything by known keys (seed: number + 1, then zeros).
struct Example {
    LoneReplica world;
    BlockPtr block;
    Cert final;
    EpochProof proof;
    Manifest manifest;
    Piece piece;

    Example() {
        crypto::MerkleMap map;
        for (std::uint8_t i = 0; i < 40; ++i)
            map = map.with(Bytes{i}, Bytes(i, i));
        auto made = std::make_shared<Block>();
        made->entries = {world.entry(1), world.entry(2, {'k'})};
        Header& header = made->header;
        header.chain = world.config.chain;
        header.view = 3;
        header.parent_hash = genesis_hash(world.config.chain);
        header.height = 1;
        header.count = 2;
        header.payload_root = crypto::merkle_root(leaves(*made));
        header.log_root = header.payload_root;
        header.state_root = map.root();
        header.time_ms = LoneReplica::start_ms;
        header.proposer = 3;
        header.validators = world.config.validators.hash();
        made->justification.skips = {world.cert(VoteKind::skip, 1), world.cert(VoteKind::skip, 2)};
        made->hash = hash(header);
        block = made;
        final = world.cert(VoteKind::final, 3, block->hash);

        Header end = header;
        end.view = 4;
        end.parent_view = 3;
        end.parent_hash = block->hash;
        end.height = 2;
        end.first_index = 2;
        end.count = 0;
        end.payload_root = crypto::merkle_root({});
        ValidatorSet next = world.config.validators;
        next.validators[3].key = LoneReplica::key(9).public_key();
        end.next_validators = next.hash();
        proof = {{end, {}, world.cert(VoteKind::final, 4, hash(end))}, next};

        crypto::MerkleFrontier log;
        for (const Digest& leaf : leaves(*block))
            log.append(leaf);
        const auto outline = map.outline(400);
        manifest = {{header, {}, final}, log, outline.encoded()};
        piece = {1, 0, map.piece(outline, 0)};
    }

    [[nodiscard]] std::vector<std::pair<std::string, Bytes>> all() const {
        const auto message = [](const Message& m) { return encode(m); };
        const Finalised done{block, final, {}};
        const ConsistencyProof consistency{{block->header, {}, final}, proof.end, {}, {}};
        const std::vector<Vote> pair{world.vote(VoteKind::notar, 3, 2, block->hash),
                                     world.vote(VoteKind::notar, 3, 2, proof.end.certificate.hash)};
        return {{"00-proposal",
                 message(Proposal{block, world.vote(VoteKind::notar, 3, 3, block->hash)})},
                {"01-vote", message(world.vote(VoteKind::skip, 7, 2))},
                {"02-certificate", message(final)},
                {"03-status", message(Status{0, 5, 3, 1, block->hash})},
                {"04-get-block", message(GetBlock{block->hash})},
                {"05-block", message(BlockReply{block})},
                {"06-get-range", message(GetRange{1, 200})},
                {"07-range", message(Range{{{block, final}}})},
                {"07-range-tail",
                 message(Range{
                     {{block, std::nullopt}},
                     CertifiedHeader{block->header, {proof.end.header}, proof.end.certificate}})},
                {"08-submit", message(Submit{block->entries})},
                {"09-epoch-proof", message(proof)},
                {"10-manifest", message(manifest)},
                {"11-get-piece", message(GetPiece{1, 0})},
                {"12-piece", message(piece)},
                {"receipt", encode(make_receipt(done, 1))},
                {"consistency-proof", encode(consistency)},
                {"evidence-body", evidence_as_entry({pair[0], pair[1]}).body}};
    }
};

TEST(Vectors, AreWhatThisProgramWrites) {
    const std::filesystem::path folder =
        std::filesystem::path(KILTER_SOURCE_DIR) / "tests/vectors/log";
    const Example example;
    std::size_t files = 0;
    for (const auto& [name, bytes] : example.all()) {
        const std::filesystem::path file = folder / (name + ".hex");
        if (std::getenv("KILTER_WRITE_VECTORS") != nullptr) {
            std::filesystem::create_directories(folder);
            std::ofstream(file) << to_hex(bytes) << '\n';
        }
        std::ifstream in(file);
        std::string text;
        ASSERT_TRUE(in >> text) << file << " is missing";
        EXPECT_EQ(text, to_hex(bytes)) << name;
        ++files;
    }
    for (const auto& file : std::filesystem::directory_iterator(folder))
        files -= file.path().extension() == ".hex" ? 1 : 0;
    EXPECT_EQ(files, 0u) << "a vector that nothing checks";
}

TEST(Vectors, ProveWhatTheySay) {
    const Example example;
    const Config& config = example.world.config;
    EpochTable epochs(config.chain, config.validators);
    const auto outline = check(example.manifest, epochs);
    ASSERT_TRUE(outline);
    EXPECT_TRUE(outline->fits(0, example.piece.bytes));
    EXPECT_GT(outline->pieces(), 1u);
    EXPECT_TRUE(epochs.extend(example.proof));
    EXPECT_FALSE(epochs.extend(example.proof)) << "once";
    const Receipt receipt = make_receipt({example.block, example.final, {}}, 1);
    EXPECT_EQ(verify(receipt, config.chain, config.validators), ReceiptVerdict::valid);
    EXPECT_LE(encode(receipt).size() - encode(receipt.entry).size(), 1'200u);
    for (const auto& [name, bytes] : example.all()) {
        if (name[0] > '1') continue;
        const auto decoded = decode(bytes);
        ASSERT_TRUE(decoded.ok()) << name;
        EXPECT_EQ(encode(*decoded), bytes) << name;
        for (std::size_t size = 0; size < bytes.size() && name != "12-piece"; ++size)
            EXPECT_FALSE(decode(ByteView{bytes}.first(size)).ok()) << name << ' ' << size;
    }
}

}  // namespace
}  // namespace kilter::consensus::vectors_test
