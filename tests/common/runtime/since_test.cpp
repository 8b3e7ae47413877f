#include "common/runtime/since.hpp"

#include <gtest/gtest.h>

namespace kilter::runtime::since_test {
namespace {

TEST(Since, numbers_do_not_begin_anything_new) {
    Since since;
    EXPECT_EQ(since.update("iteration 1, waiting for 3 members", 100), 100);
    EXPECT_EQ(since.update("iteration 99, waiting for 1 members", 200), 100);
    EXPECT_EQ(since.update("waiting for the record", 300), 300);
    EXPECT_EQ(since.update("iteration 1, waiting for 3 members", 400), 400);
}

}  // namespace
}  // namespace kilter::runtime::since_test
