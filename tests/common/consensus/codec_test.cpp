// Entries, votes, certificates, blocks, messages, receipts as bytes: what is decoded re-encodes to the same bytes, and no
// bytes at all do harm.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "common/consensus/light_client.hpp"
#include "common/crypto/merkle.hpp"

namespace kilter::consensus::codec_test {
namespace {

crypto::Identity identity_of(std::uint8_t number) {
    crypto::Seed seed;
    seed.bytes[0] = number;
    return crypto::Identity::from_seed(seed);
}

/// A certified block with three entries, by hand.
struct Sample {
    ChainId chain;
    ValidatorSet validators;
    std::vector<EntryPtr> entries;
    BlockPtr block;
    Cert final;

    Sample() {
        crypto::initialise();
        chain.bytes[3] = 9;
        for (std::uint8_t i = 0; i < 4; ++i)
            validators.validators.push_back(
                {identity_of(i).public_key(), "tcp://host:" + std::to_string(i)});
        auto made = std::make_shared<Block>();
        for (std::uint8_t i = 0; i < 3; ++i) {
            Entry entry;
            entry.type = 1;
            entry.seq = i;
            entry.expires_ms = 1'700'000'000'000;
            entry.key = Bytes{'k', i};
            entry.body = Bytes(10u * i, i);
            sign(entry, chain, identity_of(50));
            entries.push_back(seal(std::move(entry)));
        }
        made->entries = entries;
        made->header.chain = chain;
        made->header.view = 4;
        made->header.height = 1;
        made->header.first_index = 100;
        made->header.count = 3;
        made->header.parent_hash = genesis_hash(chain);
        made->header.payload_root = crypto::merkle_root(leaves(*made));
        made->header.validators = validators.hash();
        for (View view = 1; view < 4; ++view)
            made->justification.skips.push_back(cert(VoteKind::skip, view, {}));
        made->hash = hash(made->header);
        block = made;
        final = cert(VoteKind::final, 4, block->hash);
    }

    [[nodiscard]] Vote vote(VoteKind kind,
                            View view,
                            const BlockHash& hash,
                            std::uint8_t signer) const {
        return {kind, 0,      view,
                hash, signer, identity_of(signer).sign(vote_bytes(chain, kind, 0, view, hash))};
    }

    [[nodiscard]] Cert cert(VoteKind kind, View view, const BlockHash& hash) const {
        Cert out{kind, 0, view, hash, 0b1011, {}};
        for (const std::uint8_t i : Bytes{0, 1, 3})
            out.signatures.push_back(vote(kind, view, hash, i).signature);
        return out;
    }

    /// That `block` is final through the one after it.
    [[nodiscard]] CertifiedHeader tail() const {
        Header child = block->header;
        child.view = 5;
        child.parent_hash = block->hash;
        return {block->header, {child}, cert(VoteKind::final, 5, hash(child))};
    }

