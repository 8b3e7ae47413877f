// The replica's parts alone: signer, tally, mempool, the entries seen lately and the ids on the log.
#include <set>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "common/consensus/entry_cache.hpp"
#include "common/consensus/mempool.hpp"
#include "common/consensus/seen_ids.hpp"
#include "common/consensus/signer.hpp"
#include "common/consensus/tally.hpp"

namespace kilter::consensus::parts_test {
namespace {

crypto::Identity identity_of(std::uint8_t number) {
    crypto::initialise();
    crypto::Seed seed;
    seed.bytes[0] = number;
    return crypto::Identity::from_seed(seed);
}

BlockHash block(std::uint8_t name) {
    BlockHash hash;
    hash.bytes[0] = name;
    return hash;
}

TEST(Signer, RefusesEveryContradictionAndRepeatsItself) {
    Signer signer(identity_of(0), {}, 0, 0, {});
    const auto notar = signer.sign(VoteKind::notar, 5, block(1));
    ASSERT_TRUE(notar && notar->fresh);
    const auto again = signer.sign(VoteKind::notar, 5, block(1));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->fresh.has_value());
    EXPECT_EQ(again->vote, notar->vote);
    EXPECT_FALSE(signer.sign(VoteKind::notar, 5, block(2))) << "a second block";
    EXPECT_FALSE(signer.sign(VoteKind::final, 5, block(2))) << "final for another block";
    ASSERT_TRUE(signer.sign(VoteKind::final, 5, block(1)));
    EXPECT_FALSE(signer.sign(VoteKind::skip, 5, {})) << "skip after final";
    ASSERT_TRUE(signer.sign(VoteKind::skip, 6, {}));
    ASSERT_TRUE(signer.sign(VoteKind::notar, 6, block(3)))
        << "helping others after a skip is allowed";
    EXPECT_FALSE(signer.sign(VoteKind::final, 6, block(3))) << "final after skip";
    EXPECT_FALSE(signer.sign(VoteKind::final, 7, block(1))) << "final without notar";
    signer.raise_floor(6);
    EXPECT_FALSE(signer.sign(VoteKind::notar, 6, block(3))) << "the journal there is gone";
}

TEST(Signer, RemembersItsJournalAcrossARestart) {
    Signer before(identity_of(0), {}, 0, 0, {});
    ASSERT_TRUE(before.sign(VoteKind::skip, 3, {}));
    ASSERT_TRUE(before.sign(VoteKind::notar, 4, block(1)));
    Signer after(identity_of(0), {}, 0, 2, before.journal(10));
    EXPECT_FALSE(after.sign(VoteKind::notar, 4, block(2)));
    ASSERT_TRUE(after.sign(VoteKind::notar, 3, block(7)));
    EXPECT_FALSE(after.sign(VoteKind::final, 3, block(7)));
}

struct TallyTest : testing::Test {
    TallyTest() {
        for (std::uint8_t i = 0; i < 4; ++i)
            set.validators.push_back({identity_of(i).public_key(), ""});
    }

    [[nodiscard]] Vote vote(VoteKind kind, const BlockHash& hash, std::uint8_t signer) const {
        return {kind, 0,      1,
                hash, signer, identity_of(signer).sign(vote_bytes({}, kind, 0, 1, hash))};
    }

