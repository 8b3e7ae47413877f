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

}  // namespace
}  // namespace kilter::storage
