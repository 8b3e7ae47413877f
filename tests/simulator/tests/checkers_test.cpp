// A checker that cannot object is none: each is shown what it must object to, beside the innocent version of it.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "tests/simulator/checkers/certificates.hpp"
#include "tests/simulator/checkers/chain.hpp"
#include "tests/simulator/checkers/liveness.hpp"
#include "tests/simulator/checkers/processes.hpp"
#include "tests/simulator/checkers/votes.hpp"
#include "tests/simulator/clock.hpp"
#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {
namespace {

constexpr UnixMs late = genesis_ms + 1'000'000;

BlockHash block_hash(std::uint8_t name) {
    BlockHash out;
    out.bytes[0] = name;
    return out;
}

struct Checkers : testing::Test {
    Checkers() {
        crypto::initialise();
        chain.bytes[0] = 7;
        for (std::size_t i = 0; i < 4; ++i)
            validators.validators.push_back({identity_of(i).public_key(), ""});
    }

    [[nodiscard]] Vote vote(VoteKind kind,
                            View view,
                            const BlockHash& hash,
                            ReplicaIndex signer) const {
        Vote out{kind, 0, view, hash, signer, {}};
        out.signature = identity_of(signer).sign(vote_bytes(chain, kind, 0, view, hash));
        return out;
    }

    [[nodiscard]] Cert cert(VoteKind kind,
                            View view,
                            const BlockHash& hash,
                            std::size_t signers = 3) const {
        Cert out{kind, 0, view, hash, 0, {}};
        for (std::size_t i = 0; i < signers; ++i) {
            out.signers |= std::uint64_t{1} << i;
            out.signatures.push_back(
                vote(kind, view, hash, static_cast<ReplicaIndex>(i)).signature);
        }
        return out;
    }

    ChainId chain;
    ValidatorSet validators;
    Report report;
};

// ---- votes ---------------------------------------------------------------------------------------------------------

struct VoteCheckerTest : Checkers {
    VoteChecker checker{report};
};

TEST_F(VoteCheckerTest, AnHonestViewIsInnocent) {
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(1), 0), true);
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(1), 0), true);
    checker.on_vote(vote(VoteKind::final, 1, block_hash(1), 0), true);
    checker.on_vote(vote(VoteKind::notar, 2, block_hash(2), 0), true);
    checker.on_vote(vote(VoteKind::skip, 2, {}, 0), true);
    EXPECT_TRUE(report.clean());
}

TEST_F(VoteCheckerTest, S2TwoNotarVotes) {
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(1), 0), true);
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(2), 1), true);
    EXPECT_TRUE(report.clean()) << "of two replicas";
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(2), 0), true);
    EXPECT_TRUE(report.names("S2"));
}

TEST_F(VoteCheckerTest, S3FinalAndSkip) {
    checker.on_vote(vote(VoteKind::notar, 1, block_hash(1), 0), true);
    checker.on_vote(vote(VoteKind::skip, 1, {}, 0), true);
    checker.on_vote(vote(VoteKind::final, 1, block_hash(1), 0), true);
    EXPECT_TRUE(report.names("S3"));
}

TEST_F(VoteCheckerTest, S4FinalWithoutNotar) {
    checker.on_vote(vote(VoteKind::final, 1, block_hash(1), 0), true);
    EXPECT_TRUE(report.names("S4"));
}

TEST_F(VoteCheckerTest, S8NotOnDisk) {
    checker.on_vote(vote(VoteKind::skip, 1, {}, 0), false);
    EXPECT_TRUE(report.names("S8"));
}

// ---- certificates --------------------------------------------------------------------------------------------------

struct CertificateCheckerTest : Checkers {
    std::size_t bodies = 2;
    CertificateChecker checker{report, chain, validators, [this](const auto&) { return bodies; }};
};

TEST_F(CertificateCheckerTest, NotarBesideSkipIsInnocent) {
    checker.on_certificate(cert(VoteKind::notar, 1, block_hash(1)));
    checker.on_certificate(cert(VoteKind::skip, 1, {}));
    checker.on_certificate(cert(VoteKind::notar, 2, block_hash(2)));
    checker.on_certificate(cert(VoteKind::final, 2, block_hash(2)));
    EXPECT_TRUE(report.clean());
}

TEST_F(CertificateCheckerTest, S5TwoNotarised) {
    checker.on_certificate(cert(VoteKind::notar, 1, block_hash(1)));
    checker.on_certificate(cert(VoteKind::notar, 1, block_hash(2)));
    EXPECT_TRUE(report.names("S5"));
}

