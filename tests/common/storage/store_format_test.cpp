/// Stores of the format before, files of another kind, and what is kept of them.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "common/storage/database.hpp"
#include "common/storage/key_value.hpp"
#include "common/storage/page_checksum.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace store_format_test {

namespace fs = std::filesystem;

std::int64_t number_in(const fs::path& file, const char* pragma) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY, checksum_vfs());
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(handle, pragma, -1, &statement, nullptr);
    const std::int64_t found =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return found;
}

void change(const fs::path& file, const char* sql) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE, checksum_vfs());
    EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
}

/// As version 0.1.0 left it: all that differs is that nothing in the header names the kind.
void make_format_1(const fs::path& file) {
    change(file, "PRAGMA application_id=0; PRAGMA user_version=1; PRAGMA wal_checkpoint(TRUNCATE)");
}

struct StoreFormat : testing::Test {
    TemporaryDirectory directory;
    fs::path file = directory.path / "agent.db";
    fs::path copy = directory.path / "agent.db.format-1";
    Bytes schedule = Bytes(20'000, 7);

    void make_memory() const {
        Result<KeyValue> store = KeyValue::open(file);
        ASSERT_TRUE(store.ok()) << store.error().message;
        store->put({{"schedule", schedule}, {"joined", Bytes{1, 2, 3}}});
    }
};

TEST_F(StoreFormat, AnOlderMemoryIsBroughtUpToDateAfterACopyOfItWasKept) {
    make_memory();
    EXPECT_FALSE(fs::exists(copy)) << "a new store has nothing to keep";
    make_format_1(file);
    {
        const Result<KeyValue> reader = KeyValue::open_read_only(file);
        ASSERT_TRUE(reader.ok()) << "who only reads may read what is older";
        EXPECT_EQ(**reader->get("schedule"), schedule);
    }
    EXPECT_EQ(number_in(file, "PRAGMA user_version"), 1) << "and leaves it as it is";
    {
        const Result<KeyValue> store = KeyValue::open(file);
        ASSERT_TRUE(store.ok()) << store.error().message;
        EXPECT_EQ(**store->get("schedule"), schedule);
        EXPECT_EQ(**store->get("joined"), (Bytes{1, 2, 3}));
    }
    EXPECT_EQ(number_in(file, "PRAGMA user_version"), store_format);
    EXPECT_EQ(number_in(file, "PRAGMA application_id"), 0x6b6c'6b76);
    ASSERT_TRUE(fs::exists(copy));
    EXPECT_EQ(fs::status(copy).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(number_in(copy, "PRAGMA user_version"), 1) << "what an older version can read";
    ASSERT_TRUE(check_files(copy).ok()) << check_files(copy).error().message;
    const Result<KeyValue> kept = KeyValue::open_read_only(copy);
    ASSERT_TRUE(kept.ok()) << kept.error().message;
    EXPECT_EQ(**kept->get("schedule"), schedule);
    fs::remove(copy);
    ASSERT_TRUE(KeyValue::open(file).ok());
    EXPECT_FALSE(fs::exists(copy)) << "once is enough";
}

TEST_F(StoreFormat, WithoutACopyNothingIsChanged) {
    make_memory();
    make_format_1(file);
    fs::create_directories(copy.string() + ".new/in-the-way");
    const Result<KeyValue> store = KeyValue::open(file);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.error().message.find("unchanged"), std::string::npos) << store.error().message;
    EXPECT_EQ(number_in(file, "PRAGMA user_version"), 1);
    fs::remove_all(copy.string() + ".new");
    EXPECT_TRUE(KeyValue::open(file).ok());
}

TEST_F(StoreFormat, WhatAKilledAttemptLeftIsWrittenAnew) {
    make_memory();
    make_format_1(file);
    std::ofstream(copy.string() + ".new") << "half of a copy";
    std::ofstream(copy) << "of an attempt that was killed before the store was changed";
    ASSERT_TRUE(KeyValue::open(file).ok());
    EXPECT_EQ(**KeyValue::open_read_only(copy)->get("schedule"), schedule);
}

template <class Store>
void expect_displaced(const Result<Store>& opened) {
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().message.find("another store was put in its place"), std::string::npos)
        << opened.error().message;
}

TEST_F(StoreFormat, AnotherStoreInItsPlaceIsRefusedAndNotWrittenTo) {
    make_memory();
    const settlement::Genesis genesis = settlement::neighbourhood();
    const fs::path log = directory.path / "log.db";
    ASSERT_TRUE(LogStore::open(log, genesis).ok());
    for (const bool older : {false, true}) {
        if (older)
            for (const auto& each : {file, log})
                make_format_1(each);
        expect_displaced(KeyValue::open(log));
        expect_displaced(KeyValue::open_read_only(log));
        expect_displaced(LogStore::open(file, genesis));
        expect_displaced(LogStore::open_read_only(file));
        EXPECT_EQ(number_in(log, "SELECT count(*) FROM sqlite_master WHERE name='pair'"), 0);
        EXPECT_EQ(number_in(file, "SELECT count(*) FROM sqlite_master WHERE name='chain'"), 0);
    }
}

TEST_F(StoreFormat, AnOlderLogIsBroughtUpToDateWithEverythingInIt) {
    StoredCluster cluster(settlement::neighbourhood(), directory.path);
    cluster.start_all();
    cluster.submit(
        0, settlement::make_entry(settlement::first_change(), cluster.chain(), 1,
                                  settlement::start_ms + 3'600'000, settlement::grid_operator()));
    cluster.run(3'000);
    const auto before = cluster.store(1).verify();
    ASSERT_TRUE(before.ok()) << before.error().message;
    ASSERT_EQ(before->entries, 1u);
    const fs::path log = cluster.file(1);
    cluster.stop(1);
    make_format_1(log);
    const Result<LogStore> store = LogStore::open(log, cluster.genesis());
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto after = store->verify();
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_EQ(after->log_root, before->log_root);
    EXPECT_EQ(number_in(log, "PRAGMA application_id"), 0x6b6c'6c67);
    const Result<LogStore> kept = LogStore::open_read_only(log.string() + ".format-1");
    ASSERT_TRUE(kept.ok()) << kept.error().message;
    EXPECT_EQ(kept->verify()->log_root, before->log_root);
}

TEST_F(StoreFormat, ANewerStoreIsLeftAlone) {
    make_memory();
    change(file, "PRAGMA user_version=7");
    for (const auto& opened : {KeyValue::open(file), KeyValue::open_read_only(file)}) {
        ASSERT_FALSE(opened.ok());
        EXPECT_NE(opened.error().message.find("newer version (format 7"), std::string::npos)
            << opened.error().message;
        EXPECT_NE(opened.error().message.find("backup"), std::string::npos);
    }
    EXPECT_EQ(number_in(file, "PRAGMA user_version"), 7);
}

}  // namespace store_format_test
}  // namespace kilter::storage
