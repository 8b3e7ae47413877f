// Where entries stand: in memory, in runs, and after a restart.
#include "common/storage/entry_index.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

using consensus::BlockPtr;
using consensus::Height;

constexpr std::size_t per_block = 500;

BlockPtr block_at(Height height) {
    auto block = std::make_shared<consensus::Block>();
    block->header.height = height;
    for (std::size_t i = 0; i < per_block; ++i) {
        consensus::Entry entry;
        entry.type = 1;
        entry.seq = height * per_block + i;
        block->entries.push_back(consensus::seal(entry));
    }
    return block;
}

struct Index : testing::Test {
    Index() {
        crypto::initialise();
        for (Height h = 1; h <= 80; ++h)
            blocks[h] = block_at(h);
        open();
    }

    void open() {
        index.reset();
        database.reset();
        auto opened = Database::open(
            directory.path / "x.db",
            {1, "an index", "chain",
             std::string("CREATE TABLE IF NOT EXISTS chain (height INTEGER PRIMARY KEY);") +
                 EntryIndex::schema});
        KILTER_CHECK(opened.ok(), "database");
        database = *std::move(opened);
        index.emplace(*database);
        read = 0;
        EXPECT_TRUE(catch_up(*index).ok());
    }

    Result<void> catch_up(EntryIndex& one) {
        return one.catch_up([&](Height height) -> Result<BlockPtr> {
            ++read;
            return blocks.at(height);
        });
    }

    void add(Height from, Height to) {
        for (Height h = from; h <= to; ++h) {
            database->begin();
            database->prepare("INSERT INTO chain VALUES (?)")
                .bind(static_cast<std::int64_t>(h))
                .run();
            index->add(*blocks[h]);
            database->commit();
        }
    }

    static bool holds(EntryIndex& one, const consensus::Block& block) {
        for (std::size_t i = 0; i < per_block; ++i) {
            const auto place = one.find(block.entries[i]->id);
            if (!place.ok() || !*place || (*place)->height != block.header.height ||
                (*place)->position != i)
                return false;
        }
        return true;
    }

    TemporaryDirectory directory;
    std::map<Height, BlockPtr> blocks;
    std::unique_ptr<Database> database;
    std::optional<EntryIndex> index;
    std::size_t read = 0;
};

TEST_F(Index, FindsEveryEntryInMemoryAndInRuns) {
    add(1, 79);  // two runs of 33 blocks, and 13 blocks in memory
    for (Height h = 1; h <= 79; ++h)
        EXPECT_TRUE(holds(*index, *blocks[h])) << h;
    const auto unknown = index->find(blocks[80]->entries[0]->id);
    ASSERT_TRUE(unknown.ok());
    EXPECT_FALSE(unknown->has_value());
}

TEST_F(Index, ARestartReadsOnlyWhatIsInNoRun) {
    add(1, 79);
    open();
    EXPECT_EQ(read, 13u);
    for (const Height h : {1, 33, 34, 66, 67, 79})
        EXPECT_TRUE(holds(*index, *blocks[h])) << h;
}

TEST_F(Index, AReaderSeesWhatTheWriterDoesMeanwhile) {
    add(1, 10);
    EntryIndex reader(*database);
    ASSERT_TRUE(catch_up(reader).ok());
    EXPECT_TRUE(holds(reader, *blocks[10]));
    add(11, 70);
    ASSERT_TRUE(catch_up(reader).ok());
    for (const Height h : {1, 40, 66, 70})
        EXPECT_TRUE(holds(reader, *blocks[h])) << h;
}

TEST_F(Index, ForgetsWholeRuns) {
    add(1, 70);
    database->begin();
    index->forget_through(40);
    database->commit();
    EXPECT_FALSE(holds(*index, *blocks[1]));
    EXPECT_TRUE(holds(*index, *blocks[34])) << "its run goes on above";
    EXPECT_TRUE(holds(*index, *blocks[70]));
}

}  // namespace
}  // namespace kilter::storage