TEST_F(CertificateCheckerTest, S5FinalAndSkip) {
    checker.on_certificate(cert(VoteKind::final, 1, block_hash(1)));
    checker.on_certificate(cert(VoteKind::skip, 1, {}));
    EXPECT_TRUE(report.names("S5"));
}

TEST_F(CertificateCheckerTest, S5TooFewSigners) {
    checker.on_certificate(cert(VoteKind::notar, 1, block_hash(1), 2));
    EXPECT_TRUE(report.names("S5"));
}

TEST_F(CertificateCheckerTest, S9BodyNowhere) {
    bodies = 1;
    checker.on_certificate(cert(VoteKind::final, 1, block_hash(1)));
    EXPECT_TRUE(report.names("S9"));
}

// ---- the chain -----------------------------------------------------------------------------------------------------

struct ChainCheckerTest : Checkers {
    ChainChecker checker{report, chain, validators, 2};
    std::shared_ptr<const SmallState> state = std::make_shared<const SmallState>();
    crypto::MerkleFrontier log;

    [[nodiscard]] EntryPtr entry(std::uint64_t seq, const Bytes& key = {}) {
        Entry out;
        out.type = 1;
        out.seq = seq;
        out.key = key;
        out.expires_ms = late;
        sign(out, chain, identity_of(1'000));
        EntryPtr sealed = seal(std::move(out));
        checker.on_made(sealed);
        return sealed;
    }

    /// A correct block on `parent` (null: genesis), `gap` views after it.
    Block block(const Block* parent, std::vector<EntryPtr> entries, View gap = 0) {
        Block out;
        Header& header = out.header;
        header.chain = chain;
        const View parent_view = parent == nullptr ? 0 : parent->header.view;
        header.view = parent_view + gap + 1;
        header.parent_view = parent_view;
        header.parent_hash = parent == nullptr ? genesis_hash(chain) : parent->hash;
        header.height = parent == nullptr ? 1 : parent->header.height + 1;
        header.first_index =
            parent == nullptr ? 0 : parent->header.first_index + parent->header.count;
        header.time_ms = genesis_ms + static_cast<UnixMs>(10 * header.view);
        header.proposer = validators.leader(header.view);
        header.validators = validators.hash();
        if (parent != nullptr)
            out.justification.parent = cert(VoteKind::notar, parent_view, parent->hash);
        for (View view = parent_view + 1; view < header.view; ++view)
            out.justification.skips.push_back(cert(VoteKind::skip, view, {}));
        return with(std::move(out), std::move(entries));
    }

    Block with(Block out, std::vector<EntryPtr> entries) {
        std::vector<EntryId> ids;
        for (const EntryPtr& each : entries) {
            ids.push_back(each->id);
            log.append(each->leaf);
        }
        state = std::make_shared<const SmallState>(state, ids, std::vector<Bytes>{});
        out.entries = std::move(entries);
        out.header.count = static_cast<std::uint32_t>(out.entries.size());
        out.header.payload_root = crypto::merkle_root(leaves(out));
        out.header.log_root = log.root();
        out.header.state_root = state->root();
        out.hash = hash(out.header);
        return out;
    }

    void deliver(Block block, Address address = 0) {
        block.hash = hash(block.header);
        const View view = block.header.view;
        const BlockHash named = block.hash;
        checker.on_final(address,
                         {std::make_shared<const Block>(std::move(block)),
                          cert(VoteKind::final, view, named),
                          {}},
                         late, 2'000);
    }
};

TEST_F(ChainCheckerTest, ACorrectChainIsInnocent) {
    const Block first = block(nullptr, {entry(1)});
    const Block next = block(&first, {entry(2), entry(3, {9})}, 2);
    for (const Address address : {0, 1}) {
        deliver(first, address);
        deliver(next, address);
    }
    checker.at_the_end();
    EXPECT_TRUE(report.clean());
    EXPECT_EQ(checker.entries(), 3u);
}

TEST_F(ChainCheckerTest, S1AnotherBlockAtTheHeight) {
    deliver(block(nullptr, {entry(1)}), 0);
    Block other = block(nullptr, {entry(2)});
    deliver(other, 1);
    EXPECT_TRUE(report.names("S1"));
}

TEST_F(ChainCheckerTest, S1AHeightLeftOut) {
    const Block first = block(nullptr, {entry(1)});
    deliver(first, 0);
    deliver(block(&first, {entry(2)}), 1);
    EXPECT_TRUE(report.names("S1"));
}

TEST_F(ChainCheckerTest, S6NotSkipped) {
    Block bad = block(nullptr, {entry(1)}, 2);
    bad.justification.skips.pop_back();
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S6"));
}

TEST_F(ChainCheckerTest, S6ParentNotCertified) {
    const Block first = block(nullptr, {entry(1)});
    deliver(first);
    Block bad = block(&first, {entry(2)});
    bad.justification.parent = cert(VoteKind::notar, 1, block_hash(8));
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S6"));
}

TEST_F(ChainCheckerTest, S6WrongIndex) {
    Block bad = block(nullptr, {entry(1)});
    bad.header.first_index = 1;
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S6"));
}

TEST_F(ChainCheckerTest, S10Twice) {
    const EntryPtr twice = entry(1);
    const Block first = block(nullptr, {twice});
    deliver(first);
    deliver(block(&first, {twice}));
    EXPECT_TRUE(report.names("S10"));
}

TEST_F(ChainCheckerTest, S10KeyTwice) {
    deliver(block(nullptr, {entry(1, {4}), entry(2, {4})}));
    EXPECT_TRUE(report.names("S10"));
}

TEST_F(ChainCheckerTest, S10Invented) {
    Entry invented;
    invented.type = 1;
    invented.expires_ms = late;
    sign(invented, chain, identity_of(1'000));
    deliver(block(nullptr, {seal(std::move(invented))}));
    EXPECT_TRUE(report.names("S10"));
}

TEST_F(ChainCheckerTest, S10Unsigned) {
    Entry unsigned_one = entry(1)->entry;
    unsigned_one.signature.bytes[0] ^= 1;
    deliver(block(nullptr, {seal(std::move(unsigned_one))}));
    EXPECT_TRUE(report.names("S10"));
}

TEST_F(ChainCheckerTest, S11WrongRoots) {
    for (const auto root : {&Header::payload_root, &Header::log_root, &Header::state_root}) {
        Report mine;
        ChainChecker fresh(mine, chain, validators, 1);
        log = {};
        state = std::make_shared<const SmallState>();
        Block bad = block(nullptr, {});
        (bad.header.*root).bytes[0] ^= 1;
        bad.hash = hash(bad.header);
        const Cert final = cert(VoteKind::final, 1, bad.hash);
        fresh.on_final(0, {std::make_shared<const Block>(bad), final, {}}, late, 2'000);
        EXPECT_TRUE(mine.names("S11"));
    }
}

TEST_F(ChainCheckerTest, S12AnotherEpoch) {
    Block bad = block(nullptr, {});
    bad.header.epoch = 1;
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S12"));
}

TEST_F(ChainCheckerTest, S14ReceiptWithoutCertificate) {
    Block bad = block(nullptr, {entry(1)});
    checker.on_final(
        0, {std::make_shared<const Block>(bad), cert(VoteKind::final, 1, block_hash(9)), {}}, late,
        2'000);
    EXPECT_TRUE(report.names("S14"));
}

TEST_F(ChainCheckerTest, S14NoBitOfAReceiptMayChange) {
    const Block good = block(nullptr, {entry(1), entry(2), entry(3)});
    const Bytes encoded = encode(make_receipt(
        {std::make_shared<const Block>(good), cert(VoteKind::final, 1, good.hash), {}}, 1));
    const auto verdict = [&](const Bytes& bytes) {
        const Result<Receipt> receipt = decode_receipt(bytes);
        return receipt && verify(*receipt, chain, validators) == ReceiptVerdict::valid;
    };
    ASSERT_TRUE(verdict(encoded));
    for (std::size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
        Bytes flipped = encoded;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        EXPECT_FALSE(verdict(flipped)) << "bit " << bit;
    }
}

TEST_F(ChainCheckerTest, S16FromTheFuture) {
    Block bad = block(nullptr, {});
    bad.header.time_ms = late + 2'001;
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S16"));
}

TEST_F(ChainCheckerTest, S16NotLater) {
    Block bad = block(nullptr, {});
    bad.header.time_ms = genesis_ms;
    deliver(std::move(bad));
    EXPECT_TRUE(report.names("S16"));
}

// ---- processes -----------------------------------------------------------------------------------------------------

struct ProcessCheckerTest : Checkers {
    SmallLedger ledger;
    Config config{chain, validators, {}, genesis_ms};
    Image disk{config, ledger};
    ProcessChecker checker{report, chain, validators, 2};
    ReplicaStatus status{5, 3, 2, 7, 0, false, false};
};

TEST_F(ProcessCheckerTest, AnOrdinaryLifeIsInnocent) {
    checker.on_turn(0, status, true, disk);
    checker.on_boot(0, status);
    EXPECT_TRUE(report.clean());
}

TEST_F(ProcessCheckerTest, S7ViewGoesBack) {
    checker.on_turn(0, status, true, disk);
    --status.view;
    checker.on_boot(0, status);
    EXPECT_TRUE(report.names("S7"));
}

TEST_F(ProcessCheckerTest, S7FinalGoesBack) {
    checker.on_turn(0, status, true, disk);
    --status.final_height;
    checker.on_turn(0, status, true, disk);
    EXPECT_TRUE(report.names("S7"));
}

TEST_F(ProcessCheckerTest, S15HonestAccused) {
    const Evidence evidence{vote(VoteKind::notar, 1, block_hash(1), 0),
                            vote(VoteKind::notar, 1, block_hash(2), 0)};
    checker.on_evidence(evidence, false);
    EXPECT_TRUE(report.clean());
    checker.on_evidence(evidence, true);
    EXPECT_TRUE(report.names("S15"));
}

TEST_F(ProcessCheckerTest, S15EmptyEvidence) {
    checker.on_evidence(
        {vote(VoteKind::notar, 1, block_hash(1), 0), vote(VoteKind::skip, 1, {}, 0)}, false);
    EXPECT_TRUE(report.names("S15"));
}

TEST_F(ProcessCheckerTest, S17Mempool) {
    status.mempool = limits::mempool_entries_max + 1;
    checker.on_turn(0, status, true, disk);
    EXPECT_TRUE(report.names("S17"));
}

TEST_F(ProcessCheckerTest, S17Journal) {
    status.view = 1;
    status.final_view = 0;
    status.final_height = 0;
    Signer signer(identity_of(0), chain, 0, 0, {});
    for (View view = 1; view <= 4; ++view)
        ASSERT_TRUE(disk.apply(*signer.sign(VoteKind::skip, view, {})->fresh));
    checker.on_turn(0, status, true, disk);
    EXPECT_TRUE(report.names("S17"));
}

TEST_F(ProcessCheckerTest, L3NoTimer) {
    status.has_work = true;
    checker.on_turn(0, status, true, disk);
    EXPECT_TRUE(report.clean());
    checker.on_turn(0, status, false, disk);
    EXPECT_TRUE(report.names("L3"));
}

// ---- liveness ------------------------------------------------------------------------------------------------------

struct LivenessCheckerTest : Checkers {
    LivenessChecker checker{report, 2, second};
};

TEST_F(LivenessCheckerTest, L4LeftBehind) {
    checker.on_view(0, 4, 0);
    checker.on_view(1, 4, second / 2);
    checker.on_view(0, 5, 2 * second);
    EXPECT_TRUE(report.clean());
    checker.on_view(0, 5, 4 * second);
    EXPECT_TRUE(report.names("L4"));
}

TEST_F(LivenessCheckerTest, L5Noise) {
    checker.on_message(0);
    checker.on_write(0);
    checker.quiet(4);
    checker.on_message(0);
    EXPECT_TRUE(report.clean());
    checker.on_write(0);
    EXPECT_TRUE(report.names("L5"));
}

TEST_F(LivenessCheckerTest, L5Chatter) {
    checker.quiet(4);
    for (int i = 0; i < 1'000; ++i)
        checker.on_message(1);
    EXPECT_TRUE(report.names("L5"));
}

TEST_F(LivenessCheckerTest, L6TooMuch) {
    checker.on_sent(0, 7u << 20, 0);
    checker.on_sent(0, 7u << 20, 2 * second);
    EXPECT_TRUE(report.clean()) << "in two different seconds";
    checker.on_sent(0, 7u << 20, 2 * second + 1);
    EXPECT_TRUE(report.names("L6"));
}

TEST_F(LivenessCheckerTest, L1L2AtTheEnd) {
    checker.at_the_end(0, true);
    EXPECT_TRUE(report.clean());
    checker.at_the_end(1, true);
    EXPECT_TRUE(report.names("L1"));
    checker.at_the_end(0, false);
    EXPECT_TRUE(report.names("L2"));
}

}  // namespace
}  // namespace kilter::consensus::simulation
