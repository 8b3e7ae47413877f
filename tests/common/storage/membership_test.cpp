// The set of coordinators changes while the log runs; replicas that are far behind get the state, not the blocks.
#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/storage/archive.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

using consensus::Epoch;
using consensus::EpochChange;
using consensus::ValidatorSet;
using settlement::coordinator;
using settlement::neighbourhood;
using settlement::start_ms;

struct Membership : testing::Test {
    // Every view with work, also an empty one, would make snapshots; four heights are soon there.
    explicit Membership(consensus::Height snapshots_every = 4)
        : cluster(neighbourhood(), directory.path) {
        cluster.parameters.checkpoint_heights = snapshots_every;
        cluster.start_all();
        cluster.submit(0, settlement::make_entry(settlement::first_change(), cluster.chain(), 1,
                                                 expires(), settlement::grid_operator()));
        cluster.run(2'000);
    }

    [[nodiscard]] UnixMs expires() const { return start_ms + cluster.now_ms + 3'600'000; }

    static ValidatorSet set_of(const std::vector<std::uint8_t>& numbers) {
        ValidatorSet set;
        for (const std::uint8_t number : numbers)
            set.validators.push_back({coordinator(number).public_key(), ""});
        return set;
    }

    /// A change signed by the members of the old set at these places.
    [[nodiscard]] consensus::EntryPtr change(Epoch epoch,
                                             const std::vector<std::uint8_t>& old_set,
                                             const std::vector<std::uint8_t>& next,
                                             const std::vector<std::size_t>& signers) const {
        EpochChange made{epoch, set_of(next), 0, {}};
        for (const std::size_t place : signers) {
            made.signers |= std::uint64_t{1} << place;
            made.signatures.push_back(
                coordinator(old_set[place])
                    .sign(consensus::epoch_change_bytes(cluster.chain(), epoch, made.next)));
        }
        consensus::Entry entry;
        entry.type = consensus::epoch_change_entry;
        entry.key = consensus::epoch_change_key(epoch);
        entry.body = encode(made);
        entry.expires_ms = expires();
        consensus::sign(entry, cluster.chain(), coordinator(old_set[0]));
        return consensus::seal(std::move(entry));
    }

    void trade(IntervalIndex first, IntervalIndex count, std::uint8_t author) {
        for (IntervalIndex interval = first; interval < first + count; ++interval) {
            cluster.submit(
                author, settlement::make_entry(
                            settlement::cleared_of(cluster.chain(), interval, 0), cluster.chain(),
                            static_cast<std::uint64_t>(interval), expires(), coordinator(author)));
            cluster.run(1'000);
        }
    }

    TemporaryDirectory directory;
    StoredCluster cluster;
};

TEST_F(Membership, OneJoinsAnotherLeavesAndTheLogGoesOn) {
    trade(0, 2, 0);
    cluster.start(4);  // as a learner
    cluster.run(5'000);
    EXPECT_EQ(cluster.replica(4).index(), consensus::outsider);
    EXPECT_EQ(cluster.store(4).height(), cluster.store(0).height());

    cluster.submit(1, change(0, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1, 3}));
    cluster.run(5'000);
    for (const std::size_t i : {0, 1, 2, 3, 4})
        EXPECT_EQ(cluster.replica(i).epoch(), 1u) << i;
    EXPECT_EQ(cluster.replica(4).index(), 3);
    EXPECT_EQ(cluster.replica(3).index(), consensus::outsider);

    // With one of the old members down, the new one's votes decide.
    cluster.stop(2);
    const auto before = cluster.replica(0).status().entries;
    trade(10, 4, 4);
    cluster.run(20'000);
    EXPECT_EQ(cluster.replica(0).status().entries, before + 4);
    EXPECT_EQ(cluster.store(3).height(), cluster.store(0).height()) << "who left still follows";

    for (const std::size_t i : {0, 4}) {
        const auto report = cluster.store(i).verify();
        ASSERT_TRUE(report.ok()) << i << ": " << report.error().message;
    }
    const auto receipt = cluster.store(0).receipt_for_key(settlement::cleared_key(12, NetId{0}));
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->epochs.size(), 1u);
    EXPECT_EQ(consensus::verify(*receipt, cluster.chain(), cluster.genesis().validators),
              consensus::ReceiptVerdict::valid)
        << "who knows only genesis can check it";
    auto without = *receipt;
    without.epochs.clear();
    EXPECT_NE(consensus::verify(without, cluster.chain(), cluster.genesis().validators),
              consensus::ReceiptVerdict::valid);
}

TEST_F(Membership, ARestartResumesTheNewEpoch) {
    cluster.submit(1, change(0, {0, 1, 2, 3}, {0, 1, 2}, {0, 1, 2}));
    cluster.run(5'000);
    for (std::size_t i = 0; i < 4; ++i)
        cluster.stop(i);
    cluster.start_all();
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(cluster.replica(i).epoch(), 1u);
    const auto before = cluster.replica(0).status().entries;
    trade(0, 2, 0);
    EXPECT_EQ(cluster.replica(1).status().entries, before + 2);
}

TEST_F(Membership, TooFewSignersAnotherEpochOrAKeyThatLeftAreRefused) {
    const auto refused = [&](std::size_t at, const consensus::EntryPtr& entry) {
        cluster.answers.clear();
        cluster.submit(at, entry);
        KILTER_CHECK(cluster.answers.size() == 1, "one answer per submission");
        return cluster.answers[0].status == consensus::SubmissionStatus::refused;
    };
    EXPECT_TRUE(refused(0, change(0, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1})));
    cluster.submit(0, change(0, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1, 2}));
    cluster.run(5'000);
    EXPECT_TRUE(refused(0, change(0, {0, 1, 2, 3}, {0, 1, 2, 5}, {0, 1, 2}))) << "ended";
    EXPECT_TRUE(refused(0, change(1, {0, 1, 2, 4}, {0, 1, 2, 4, 3}, {0, 1, 2})))
        << "a key that left never returns";
    EXPECT_FALSE(refused(0, change(1, {0, 1, 2, 4}, {0, 1, 2, 4, 5}, {0, 1, 2})));
}

TEST_F(Membership, WhoIsFarBehindGetsTheStateInsteadOfTheBlocks) {
    cluster.stop(3);
    trade(0, 14, 0);
    for (const std::size_t i : {0, 1, 2})
        cluster.store(i).prune(0, false);
    ASSERT_FALSE(cluster.store(0).block(1).ok());
    cluster.start(3);
    cluster.run(20'000);
    EXPECT_EQ(cluster.store(3).height(), cluster.store(0).height());
    EXPECT_EQ(cluster.replica(3).state()->root(), cluster.replica(0).state()->root());
    trade(20, 3, 3);
    EXPECT_EQ(cluster.replica(0).status().entries, 18u);
    const auto report = cluster.store(3).verify();
    ASSERT_TRUE(report.ok()) << report.error().message;
    cluster.stop(3);
    cluster.start(3);
    EXPECT_EQ(cluster.replica(3).state()->root(), cluster.replica(0).state()->root())
        << "from the snapshot it received";

    // Its old blocks end somewhere; what it prunes next ends there as well.
    trade(30, 12, 3);
    const auto base = cluster.store(3).height();
    while (cluster.store(3).prune(0, true)) {
    }
    const auto archives = heights_in(cluster.file(3).string() + ".archive", ".blocks");
    ASSERT_GE(archives.size(), 2u) << "it goes on above the snapshot that was received";
    for (const consensus::Height first : archives) {
        const auto stretch =
            read_archive(file_of_height(cluster.file(3).string() + ".archive", first, ".blocks"));
        ASSERT_TRUE(stretch.ok()) << stretch.error().message;
        const auto sound = verify(*stretch, cluster.chain(), cluster.genesis().validators);
        EXPECT_TRUE(sound.ok()) << sound.error().message;
    }
    EXPECT_EQ(cluster.store(3).height(), base);
    EXPECT_TRUE(cluster.store(3).block(archives.back()).ok()) << "from the archive";
    const auto pruned = cluster.store(3).verify();
    ASSERT_TRUE(pruned.ok()) << pruned.error().message;
    cluster.stop(3);
    cluster.start(3);
    EXPECT_EQ(cluster.replica(3).state()->root(), cluster.replica(0).state()->root());
}

// Archiving had stopped without a word: blocks stayed in the database for good.
TEST_F(Membership, ADamagedBeginningOfTheArchiveIsNoticed) {
    cluster.stop(3);
    trade(0, 14, 0);
    for (const std::size_t i : {0, 1, 2})
        cluster.store(i).prune(0, false);
    cluster.start(3);
    cluster.run(20'000);
    cluster.stop(3);
    const auto origins = heights_in(cluster.file(3).string() + ".archive", ".origin");
    ASSERT_EQ(origins.size(), 1u);
    const auto file =
        file_of_height(cluster.file(3).string() + ".archive", origins.front(), ".origin");
    const Bytes whole = *read_whole(file, 4'096);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{5}, whole.size() - 1}) {
        write_durably(file, ByteView{whole}.first(bytes));
        const auto opened = LogStore::open(cluster.file(3), cluster.genesis());
        ASSERT_FALSE(opened.ok()) << bytes;
        EXPECT_NE(opened.error().message.find(file.string() + " is damaged: restore it"),
                  std::string::npos)
            << opened.error().message;
    }
    write_durably(file, whole);
    EXPECT_TRUE(LogStore::open(cluster.file(3), cluster.genesis()).ok());
}

// Who died while taking a state over had its file, but not the proof of its epoch, and did not start again.
TEST_F(Membership, AStateTakenOverByHalfIsForgotten) {
    cluster.submit(1, change(0, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1, 3}));
    cluster.run(5'000);
    trade(0, 8, 0);
    ASSERT_EQ(cluster.replica(0).epoch(), 1u);
    const auto folder = [&](std::size_t i) { return cluster.file(i).string() + ".snapshots"; };
    std::filesystem::copy(folder(0), folder(4), std::filesystem::copy_options::recursive);
    cluster.start(4);
    EXPECT_EQ(cluster.store(4).height(), 0u);
    cluster.run(20'000);
    EXPECT_EQ(cluster.replica(4).state()->root(), cluster.replica(0).state()->root());
}

struct EveryBlockASnapshot : Membership {
    EveryBlockASnapshot() : Membership(1) {}
};

// The epoch's last block became final with the one above it, and so does the certificate of its snapshot have a view that the
// next epoch has as well: that epoch's final certificate was taken for no newer one, and the final view went back over a
// restart.
TEST_F(EveryBlockASnapshot, ACertificateOfTheNextEpochIsNewerWhateverItsView) {
    const consensus::View last = cluster.replica(0).status().view;
    cluster.loses = [&](const consensus::Message& message) {
        const auto* vote = std::get_if<consensus::Vote>(&message);
        return vote != nullptr && vote->kind == consensus::VoteKind::final && vote->view == last;
    };
    cluster.submit(1, change(0, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1, 3}));
    cluster.run(5'000);
    ASSERT_EQ(cluster.replica(0).epoch(), 1u);
    const auto before = cluster.load(0);
    ASSERT_EQ(before.tip.view, last);
    ASSERT_TRUE(before.tip_certificate);
    ASSERT_EQ(before.tip_certificate->epoch, 0u);
    ASSERT_EQ(before.tip_certificate->view, last + 1);
    consensus::Cert next = *before.tip_certificate;
    next.epoch = 1;
    cluster.store(0).apply({next});
    EXPECT_EQ(cluster.load(0).tip_certificate, next);
}

TEST_F(Membership, ARestartBeginsAtTheNewestSnapshotAndArchivesProveThemselves) {
    trade(0, 14, 0);
    const auto root = cluster.replica(0).state()->root();
    cluster.store(0).prune(0, true);
    const auto file = cluster.file(0).string() + ".archive/000000000001.blocks";
    auto archived = read_archive(file);
    ASSERT_TRUE(archived.ok()) << archived.error().message;
    EXPECT_TRUE(verify(*archived, cluster.chain(), cluster.genesis().validators).ok());
    EXPECT_TRUE(cluster.store(0).block(1).ok()) << "from the archive";
    EXPECT_TRUE(cluster.store(0).receipt_for_key(settlement::cleared_key(0, NetId{0})));
    const auto report = cluster.store(0).verify();
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->entries, 15u);
    // Anything changed in it is noticed.
    archived->blocks.erase(archived->blocks.begin() + 1);
    EXPECT_FALSE(verify(*archived, cluster.chain(), cluster.genesis().validators).ok());
    const Bytes whole = *read_whole(file, 1 << 20);
    ASSERT_EQ(encode(*decode_archive(whole, "whole")), whole);
    Prng prng(1);
    for (int i = 0; i < 400; ++i) {
        Bytes bent = whole;
        bent[i < 200 ? static_cast<std::size_t>(i) : prng.below(bent.size())] ^=
            static_cast<std::uint8_t>(1u << prng.below(8));
        const auto read = decode_archive(bent, "bent");
        EXPECT_FALSE(read.ok() && verify(*read, cluster.chain(), cluster.genesis().validators).ok())
            << i;
    }
    cluster.stop(0);
    cluster.start(0);
    EXPECT_EQ(cluster.replica(0).state()->root(), root);
}

TEST_F(Membership, ConsistencyBetweenAnyTwoHeadersIsProved) {
    trade(0, 6, 0);
    const auto top = cluster.store(1).height();
    for (consensus::Height older = 1; older <= top; ++older) {
        auto proof = cluster.store(1).consistency(older, top);
        ASSERT_TRUE(proof) << older;
        EXPECT_EQ(consensus::verify(*proof, cluster.chain(), cluster.genesis().validators),
                  consensus::ConsistencyVerdict::consistent);
        const auto decoded = consensus::decode_consistency_proof(encode(*proof));
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded, *proof);
        std::swap(proof->older, proof->newer);
        if (proof->path.empty()) continue;  // nothing was added in between
        EXPECT_NE(consensus::verify(*proof, cluster.chain(), cluster.genesis().validators),
                  consensus::ConsistencyVerdict::consistent);
    }
}

}  // namespace
}  // namespace kilter::storage
