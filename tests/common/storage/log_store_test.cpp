#include "common/storage/log_store.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/storage/page_checksum.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

using consensus::SubmissionStatus;
using settlement::cleared_of;
using settlement::neighbourhood;
using settlement::start_ms;

Bytes contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& file, const Bytes& bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

/// A roster and `intervals` x 2 cleared nets, submitted to different coordinators.
void trade(StoredCluster& cluster, IntervalIndex first, IntervalIndex intervals) {
    const UnixMs expires = start_ms + cluster.now_ms + 3'600'000;
    if (first == 0) {
        cluster.submit(0, settlement::make_entry(settlement::first_change(), cluster.chain(), 1,
                                                 expires, settlement::grid_operator()));
        cluster.run(3'000);
    }
    for (IntervalIndex interval = first; interval < first + intervals; ++interval)
        for (std::uint32_t net = 0; net < 2; ++net) {
            const auto author = static_cast<std::uint8_t>((interval + net) % 4);
            cluster.submit(author, settlement::make_entry(
                                       cleared_of(cluster.chain(), interval, net), cluster.chain(),
                                       static_cast<std::uint64_t>(interval), expires,
                                       settlement::coordinator(author)));
            cluster.run(50);
        }
    cluster.run(5'000);
}

TEST(LogStore, FourReplicasAgreeAndAnOutsiderChecksEveryStore) {
    const TemporaryDirectory directory;
    StoredCluster cluster(neighbourhood(), directory.path);
    cluster.start_all();
    trade(cluster, 0, 5);
    for (std::size_t i = 0; i < 4; ++i) {
        std::size_t seen = 0;
        // While the replica runs.
        Result<LogStore> reader = LogStore::open_read_only(cluster.file(i));
        ASSERT_TRUE(reader.ok()) << reader.error().message;
        const auto report = reader->verify([&](const settlement::CheckedEntry&) { ++seen; });
        ASSERT_TRUE(report.ok()) << report.error().message;
        EXPECT_EQ(report->entries, 11u);
        EXPECT_EQ(seen, 11u);
        EXPECT_GE(report->signatures, 11u + 30u + 3 * report->blocks);
        EXPECT_EQ(report->log_root, cluster.store(0).verify()->log_root);
    }
}

TEST(LogStore, ReceiptsComeFromTheStoreByIdAndByKeyAndVerify) {
    const TemporaryDirectory directory;
    StoredCluster cluster(neighbourhood(), directory.path);
    cluster.start_all();
    trade(cluster, 0, 3);
    const Bytes key = settlement::cleared_key(2, NetId{1});
    const auto receipt = cluster.store(3).receipt_for_key(key);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(consensus::verify(*receipt, cluster.chain(), cluster.genesis().validators),
              consensus::ReceiptVerdict::valid);
    EXPECT_EQ(receipt->entry.key, key);
    EXPECT_EQ(cluster.store(3).receipt(consensus::seal(receipt->entry)->id), receipt);
    EXPECT_FALSE(cluster.store(3).receipt_for_key(settlement::cleared_key(99, NetId{1})));
    // A known final entry is answered as such; another one for its key is refused.
    cluster.answers.clear();
    cluster.submit(2, consensus::seal(receipt->entry));
    cluster.submit(
        2, settlement::make_entry(cleared_of(cluster.chain(), 2, 1), cluster.chain(), 999,
                                  start_ms + cluster.now_ms + 1'000, settlement::coordinator(2)));
    ASSERT_EQ(cluster.answers.size(), 2u);
    EXPECT_EQ(cluster.answers[0].status, SubmissionStatus::final);
    EXPECT_EQ(cluster.answers[1].status, SubmissionStatus::refused);
}

TEST(LogStore, AKilledReplicaRestartsFromItsStoreAndCatchesUp) {
    const TemporaryDirectory directory;
    StoredCluster cluster(neighbourhood(), directory.path);
    cluster.start_all();
    trade(cluster, 0, 2);
    const auto before = cluster.store(1).height();
    cluster.stop(1);
    trade(cluster, 2, 4);  // some views are led by the dead one
    EXPECT_GT(cluster.store(0).height(), before);
    cluster.start(1);
    EXPECT_EQ(cluster.replica(1).status().final_height, before);
    cluster.run(20'000);
    EXPECT_EQ(cluster.store(1).height(), cluster.store(0).height());
    trade(cluster, 6, 2);
    const auto report = cluster.store(1).verify();
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->entries, 17u);
    // All at once.
    for (std::size_t i = 0; i < 4; ++i)
        cluster.stop(i);
    cluster.start_all();
    trade(cluster, 8, 1);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(cluster.replica(i).status().entries, 19u) << "replica " << i;
}

TEST(LogStore, RefusesAnotherChainASecondProcessAndAnEmptiedFile) {
    const TemporaryDirectory directory;
    const auto file = directory.path / "log.db";
    {
        Result<LogStore> store = LogStore::open(file, neighbourhood());
        ASSERT_TRUE(store.ok());
        const Result<LogStore> second = LogStore::open(file, neighbourhood());
        ASSERT_FALSE(second.ok());
        EXPECT_NE(second.error().message.find("another process"), std::string::npos);
    }
    settlement::Genesis other = neighbourhood();
    other.extension = {9};
    const Result<LogStore> stranger = LogStore::open(file, other);
    ASSERT_FALSE(stranger.ok());
    EXPECT_NE(stranger.error().message.find("not of"), std::string::npos);
    std::filesystem::resize_file(file, 0);
    EXPECT_FALSE(LogStore::open(file, neighbourhood()).ok());
    EXPECT_FALSE(LogStore::open_read_only(file).ok());
    EXPECT_FALSE(LogStore::open_read_only(directory.path / "none.db").ok());
}

class DamagedStore : public testing::Test {
  protected:
    DamagedStore() {
        StoredCluster cluster(neighbourhood(), directory.path);
        cluster.start_all();
        trade(cluster, 0, 3);
        // Something waits in the journal too: entries submitted while no quorum is there.
        cluster.stop(2);
        cluster.stop(3);
        trade(cluster, 3, 1);
        live = contents(cluster.file(0));
        live_wal = contents(cluster.file(0).string() + "-wal");
        cluster.store(0).checkpoint();
        database = contents(cluster.file(0));
    }

    /// Whether opening and verifying a copy with these contents reports anything.
    bool detected(const Bytes& main, const Bytes& wal) {
        const auto copy = directory.path / "copy.db";
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(copy.string() + suffix);
        write_file(copy, main);
        if (!wal.empty()) write_file(copy.string() + "-wal", wal);
        const Result<LogStore> store = LogStore::open_read_only(copy);
        if (!store) return true;
        return !store->verify().ok();
    }

    TemporaryDirectory directory;
    Bytes database, live, live_wal;
};

TEST_F(DamagedStore, EveryFlippedByteOfTheDatabaseIsNoticed) {
    ASSERT_FALSE(detected(database, {}));
    // The checksums alone, at many places of every page; then the whole path a user takes, at some.
    const auto copy = directory.path / "flip.db";
    Prng prng(1);
    std::size_t flips = 0;
    for (std::size_t page = 0; page < database.size(); page += page_bytes)
        for (int k = 0; k < 24; ++k) {
            const std::size_t at = page + prng.below(page_bytes);
            const auto bit = static_cast<std::uint8_t>(1u << prng.below(8));
            database[at] ^= bit;
            write_file(copy, database);
            EXPECT_FALSE(check_files(copy).ok()) << "byte " << at;
            ++flips;
            if (k == 0) {
                EXPECT_TRUE(detected(database, {})) << "byte " << at;
            }
            database[at] ^= bit;
        }
    RecordProperty("flips", static_cast<int>(flips));
    EXPECT_GT(flips, 200u);
}

TEST_F(DamagedStore, AFlippedByteOfTheWriteAheadLogIsNoticed) {
    ASSERT_GT(live_wal.size(), 32u);
    ASSERT_FALSE(detected(live, live_wal));
    Prng prng(2);
    for (int k = 0; k < 150; ++k) {
        const std::size_t at = k < 32 ? static_cast<std::size_t>(k) : prng.below(live_wal.size());
        live_wal[at] ^= 0x10;
        EXPECT_TRUE(detected(live, live_wal)) << "byte " << at;
        live_wal[at] ^= 0x10;
    }
}

TEST_F(DamagedStore, ATruncatedStoreIsNoticedAndAReplicaDoesNotStartFromIt) {
    for (const std::size_t size : {database.size() - 1, database.size() - page_bytes,
                                   database.size() / 2, std::size_t{100}}) {
        const Bytes cut(database.begin(), database.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_TRUE(detected(cut, {})) << size;
    }
    database[database.size() / 2] ^= 1;
    const auto copy = directory.path / "start.db";
    write_file(copy, database);
    const Result<LogStore> store = LogStore::open(copy, neighbourhood());
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.error().message.find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace kilter::storage
