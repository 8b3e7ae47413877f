#include "common/storage/key_value.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

TEST(KeyValue, KeepsWhatWasPutAcrossReopening) {
    const TemporaryDirectory directory;
    const auto file = directory.path / "agent.db";
    {
        Result<KeyValue> store = KeyValue::open(file);
        ASSERT_TRUE(store.ok()) << store.error().message;
        store->put({{"a/1", Bytes{1}}, {"a/2", Bytes{}}, {"b", Bytes{3, 0, 3}}});
        store->put({{"a/1", Bytes{9, 9}}, {"b", std::nullopt}});
    }
    Result<KeyValue> store = KeyValue::open(file);
    ASSERT_TRUE(store.ok());
    EXPECT_EQ(**store->get("a/1"), (Bytes{9, 9}));
    EXPECT_EQ(**store->get("a/2"), Bytes{});
    EXPECT_FALSE((*store->get("b")).has_value());
    EXPECT_EQ(*store->keys("a/"), (std::vector<std::string>{"a/1", "a/2"}));
    EXPECT_FALSE(KeyValue::open(file).ok()) << "two processes must not share it";
}

TEST(KeyValue, AFlippedByteIsAnError) {
    const TemporaryDirectory directory;
    const auto file = directory.path / "agent.db";
    {
        Result<KeyValue> store = KeyValue::open(file);
        ASSERT_TRUE(store.ok());
        store->put({{"schedule", Bytes(100, 7)}});
    }
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-500, std::ios::end);
    bytes.put('\x55');
    bytes.close();
    const Result<KeyValue> store = KeyValue::open(file);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.error().message.find("damaged"), std::string::npos);
}

// Whatever a card makes of a byte: the store is not opened, or what it held is still there.
TEST(KeyValue, AnyFlippedByteIsAnErrorOrHarmless) {
    const TemporaryDirectory directory;
    const auto file = directory.path / "agent.db";
    const Bytes value(9'000, 7);
    {
        Result<KeyValue> store = KeyValue::open(file);
        ASSERT_TRUE(store.ok());
        for (const char* key : {"a", "b", "c"})
            store->put({{key, value}});
    }
    std::vector<char> whole(std::filesystem::file_size(file));
    std::ifstream(file, std::ios::binary)
        .read(whole.data(), static_cast<std::streamsize>(whole.size()));
    constexpr std::size_t header = 100;  // SQLite's; of the rest a sample
    std::size_t refused = 0;
    std::size_t flipped = 0;
    for (std::size_t at = 0; at < whole.size(); at += at < header ? 1 : 131, ++flipped) {
        std::vector<char> other = whole;
        other[at] = static_cast<char>(other[at] ^ 0x10);
        std::ofstream(file, std::ios::binary | std::ios::trunc)
            .write(other.data(), static_cast<std::streamsize>(other.size()));
        const Result<KeyValue> store = KeyValue::open(file);
        if (!store) {
            ++refused;
            EXPECT_NE(store.error().message.find("agent.db"), std::string::npos);
            continue;
        }
        for (const char* key : {"a", "b", "c"})
            EXPECT_EQ(**store->get(key), value) << "byte " << at;
    }
    EXPECT_GT(flipped, 300U);
    EXPECT_EQ(refused, flipped);
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += 1'000) {
        std::ofstream(file, std::ios::binary | std::ios::trunc)
            .write(whole.data(), static_cast<std::streamsize>(bytes));
        EXPECT_FALSE(KeyValue::open(file).ok()) << bytes;
    }
}

}  // namespace
}  // namespace kilter::storage