    ValidatorSet set;
    std::vector<ReplicaIndex> liars;
};

TEST_F(TallyTest, AQuorumMakesACertificateAndABadSignatureIsDroppedWithItsName) {
    Tally tally({}, set);
    Vote bad = vote(VoteKind::notar, block(1), 1);
    bad.signature.bytes[2] ^= 1;
    EXPECT_FALSE(tally.add(vote(VoteKind::notar, block(1), 0), false));
    EXPECT_FALSE(tally.add(bad, false));
    EXPECT_FALSE(tally.certificate(VoteKind::notar, 1, block(1), liars));
    EXPECT_TRUE(liars.empty()) << "nothing is verified before a quorum may be there";
    EXPECT_FALSE(tally.add(vote(VoteKind::notar, block(1), 2), false));
    EXPECT_FALSE(tally.certificate(VoteKind::notar, 1, block(1), liars));
    EXPECT_EQ(liars, std::vector<ReplicaIndex>{1});
    EXPECT_FALSE(tally.add(vote(VoteKind::notar, block(1), 3), false));
    const auto cert = tally.certificate(VoteKind::notar, 1, block(1), liars);
    ASSERT_TRUE(cert);
    EXPECT_EQ(verify(*cert, {}, set), CertVerdict::valid);
    EXPECT_EQ(cert->signers, 0b1101u);
}

TEST_F(TallyTest, EachContradictionIsEvidenceOnceAndOnlyWithGoodSignatures) {
    const std::vector<std::pair<Vote, Vote>> contradictions{
        {vote(VoteKind::notar, block(1), 2), vote(VoteKind::notar, block(2), 2)},
        {vote(VoteKind::final, block(1), 2), vote(VoteKind::final, block(2), 2)},
        {vote(VoteKind::final, block(1), 2), vote(VoteKind::notar, block(2), 2)},
        {vote(VoteKind::skip, {}, 2), vote(VoteKind::final, block(1), 2)}};
    for (const auto& [first, second] : contradictions) {
        Tally tally({}, set);
        EXPECT_FALSE(tally.add(first, false));
        Vote forged = second;
        forged.signature.bytes[0] ^= 1;
        EXPECT_FALSE(tally.add(forged, false)) << "a forgery accuses nobody";
        const auto evidence = tally.add(second, false);
        ASSERT_TRUE(evidence);
        EXPECT_TRUE(contradict(evidence->first, evidence->second));
        EXPECT_FALSE(tally.add(second, false)) << "once is enough";
    }
    Tally tally({}, set);
    EXPECT_FALSE(tally.add(vote(VoteKind::notar, block(1), 2), false));
    EXPECT_FALSE(tally.add(vote(VoteKind::skip, {}, 2), false)) << "notar and skip go together";
}

EntryPtr entry(std::uint64_t seq, std::uint8_t author = 1, Bytes key = {}, UnixMs expires = 1'000) {
    Entry out;
    out.type = 1;
    out.seq = seq;
    out.author.bytes[0] = author;
    out.key = std::move(key);
    out.expires_ms = expires;
    return seal(std::move(out));
}

TEST(Mempool, KeepsOrderKeysAndExpiry) {
    crypto::initialise();
    Mempool mempool;
    EXPECT_EQ(mempool.add(entry(1, 1, {7}), 10, true), Mempool::Added::added);
    EXPECT_EQ(mempool.add(entry(2), 11, true), Mempool::Added::added);
    EXPECT_EQ(mempool.add(entry(3, 2, {7}), 12, true), Mempool::Added::key_waits);
    EXPECT_EQ(mempool.ready().front().entry->entry.seq, 1u);
    mempool.remove_final(*entry(9, 9, {7}));
    EXPECT_EQ(mempool.size(), 1u) << "the key is taken on the log: the one that waited for it goes";
    EXPECT_EQ(mempool.add(entry(4, 1, {}, 50), 12, true), Mempool::Added::added);
    mempool.remove_expired(51);
    EXPECT_EQ(mempool.size(), 1u);
    EXPECT_TRUE(mempool.find(entry(2)->id));
}

TEST(Mempool, OneAuthorHoldsOnlyItsShare) {
    crypto::initialise();
    Mempool mempool;
    const std::size_t share = limits::mempool_entries_max / limits::mempool_share;
    for (std::size_t i = 0; i < share; ++i)
        ASSERT_EQ(mempool.add(entry(i), 0, true), Mempool::Added::added);
    EXPECT_EQ(mempool.add(entry(share), 0, true), Mempool::Added::full);
    EXPECT_EQ(mempool.add(entry(share, 2), 0, true), Mempool::Added::added);
    mempool.remove(entry(0)->id);
    EXPECT_EQ(mempool.add(entry(share), 0, true), Mempool::Added::added);
}

TEST(Mempool, ParkedEntriesAreJudgedAgain) {
    crypto::initialise();
    Mempool mempool;
    for (std::uint64_t i = 0; i < 3; ++i)
        (void)mempool.add(entry(i), 0, false);
    EXPECT_TRUE(mempool.ready().empty());
    mempool.reconsider([](const SealedEntry& e) {
        return e.entry.seq == 0   ? Admission::ready
               : e.entry.seq == 1 ? Admission::refused
                                  : Admission::later;
    });
    ASSERT_EQ(mempool.ready().size(), 1u);
    EXPECT_EQ(mempool.ready().front().entry->entry.seq, 0u);
    EXPECT_EQ(mempool.size(), 2u);
}

TEST_F(TallyTest, ACertificateOfCountedVotesHoldsAndAnyOtherIsCheckedInFull) {
    Tally tally({}, set);
    Cert cert{VoteKind::notar, 0, 1, block(1), 0b0111, {}};
    for (std::uint8_t i = 0; i < 3; ++i) {
        (void)tally.add(vote(VoteKind::notar, block(1), i), i != 1);
        cert.signatures.push_back(vote(VoteKind::notar, block(1), i).signature);
    }
    EXPECT_TRUE(tally.holds(cert));
    EXPECT_TRUE(Tally({}, set).holds(cert)) << "of votes that nobody has seen";
    for (std::size_t i = 0; i < 3; ++i) {
        Cert forged = cert;
        forged.signatures[i].bytes[9] ^= 1;
        EXPECT_FALSE(tally.holds(forged));
    }
    Cert other = cert;
    other.hash = block(2);
    EXPECT_FALSE(tally.holds(other));
    other = cert;
    other.epoch = 1;
    EXPECT_FALSE(tally.holds(other));
    other = cert;
    other.signers = 0b0011;
    other.signatures.pop_back();
    EXPECT_FALSE(tally.holds(other)) << "no quorum";
    other = cert;
    other.signers = 0b10011;
    EXPECT_FALSE(tally.holds(other)) << "a signer who is no member";
    // A bad vote that waits unverified is not made good by a certificate that repeats it.
    Vote bad = vote(VoteKind::notar, block(1), 3);
    bad.signature.bytes[0] ^= 1;
    (void)tally.add(bad, false);
    other = cert;
    other.signers = 0b1011;
    other.signatures.back() = bad.signature;
    EXPECT_FALSE(tally.holds(other));
    EXPECT_FALSE(tally.holds(other)) << "nor the second time";
}

EntryPtr signed_entry(std::uint64_t seq, UnixMs expires_ms) {
    Entry entry;
    entry.type = 1;
    entry.seq = seq;
    entry.expires_ms = expires_ms;
    sign(entry, {}, identity_of(9));
    return seal(std::move(entry));
}

TEST(EntryCache, GivesTheSameEntryForTheSameBytesOnly) {
    EntryCache cache(4);
    const EntryPtr entry = signed_entry(1, 5);
    const auto first = cache.decode(entry->encoded);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(*cache.decode(entry->encoded), *first) << "not decoded again";
    EXPECT_EQ((*first)->id, entry->id);
    // Another body under the same signature is another entry, and none that verifies.
    Bytes forged = entry->encoded;
    forged[40] ^= 1;
    const auto other = cache.decode(forged);
    ASSERT_TRUE(other.ok());
    EXPECT_NE((*other)->id, entry->id);
    EXPECT_EQ((*cache.decode(entry->encoded))->id, entry->id);
    EXPECT_FALSE(cache.decode(ByteView{entry->encoded}.first(70)).ok());
    EXPECT_FALSE(cache.decode({}).ok());
    const EntryPtr kept = *cache.decode(entry->encoded);
    for (std::uint64_t seq = 2; seq < 30; ++seq)
        ASSERT_TRUE(cache.decode(signed_entry(seq, 5)->encoded).ok());
    EXPECT_NE(*cache.decode(entry->encoded), kept) << "forgotten meanwhile";
}

// A state and its ids, block by block.
struct IdsOfBlocks {
    explicit IdsOfBlocks(UnixMs start, SeenForm begin)
        : form(begin), state(std::make_shared<MapState>(nothing_seen(start, begin))) {}

