// What belongs to an epoch that has ended must not reach into the next, whoever shows it.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/consensus/light_client.hpp"
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

// A record of one who had left reached new members before they had turned: no block could take it, and no other record of its
// interval was taken beside it.
TEST_F(Epochs, WhatTheLogHasComeToRefuseIsNoWorkInTheNextOne) {
    const Bytes interval{7};
    r.step(Submitted{{r.entry(2, interval, opening_entry)}});
    ASSERT_EQ(r.out.answers[0].status, SubmissionStatus::accepted);
    ask(2, 2);
    r.receive(2, past.turn(end, next));
    r.receive(2, Range{{first, end}});
    ASSERT_EQ(r.replica->epoch(), 1u);
    EXPECT_EQ(r.replica->status().mempool, 0u);
    EXPECT_FALSE(r.replica->status().has_work);
    r.step(Submitted{{r.entry(3, interval)}});
    EXPECT_EQ(r.out.answers[0].status, SubmissionStatus::accepted);
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
    for (const Epoch claimed : {Epoch{1}, Epoch{2}, ~Epoch{0}, ~Epoch{0} - 1}) {
        r.hear(8, Status{claimed, 1, 0, 1'000, {}});
        EXPECT_EQ(r.out.letters.size(), claimed == 1 ? 1u : 0u) << "told where this one is, once";
        EXPECT_TRUE(r.sent<GetRange>().empty());
        EXPECT_TRUE(r.written<GetRange>().empty());
    }
}

// All that this replica knows are gone; the others are in epochs 1 and 2, whose members 4 to 7 it has never heard of.
struct Sleeper : testing::Test {
    LoneReplica r;
    Past past{r};
    const ValidatorSet set_0 = Past::set_of({0, 1, 2, 3});
    const ValidatorSet set_1 = Past::set_of({0, 1, 2, 4});
    const ValidatorSet set_2 = Past::set_of({0, 5, 6, 4});
    FinalBlock first = past.add({r.entry(1)});
    FinalBlock end_0 = past.add({past.change(0, set_0, set_1, {0, 1, 2})});
    EpochProof proof_1 = past.turn(end_0, set_1);
    FinalBlock second = past.add({r.entry(2)});
    FinalBlock end_1 = past.add({past.change(1, set_1, set_2, {0, 1, 2})});
    EpochProof proof_2 = past.turn(end_1, set_2);

    static PublicKey key(ReplicaIndex number) { return LoneReplica::key(number).public_key(); }

    [[nodiscard]] static EpochProof broken(EpochProof proof) {
        proof.end.certificate.signatures.front().bytes[0] ^= 1;
        return proof;
    }

    [[nodiscard]] Epoch proved() const { return r.replica->epochs().newest(); }
};

TEST_F(Sleeper, IsBroughtUpByWhomItHasNeverKnown) {
    r.hear(5, Status{2, 9, 4, 4, {}});
    ASSERT_EQ(r.written<Status>().size(), 1u) << "so that it is shown the epochs";
    EXPECT_EQ(r.written<Status>()[0].first, key(5));
    EXPECT_TRUE(r.written<GetRange>().empty()) << "anybody may claim a height";
    r.hear(5, proof_1);
    EXPECT_TRUE(r.written<GetRange>().empty()) << "epoch 1 does not name it";
    r.hear(5, proof_2);
    ASSERT_EQ(r.written<GetRange>().size(), 1u);
    EXPECT_EQ(r.written<GetRange>()[0].first, key(5));
    r.hear(5, Range{{first, end_0, second, end_1}});
    EXPECT_EQ(r.out.faults.size(), 0u);
    EXPECT_EQ(r.replica->epoch(), 2u);
    EXPECT_EQ(r.replica->status().final_height, 4u);
    EXPECT_EQ(r.replica->index(), 0u) << "and it votes again";
}

TEST_F(Sleeper, IsShownTheEpochsByAnybodyAndAsksTheirMembers) {
    r.hear(9, proof_1);
    std::vector<PublicKey> told;
    for (const auto& [to, status] : r.written<Status>())
        told.push_back(to);
    EXPECT_EQ(told, std::vector<PublicKey>{key(4)}) << "whom epoch 1 names and this one does not";
    EXPECT_TRUE(r.written<GetRange>().empty());
    r.hear(4, Status{2, 9, 4, 4, {}});
    EXPECT_EQ(r.written<GetRange>().size(), 1u);
    r.hear(9, Range{{first, end_0}});
    EXPECT_EQ(r.replica->status().final_height, 0u) << "blocks are for members to bring";
    r.hear(4, Range{{first, end_0}});
    EXPECT_EQ(r.replica->epoch(), 1u);
}

TEST_F(Sleeper, TakesASnapshotFromThem) {
    r.step(EpochsShown{{proof_1, proof_2}});
    EXPECT_EQ(r.written<Status>().size(), 3u) << "4, 5 and 6";
    r.hear(6, Status{2, 9, 4, 4, {}});
    ASSERT_EQ(r.written<GetRange>().size(), 1u);
    const Manifest manifest = past.manifest(end_1);
    r.hear(9, manifest);
    EXPECT_TRUE(r.out.letters.empty());
    r.hear(6, manifest);
    ASSERT_FALSE(r.written<GetPiece>().empty());
    r.hear(9, Piece{4, 0, past.piece(end_1, manifest, 0)});
    r.hear(5, broken(proof_2));
    EXPECT_TRUE(r.out.faults.empty()) << "that epoch is proved already: not looked at";
    for (std::uint32_t number = 0; r.replica->status().final_height == 0; ++number)
        r.hear(6, Piece{4, number, past.piece(end_1, manifest, number)});
    EXPECT_EQ(r.replica->epoch(), 2u);
    EXPECT_EQ(r.replica->status().final_height, 4u);
    EXPECT_TRUE(r.out.jumped);
}

TEST_F(Sleeper, HearsNoMoreOfALiarForAWhile) {
    r.hear(5, broken(proof_1));
    ASSERT_EQ(r.out.faults.size(), 1u);
    EXPECT_EQ(r.out.faults[0].from, key(5));
    r.hear(5, broken(proof_1));
    EXPECT_TRUE(r.out.faults.empty()) << "not even looked at";
    r.hear(5, proof_1);
    EXPECT_EQ(proved(), 0u);
    r.hear(6, proof_1);
    EXPECT_EQ(proved(), 1u) << "others are";
    r.now += r.config.parameters.standstill_ms;
    r.hear(5, proof_2);
    EXPECT_EQ(proved(), 2u);
}

// Two that stand outside each other's epochs would have answered one status with another for ever.
TEST_F(Sleeper, AsksAnOutsiderAheadOncePerPeriod) {
    std::size_t letters = 0;
    for (int i = 0; i < 100; ++i)
        letters += r.hear(9, Status{~Epoch{0}, 9, 4, 1'000'000, {}}).letters.size();
    EXPECT_EQ(letters, 1u);
    r.now += r.config.parameters.standstill_ms;
    EXPECT_EQ(r.hear(9, Status{2, 9, 4, 4, {}}).letters.size(), 1u);
}

TEST_F(Sleeper, ServesAnOutsiderSoMuchAndNoMore) {
    r.step(EpochsShown{{proof_1, proof_2}});
    std::size_t proofs = 0;
    for (int i = 0; i < 1'000; ++i) {
        r.hear(9, Status{0, 1, 0, 0, {}});
        proofs += r.written<EpochProof>().size();
    }
    EXPECT_EQ(proofs, 2u * 64) << "per period, whatever it asks";
}

TEST_F(Sleeper, IsToldByAFile) {
    const EpochsFile file{r.config.chain, {proof_1, proof_2}};
    const Bytes bytes = encode(file);
    const auto read = decode_epochs_file(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->chain, file.chain);
    EXPECT_EQ(read->proofs, file.proofs);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_epochs_file(ByteView(bytes).first(size)).ok()) << size;
    r.step(EpochsShown{{proof_1, broken(proof_2)}});
    EXPECT_EQ(proved(), 1u) << "as far as it holds";
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

TEST_F(Epochs, AShortReceiptIsWorthWhatIsKnownOfItsEpoch) {
    const EpochProof proof = past.turn(end, next);
    const FinalBlock begun = past.add({r.entry(2)});
    const Receipt full = make_receipt({begun.block, *begun.certificate, {}}, 0, {proof});
    const Receipt receipt = shortened(full);
    const EpochTable genesis(r.config.chain, old_set);
    EpochTable known = genesis;
    ASSERT_TRUE(known.extend(proof));

    EXPECT_LT(encode(receipt).size() + 600, encode(full).size());
    EXPECT_EQ(verify(*decode_receipt(encode(receipt)), known), ReceiptVerdict::valid);
    EXPECT_EQ(verify(receipt, genesis), ReceiptVerdict::unknown_epoch);
    EXPECT_EQ(verify(receipt, r.config.chain, old_set), ReceiptVerdict::unknown_epoch);
    EXPECT_EQ(whole(receipt, known), full);
    EXPECT_EQ(whole(receipt, genesis), receipt) << "what is missing is not made up";

    // What a whole one shows has to hold, whatever is known already; and other members' certificates never count.
    EXPECT_EQ(verify(full, genesis), ReceiptVerdict::valid);
    Receipt broken = full;
    broken.epochs[0].next = old_set;
    EXPECT_EQ(verify(broken, known), ReceiptVerdict::wrong_chain);
    broken.epochs = {proof, proof};
    EXPECT_EQ(verify(broken, known), ReceiptVerdict::wrong_chain);
    Receipt of_the_old = receipt;
    of_the_old.header.epoch = 0;
    EXPECT_EQ(verify(of_the_old, known), ReceiptVerdict::wrong_chain);
    Receipt of_nobody = receipt;
    of_nobody.header.epoch = UINT64_MAX;
    EXPECT_EQ(verify(of_nobody, known), ReceiptVerdict::unknown_epoch);
    EXPECT_EQ(whole(of_nobody, known), of_nobody);
    const Receipt old = make_receipt({first.block, *first.certificate, {}}, 0, {proof});
    EXPECT_TRUE(old.epochs.empty()) << "of epoch 0: short and whole are the same";
    EXPECT_EQ(verify(old, known), ReceiptVerdict::valid);
}

// One new member after another, until the proofs of that alone are more than a message holds.
TEST_F(Epochs, AShortReceiptDoesNotGrowWithTheLogsLife) {
    constexpr Epoch changes = 100;
    std::vector<EpochProof> proofs{past.turn(end, next)};
    ValidatorSet members = next;
    for (Epoch epoch = 1; epoch < changes; ++epoch) {
        ValidatorSet later = members;
        later.validators.erase(later.validators.begin());
        later.validators.push_back(
            Past::set_of({static_cast<ReplicaIndex>(4 + epoch)}).validators[0]);
        proofs.push_back(
            past.turn(past.add({past.change(epoch, members, later, {0, 1, 2})}), later));
        members = later;
    }
    const FinalBlock newest = past.add({r.entry(2)});
    const Receipt full = make_receipt({newest.block, *newest.certificate, {}}, 0, proofs);
    EpochTable known(r.config.chain, old_set);
    ASSERT_TRUE(known.learn(proofs));
    ASSERT_EQ(known.newest(), changes);
    EXPECT_GT(encode(full).size(), limits::receipt_bytes_max);
    EXPECT_LT(encode(shortened(full)).size(), 1'000u);
    EXPECT_EQ(verify(shortened(full), known), ReceiptVerdict::valid);
    EXPECT_EQ(whole(shortened(full), known), full);
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
