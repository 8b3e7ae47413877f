#include "coordinator/cli/worker_pool.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "coordinator/ksuite/generate.hpp"
#include "coordinator/ksuite/solver.hpp"

namespace kilter::cli {
namespace {

TEST(WorkerPool, does_every_block_once) {
    for (const unsigned threads : {1U, 2U, 3U}) {
        WorkerPool pool(threads);
        for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
            std::vector<int> done(count, 0);
            auto work = [&](std::size_t i) { ++done[i]; };
            for (int call = 0; call < 50; ++call)
                pool.for_each(count, work);
            for (const int times : done)
                ASSERT_EQ(times, 50);
        }
    }
}

TEST(WorkerPool, threads_change_no_bit_of_a_result) {
    WorkerPool one(1), two(2);
    const auto instance = ksuite::generate({1500, 3, ksuite::LineRule::lossy}, one);
    const auto same = ksuite::generate({1500, 3, ksuite::LineRule::lossy}, two);
    ASSERT_TRUE(instance.ok() && same.ok());
    EXPECT_EQ(instance->lines.capacity, same->lines.capacity);
    ksuite::Solver a(*instance, ksuite::Settings::standard(), one);
    ksuite::Solver b(*same, ksuite::Settings::standard(), two);
    const ksuite::Iterate at_a = a.solve(), at_b = b.solve();
    EXPECT_EQ(at_a.iteration, at_b.iteration);
    EXPECT_EQ(at_a.primal, at_b.primal);
    EXPECT_EQ(at_a.dual, at_b.dual);
    EXPECT_EQ(at_a.objective, at_b.objective);
    for (std::size_t net = 0; net < 1500; ++net)
        for (std::size_t t = 0; t < ksuite::intervals; ++t)
            ASSERT_EQ(a.price(net, t), b.price(net, t));
}

}  // namespace
}  // namespace kilter::cli