    void block(UnixMs time, const std::vector<EntryPtr>& entries) {
        SeenIds ids(*state, time);
        crypto::MerkleMap map = *state->map();
        for (const EntryPtr& entry : entries) {
            EXPECT_EQ(ids.judge(map, *entry).admission, Admission::ready);
            ids.add(*entry);
            EXPECT_EQ(ids.judge(map, *entry).admission, Admission::refused) << "in this block";
        }
        SeenSetPtr beside = ids.finish(map, form);
        state = std::make_shared<MapState>(std::move(map), std::move(beside));
    }

    [[nodiscard]] Admission judged(UnixMs time, const SealedEntry& entry) const {
        return SeenIds(*state, time).judge(*state->map(), entry).admission;
    }

    SeenForm form;
    std::shared_ptr<const MapState> state;
};

class SeenIdsInForm : public testing::TestWithParam<SeenForm> {};

TEST_P(SeenIdsInForm, AnEntryIsThereOnceUntilItsSecondHasPassed) {
    constexpr UnixMs start = 1'700'000'000'000;
    IdsOfBlocks log(start, GetParam());
    const crypto::Digest empty = log.state->root();
    std::vector<EntryPtr> entries;
    for (std::uint64_t seq = 0; seq < 300; ++seq)
        entries.push_back(signed_entry(seq, start + 5'000 + static_cast<UnixMs>(seq % 3) * 1'000));
    log.block(start + 100, {entries.begin(), entries.begin() + 10});
    log.block(start + 200, {entries.begin() + 10, entries.end()});
    EXPECT_EQ(log.judged(start + 300, *entries[7]), Admission::refused);
    EXPECT_EQ(log.judged(start + 5'001, *entries[0]), Admission::refused) << "expired";
    const IdsOfBlocks fresh(start, GetParam());
    EXPECT_EQ(fresh.judged(start - limits::entry_life_ms_max, *signed_entry(1, start + 1)),
              Admission::refused)
        << "more than a day ahead";
    log.block(start + 6'900, {});
    EXPECT_FALSE(seen(*log.state, entries[0]->id)) << "its second has passed";
    EXPECT_TRUE(seen(*log.state, entries[1]->id)) << "its second has not";
    log.block(start + 60'000, {});
    for (const EntryPtr& entry : entries)
        EXPECT_FALSE(seen(*log.state, entry->id));
    EXPECT_EQ(log.state->root(), nothing_seen(start + 60'000, GetParam()).root())
        << "nothing is left of them";
    EXPECT_NE(log.state->root(), empty);
}

INSTANTIATE_TEST_SUITE_P(Forms,
                         SeenIdsInForm,
                         testing::Values(SeenForm::pairs, SeenForm::lists),
                         [](const auto& form) {
                             return form.param == SeenForm::pairs ? "pairs" : "lists";
                         });

TEST(SeenIds, APairLogBecomesAListLogAndForgetsNothing) {
    constexpr UnixMs start = 1'700'000'000'000;
    IdsOfBlocks pairs(start, SeenForm::pairs);
    IdsOfBlocks lists(start, SeenForm::lists);
    std::vector<EntryPtr> entries;
    for (std::uint64_t seq = 0; seq < 200; ++seq)
        entries.push_back(signed_entry(seq, start + 5'000 + static_cast<UnixMs>(seq) * 100));
    pairs.block(start + 100, entries);
    lists.block(start + 100, entries);
    EXPECT_NE(pairs.state->root(), lists.state->root());
    pairs.form = SeenForm::lists;
    pairs.block(start + 8'000, {});
    lists.block(start + 8'000, {});
    EXPECT_EQ(pairs.state->root(), lists.state->root());
    for (const EntryPtr& entry : entries)
        EXPECT_EQ(seen(*pairs.state, entry->id), entry->entry.expires_ms >= start + 8'000);
    EXPECT_EQ(pairs.judged(start + 8'000, *entries[150]), Admission::refused);
}

// Branches of blocks over a few thousand ids: each says of every id what its own blocks say, and so does what is read back.
TEST(SeenIds, EveryBranchHasItsOwnSet) {
    constexpr UnixMs start = 1'700'000'000'000;
    Prng prng(11);

    struct Branch {
        IdsOfBlocks log{start, SeenForm::lists};
        UnixMs time = start;
        std::vector<EntryPtr> there;
    };

    std::vector<Branch> branches(1);
    std::uint64_t seq = 0;
    for (int round = 0; round < 400; ++round) {
        const std::size_t at = prng.below(branches.size());
        if (branches.size() < 5 && prng.chance(0.05)) branches.push_back(branches[at]);
        Branch& branch = branches[at];
        branch.time += static_cast<UnixMs>(prng.below(400));
        std::vector<EntryPtr> entries;
        for (std::uint64_t left = prng.below(12); left > 0; --left)
            entries.push_back(
                signed_entry(seq++, branch.time + 1 + static_cast<UnixMs>(prng.below(20'000))));
        branch.log.block(branch.time, entries);
        branch.there.insert(branch.there.end(), entries.begin(), entries.end());
    }
    ASSERT_GT(branches.size(), 2u);
    std::set<EntryPtr> all;
    for (const Branch& branch : branches)
        all.insert(branch.there.begin(), branch.there.end());
    for (const Branch& branch : branches) {
        const std::set<EntryPtr> own(branch.there.begin(), branch.there.end());
        const MapState read_back(*branch.log.state->map());
        EXPECT_LE(branch.log.state->seen()->layers(), 12u);
        for (const EntryPtr& entry : all) {
            const std::int64_t second = entry->entry.expires_ms / 1'000;
            const bool there = own.contains(entry) && second >= branch.time / 1'000;
            EXPECT_EQ(seen(*branch.log.state, entry->id), there);
            EXPECT_EQ(seen(read_back, entry->id), there);
            if (second >= branch.time / 1'000) {
                EXPECT_EQ(branch.log.state->seen()->contains(entry->id, second), there);
                EXPECT_EQ(read_back.seen()->contains(entry->id, second), there);
            }
        }
    }
}

}  // namespace
}  // namespace kilter::consensus::parts_test
