#include "coordinator/core/naming.hpp"

#include <set>

#include <gtest/gtest.h>

namespace kilter::coordinator::naming_test {
namespace {

TEST(Naming, openings_of_one_second_differ_and_keep_their_coordinators_residue) {
    std::set<market::SessionId> names;
    for (consensus::ReplicaIndex own = 0; own < 4; ++own) {
        Naming naming(own, 4, 1'000);
        for (int i = 0; i < 5; ++i) {
            const market::SessionId name = naming.next(7, 61'500);
            EXPECT_EQ(name.interval, 7);
            EXPECT_EQ(name.opening % 4, own);
            names.insert(name);
        }
    }
    EXPECT_EQ(names.size(), 20U);
}

TEST(Naming, a_restart_a_second_later_goes_on_upwards) {
    const auto before = Naming(2, 4, 0).next(7, 60'000);
    const auto after = Naming(2, 4, 0).next(7, 61'000);
    EXPECT_LT(before, after);
}

TEST(Naming, a_restart_with_a_clock_that_went_back_repeats_no_name) {
    Naming before(2, 4, 0);
    const auto last = before.next(7, 60'000);
    const auto after = Naming(2, 4, 0, before.newest()).next(6, 1'000);
    EXPECT_GT(after.opening, last.opening);
    EXPECT_EQ(after.opening % 4, 2U);
}

TEST(Naming, numbers_go_on_upwards_when_the_validators_become_fewer_or_more) {
    Naming naming(5, 7, 0);
    std::uint32_t newest = naming.next(7, 3'600'000).opening;
    for (const std::uint32_t validators : {4U, 13U, 5U}) {
        naming.follow(1, validators);
        for (int i = 0; i < 3; ++i) {
            const std::uint32_t next = naming.next(8, 3'601'000 + 1'000 * i).opening;
            EXPECT_GT(next, newest) << validators;
            EXPECT_EQ(next % validators, 1U);
            newest = next;
        }
    }
}

TEST(Naming, a_clock_before_the_log_began_counts_as_its_beginning) {
    EXPECT_EQ(Naming(3, 4, 1'000'000).next(7, 0).opening, 3U);
}

}  // namespace
}  // namespace kilter::coordinator::naming_test