    [[nodiscard]] std::vector<Message> messages() const {
        return {Proposal{block, vote(VoteKind::notar, 4, block->hash, 0)},
                vote(VoteKind::skip, 7, {}, 2),
                final,
                Status{0, 5, 4, 1, block->hash},
                GetBlock{block->hash},
                BlockReply{block},
                GetRange{1, 200},
                Range{{{block, std::nullopt}, {block, final}}},
                Range{{{block, std::nullopt}}, tail()},
                Submit{entries}};
    }
};

TEST(Codec, EveryMessageComesBackTheSame) {
    for (const Message& message : Sample().messages()) {
        const Bytes bytes = encode(message);
        const Result<Message> decoded = decode(bytes);
        ASSERT_TRUE(decoded.ok()) << message.index();
        EXPECT_EQ(decoded->index(), message.index());
        EXPECT_EQ(encode(*decoded), bytes);
    }
}

TEST(Codec, CutShortOrContinuedIsRefused) {
    for (const Message& message : Sample().messages()) {
        Bytes bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode(ByteView{bytes}.first(size)).ok())
                << message.index() << " " << size;
        bytes.push_back(0);
        EXPECT_FALSE(decode(bytes).ok()) << message.index();
    }
}

TEST(Codec, ARangeHasATailWhereItsLastBlockNeedsOneAndNowhereElse) {
    const Sample sample;
    const FinalBlock bare{sample.block, std::nullopt};
    const FinalBlock certified{sample.block, sample.final};
    auto last_of_epoch = std::make_shared<Block>(*sample.block);
    last_of_epoch->header.next_validators.bytes[0] = 1;
    last_of_epoch->hash = hash(last_of_epoch->header);
    const FinalBlock end{last_of_epoch, std::nullopt};
    CertifiedHeader of_end = sample.tail();
    of_end.header = end.block->header;
    EXPECT_TRUE(decode(encode(Range{{bare}, sample.tail()})).ok());
    EXPECT_TRUE(decode(encode(Range{{end}})).ok());
    EXPECT_FALSE(decode(encode(Range{{bare}})).ok()) << "needed";
    EXPECT_FALSE(decode(encode(Range{{certified}, sample.tail()})).ok()) << "not needed";
    EXPECT_FALSE(decode(encode(Range{{end}, of_end})).ok()) << "not needed";
    EXPECT_FALSE(decode(encode(Range{{bare}, of_end})).ok()) << "of another header";
    EXPECT_FALSE(
        decode(encode(Range{{bare}, CertifiedHeader{sample.block->header, {}, sample.final}})).ok())
        << "that is the block's own";
    CertifiedHeader long_one = sample.tail();
    long_one.descendants.resize(limits::descendants_max, long_one.descendants.back());
    EXPECT_TRUE(decode(encode(Range{{bare}, long_one})).ok());
    long_one.descendants.push_back(long_one.descendants.back());
    EXPECT_FALSE(decode(encode(Range{{bare}, long_one})).ok());
}

TEST(Codec, WhateverDecodesIsCanonical) {
    Prng prng(11);
    std::size_t accepted = 0;
    for (const Message& message : Sample().messages()) {
        const Bytes original = encode(message);
        for (int round = 0; round < 400; ++round) {
            Bytes bytes = original;
            for (std::uint64_t k = 0; k <= prng.below(3); ++k)
                bytes[prng.below(bytes.size())] = static_cast<std::uint8_t>(prng.below(256));
            const Result<Message> decoded = decode(bytes);
            if (!decoded) continue;
            ++accepted;
            EXPECT_EQ(encode(*decoded), bytes);
        }
    }
    EXPECT_GT(accepted, 100u);
}

TEST(Codec, HugeCountsAllocateNothing) {
    Bytes bytes = encode(Message{BlockReply{Sample().block}});
    const std::size_t count_at = 1 + 32 + 3 * 8 + 32 + 2 * 8;
    for (std::size_t i = 0; i < 4; ++i)
        bytes[count_at + i] = 0xff;
    EXPECT_FALSE(decode(bytes).ok());
    EXPECT_FALSE(decode(Bytes(limits::message_bytes_max + 1, 0)).ok());
}

TEST(Entry, IdIgnoresTheSignatureAndTheSignatureCoversChainAndContent) {
    const Sample sample;
    const SealedEntry& entry = *sample.entries[1];
    EXPECT_TRUE(verify(entry, sample.chain));
    ChainId other = sample.chain;
    other.bytes[0] ^= 1;
    EXPECT_FALSE(verify(entry, other)) << "replayed from another log";
    Entry changed = entry.entry;
    changed.signature.bytes[0] ^= 1;
    EXPECT_EQ(seal(changed)->id, entry.id);
    EXPECT_NE(seal(changed)->leaf, entry.leaf);
    EXPECT_FALSE(verify(*seal(changed), sample.chain));
    changed = entry.entry;
    ++changed.seq;
    EXPECT_NE(seal(changed)->id, entry.id);
    EXPECT_FALSE(verify(*seal(changed), sample.chain));
}

TEST(Cert, NeedsAQuorumOfDistinctKnownSigners) {
    const Sample sample;
    const auto verdict = [&](const Cert& cert) {
        return verify(cert, sample.chain, sample.validators);
    };
    EXPECT_EQ(verdict(sample.final), CertVerdict::valid);
    Cert cert = sample.final;
    cert.signers = 0b0011;
    cert.signatures.pop_back();
    EXPECT_EQ(verdict(cert), CertVerdict::too_few_signers);
    cert = sample.final;
    cert.signers = 0b10011;
    EXPECT_EQ(verdict(cert), CertVerdict::unknown_signer);
    cert = sample.final;
    cert.signers = 0b0111;
    EXPECT_EQ(verdict(cert), CertVerdict::bad_signature);
    cert = sample.final;
    cert.kind = VoteKind::notar;
    EXPECT_EQ(verdict(cert), CertVerdict::bad_signature) << "one kind never serves as another";
    cert = sample.final;
    cert.signatures[2] = cert.signatures[1];
    EXPECT_EQ(verdict(cert), CertVerdict::bad_signature);
}

TEST(ValidatorSet, QuorumsIntersectInAnHonestReplica) {
    for (std::size_t n = 1; n <= limits::replicas_max; ++n) {
        ValidatorSet set;
        set.validators.resize(n);
        const std::size_t f = set.faults();
        EXPECT_GE(n, 3 * f + 1);
        EXPECT_GE(2 * set.quorum(), n + f + 1) << n;
        EXPECT_LE(set.quorum(), n - f) << "f silent replicas must not stop the rest, n = " << n;
    }
}

TEST(Receipt, VerifiesAndAnyFlippedBitIsNoticed) {
    const Sample sample;
    for (std::size_t position = 0; position < 3; ++position) {
        const Receipt receipt = make_receipt({sample.block, sample.final, {}}, position);
        EXPECT_EQ(receipt.index, 100 + position);
        ASSERT_EQ(verify(receipt, sample.chain, sample.validators), ReceiptVerdict::valid);
        Bytes bytes = encode(receipt);
        const Result<Receipt> decoded = decode_receipt(bytes);
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded, receipt);
        if (position != 1) continue;
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
            const Result<Receipt> flipped = decode_receipt(bytes);
            if (flipped) {
                EXPECT_NE(verify(*flipped, sample.chain, sample.validators), ReceiptVerdict::valid)
                    << bit;
            }
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        }
    }
}

TEST(Receipt, ThroughADescendantsCertificate) {
    const Sample sample;
    Header child = sample.block->header;
    child.parent_hash = sample.block->hash;
    child.parent_view = 4;
    child.view = 6;
    child.count = 0;
    const Cert cert = sample.cert(VoteKind::final, 6, hash(child));
    Receipt receipt = make_receipt({sample.block, cert, {child}}, 0);
    EXPECT_EQ(verify(receipt, sample.chain, sample.validators), ReceiptVerdict::valid);
    receipt.descendants[0].parent_hash.bytes[0] ^= 1;
    EXPECT_EQ(verify(receipt, sample.chain, sample.validators), ReceiptVerdict::not_linked);
    receipt.descendants.clear();
    EXPECT_EQ(verify(receipt, sample.chain, sample.validators), ReceiptVerdict::not_certified);
    ValidatorSet strangers = sample.validators;
    strangers.validators[0].key = identity_of(99).public_key();
    EXPECT_EQ(verify(receipt, sample.chain, strangers), ReceiptVerdict::wrong_chain);
}

}  // namespace
}  // namespace kilter::consensus::codec_test
