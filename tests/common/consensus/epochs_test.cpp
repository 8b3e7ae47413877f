// What belongs to an epoch that has ended must not reach into the next, whoever shows it.
#include <gtest/gtest.h>

#include "tests/common/consensus/past.hpp"

namespace kilter::consensus::epochs_test {
namespace {

struct Epochs : testing::Test {
    LoneReplica r;
    Past past{r};
    const ValidatorSet old_set = Past::set_of({0, 1, 2, 3});
    const ValidatorSet next = Past::set_of({0, 1, 2, 4});

    FinalBlock first = past.add({r.entry(1)});
    FinalBlock end = past.add({past.change(0, old_set, next, {0, 1, 2})});

    /// A peer claims to be ahead; the replica asks it for blocks.
    void ask(ReplicaIndex peer, Height height) { r.receive(peer, Status{0, 9, 0, height, {}}); }

    [[nodiscard]] Evidence contradiction(ReplicaIndex signer) const {
        BlockHash one;
        BlockHash other;
        one.bytes[0] = 1;
        other.bytes[0] = 2;
        return {r.vote(VoteKind::notar, 5, signer, one), r.vote(VoteKind::notar, 5, signer, other)};
    }

    [[nodiscard]] EntryPtr evidence(ReplicaIndex accused, ReplicaIndex author) const {
        Entry entry = evidence_as_entry(contradiction(accused));
        entry.expires_ms = r.now + 3'600'000;
        sign(entry, r.config.chain, LoneReplica::key(author));
        return seal(std::move(entry));
    }
};

TEST_F(Epochs, AStretchOfBlocksEndsWhereTheEpochEnds) {
    const FinalBlock closing = past.add({});
    ASSERT_TRUE(closing.block->header.closing);
    ask(2, 3);
    ASSERT_EQ(r.sent<GetRange>().size(), 1u);
    r.receive(2, Range{{first, end, closing}});
    EXPECT_EQ(r.out.faults.size(), 1u) << "a closing block, however certified, is not served";
    EXPECT_EQ(r.replica->status().final_height, 0u);

    r.now += r.config.parameters.standstill_ms;
    ask(1, 2);
    r.receive(1, past.turn(end, next));
    r.receive(1, Range{{first, end}});
    EXPECT_EQ(r.replica->epoch(), 1u);
    EXPECT_EQ(r.replica->status().final_height, 2u);
    ask(1, 3);
    r.receive(2, Range{{closing}});
    EXPECT_EQ(r.replica->status().final_height, 2u);
}

TEST_F(Epochs, NoSnapshotIsOfABlockBeyondTheEpochsEnd) {
    const FinalBlock closing = past.add({});
    const Manifest lie = past.manifest(closing);
    const Manifest truth = past.manifest(end);
    ask(2, 3);
    r.receive(2, past.turn(end, next));
    r.receive(2, lie);
    EXPECT_EQ(r.out.faults.size(), 1u);
    EXPECT_TRUE(r.sent<GetPiece>().empty());
    r.receive(2, truth);
    EXPECT_FALSE(r.sent<GetPiece>().empty());
}

TEST_F(Epochs, EvidenceOfAnEndedEpochIsNoWork) {
    r.step(Submitted{{evidence(3, 1)}});
    ASSERT_EQ(r.out.answers[0].status, SubmissionStatus::accepted);
    ask(2, 2);
    r.receive(2, past.turn(end, next));
    r.receive(2, Range{{first, end}});
    ASSERT_EQ(r.replica->epoch(), 1u);
    EXPECT_EQ(r.replica->status().mempool, 0u);
    EXPECT_FALSE(r.replica->status().has_work);
    r.step(Submitted{{evidence(2, 1)}});
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::refused);
}

// The new epoch's members have to agree, not those who were members when the entry came in.
TEST_F(Epochs, AChangeOfALaterEpochWaitsForItsMembersToJudgeIt) {
    const ValidatorSet third = Past::set_of({0, 1, 2, 5});
    r.step(Submitted{{past.change(1, old_set, third, {0, 1, 3})}});
    r.step(Submitted{{past.change(1, next, third, {0, 2, 3})}});
    EXPECT_EQ(r.replica->status().mempool, 2u) << "nobody knows the members of epoch 1 yet";
    ask(2, 2);
    r.receive(2, past.turn(end, next));
    r.receive(2, Range{{first, end}});
    ASSERT_EQ(r.replica->epoch(), 1u);
    EXPECT_EQ(r.replica->status().mempool, 1u);
    EXPECT_TRUE(r.replica->status().has_work);
}

// A replica behind relied on the first who claimed to be ahead, who could claim again as soon as it was given up.
TEST_F(Epochs, WhoClaimsAHeightAndSendsNothingIsNotAskedAgain) {
    std::vector<ReplicaIndex> asked;
    for (int period = 0; period < 3; ++period) {
        for (const ReplicaIndex peer : std::vector<ReplicaIndex>{3, 2, 1}) {
            ask(peer, 1'000);
            for (const auto& [to, get] : r.sent<GetRange>())
                asked.push_back(*to);
        }
        r.now += r.config.parameters.standstill_ms;
    }
    EXPECT_EQ(asked, (std::vector<ReplicaIndex>{3, 2, 1}));
}

// The number after the last one is the first one, of which there is no proof: the process ended.
TEST_F(Epochs, AnOutsiderMayClaimAnyEpoch) {
    for (const Epoch claimed : {Epoch{0}, Epoch{1}, Epoch{2}, ~Epoch{0}, ~Epoch{0} - 1})
        EXPECT_EQ(r.replica->brief(Status{claimed, 1, 0, 0, {}}).size(), 1u) << claimed;
}

// A consistency proof took what the members of an ended epoch had certified above its end, though it held the proof of that end.
TEST_F(Epochs, AConsistencyProofEndsWhereTheEpochEnds) {
    const auto head = [](const FinalBlock& final) {
        return CertifiedHeader{final.block->header, {}, *final.certificate};
    };
    const auto judged = [&](const CertifiedHeader& older, const CertifiedHeader& newer,
                            std::vector<Digest> path, std::vector<EpochProof> epochs) {
        return verify(ConsistencyProof{older, newer, std::move(path), std::move(epochs)},
                      r.config.chain, old_set);
    };
    CertifiedHeader above = head(end);
    ++above.header.height;
    above.certificate = {VoteKind::final, 0, above.header.view, hash(above.header), 0, {}};
    for (ReplicaIndex i = 0; i < 3; ++i) {
        above.certificate.signers |= std::uint64_t{1} << i;
        above.certificate.signatures.push_back(
            r.vote(VoteKind::final, above.header.view, i, hash(above.header)).signature);
    }
    const FinalBlock closing = past.add({});
    const CertifiedHeader closed = head(closing);
    const CertifiedHeader last = head(end);
    const std::vector<Digest> path{end.block->entries[0]->leaf};
    EXPECT_EQ(judged(head(first), last, path, {}), ConsistencyVerdict::consistent);
    EXPECT_EQ(judged(head(first), above, path, {}), ConsistencyVerdict::consistent)
        << "nobody knows yet that the epoch has ended";
    EXPECT_EQ(judged(last, closed, {}, {}), ConsistencyVerdict::wrong_chain);

    const EpochProof proof = past.turn(end, next);
    const FinalBlock begun = past.add({r.entry(2)});
    const CertifiedHeader top = head(begun);
    const std::vector<Digest> way{begun.block->entries[0]->leaf};
    EXPECT_EQ(judged(last, top, way, {proof}), ConsistencyVerdict::consistent);
    EXPECT_EQ(judged(above, top, way, {proof}), ConsistencyVerdict::wrong_chain);
    EXPECT_EQ(judged(closed, top, way, {proof}), ConsistencyVerdict::wrong_chain);
    EXPECT_EQ(judged(last, top, way, {}), ConsistencyVerdict::wrong_chain);
    EXPECT_EQ(judged(head(first), last, path, {proof}), ConsistencyVerdict::wrong_chain)
        << "one proof has one encoding";
}

// What became final in the blocks that a snapshot leaves out stayed work for ever.
TEST_F(Epochs, WhatASnapshotHoldsIsNoWork) {
    r.step(Submitted{{r.entry(1)}});
    ASSERT_TRUE(r.replica->status().has_work);
    ask(2, 2);
    r.receive(2, past.turn(end, next));
    const Manifest manifest = past.manifest(end);
    r.receive(2, manifest);
    const auto wanted = r.sent<GetPiece>();
    ASSERT_FALSE(wanted.empty());
    for (std::uint32_t number = 0; r.replica->status().final_height == 0; ++number)
        r.receive(2, Piece{2, number, past.piece(end, manifest, number)});
    EXPECT_EQ(r.replica->epoch(), 1u);
    EXPECT_EQ(r.replica->status().mempool, 0u);
    EXPECT_FALSE(r.replica->status().has_work);
}

}  // namespace
}  // namespace kilter::consensus::epochs_test
