#include "coordinator/core/elimination.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <gtest/gtest.h>

namespace kilter::coordinator::elimination_test {
namespace {

constexpr NetId net{3};

crypto::PublicKey home(std::uint8_t number) {
    crypto::PublicKey out;
    out.bytes[0] = number;
    return out;
}

using Homes = std::set<std::uint8_t>;

/// A net whose sessions fail when these homes are in it.
struct Street {
    Homes homes;
    std::function<bool(const Homes&)> fails;
    std::size_t homes_min = 2;
    Homes caught = {};  // whenever they are in it
    Elimination elimination = {};
    IntervalIndex interval = 100;

    /// One session; who was in it if it cleared.
    std::optional<Homes> session(std::optional<Ending> ending = std::nullopt) {
        Homes seated = homes;
        for (const auto& absence : elimination.absent(net))
            if (seated.size() > homes_min) seated.erase(absence.home.bytes[0]);
        for (const std::uint8_t liar : caught)
            if (seated.contains(liar)) elimination.on_caught(net, home(liar));
        std::vector<crypto::PublicKey> keys;
        for (const std::uint8_t number : seated)
            keys.push_back(home(number));
        const Ending its = ending.value_or(fails(seated) ? Ending::failed : Ending::cleared);
        elimination.on_session(net, interval, keys, homes_min, its);
        return its == Ending::cleared ? std::optional(seated) : std::nullopt;
    }

    /// Of so many sessions, those that cleared.
    std::vector<Homes> sessions(int count) {
        std::vector<Homes> out;
        for (int i = 0; i < count; ++i)
            if (const auto seated = session()) out.push_back(*seated);
        return out;
    }
};

TEST(Elimination, OneThatLiesIsFoundAfterAsManySessionsAsThereAreHomes) {
    for (std::uint8_t liar = 1; liar <= 4; ++liar) {
        Street street{{1, 2, 3, 4}, [&](const Homes& in) { return in.contains(liar); }};
        int failed = 0;
        while (!street.session())
            ASSERT_LE(++failed, 4);
        EXPECT_EQ(failed, liar);
        const auto absence = street.elimination.absent(net);
        ASSERT_EQ(absence.size(), 1U);
        EXPECT_EQ(absence[0].home, home(liar));
        EXPECT_EQ(absence[0].sessions, Elimination::rest_min);
    }
}

TEST(Elimination, ItIsTriedAgainLaterAndLater) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(2); }};
    constexpr int count = 400;
    const auto cleared = street.sessions(count);
    // Once for each of the others, and then when it is tried again, after 2, 4, … and 64 sessions.
    EXPECT_GE(cleared.size(), static_cast<std::size_t>(count - 4 - 11));
    for (const Homes& in : cleared)
        EXPECT_EQ(in, (Homes{1, 3, 4})) << "nobody else is kept out of one that clears";
}

TEST(Elimination, WhoBehavesAgainIsBackAndForgottenAfterAWhile) {
    bool lies = true;
    Street street{{1, 2, 3}, [&](const Homes& in) { return lies && in.contains(1); }};
    street.sessions(10);
    lies = false;
    const auto later = street.sessions(30);
    EXPECT_EQ(later.size(), 30U);
    EXPECT_EQ(later.back(), (Homes{1, 2, 3}));
    // Nothing is held against it: found anew, it stays out as long as the first time.
    lies = true;
    EXPECT_FALSE(street.session());
    EXPECT_TRUE(street.session());
    EXPECT_EQ(street.elimination.absent(net).at(0).sessions, Elimination::rest_min);
}

// One of the two says something else to the other: which, nobody can tell.
TEST(Elimination, OfTwoThatDoNotGetOnNeitherIsKeptOutMoreThanTheOther) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(2) && in.contains(4); }};
    int without_2 = 0;
    int without_4 = 0;
    for (const Homes& in : street.sessions(1'000)) {
        without_2 += in.contains(2) ? 0 : 1;
        without_4 += in.contains(4) ? 0 : 1;
        EXPECT_TRUE(in.contains(1) && in.contains(3));
    }
    EXPECT_GE(without_2 + without_4, 960);
    EXPECT_LT(std::abs(without_2 - without_4), 130) << "one rest, at most two";
}

TEST(Elimination, ANetThatWouldBeTooSmallIsLeftAlone) {
    Street street{{1, 2}, [](const Homes& in) { return in.contains(1); }};
    EXPECT_TRUE(street.sessions(20).empty());
    EXPECT_TRUE(street.elimination.absent(net).empty());
}

TEST(Elimination, TwoThatLieAreFoundOnceEachHomeAndEachPairHasBeenTried) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(2) || in.contains(3); }};
    int failed = 0;
    while (!street.session())
        ASSERT_LE(++failed, 1 + 4 + 6);
    constexpr int count = 400;
    const auto cleared = street.sessions(count);
    EXPECT_GE(cleared.size(), static_cast<std::size_t>(count * 85 / 100));
    for (const Homes& in : cleared)
        EXPECT_EQ(in, (Homes{1, 4}));
}

TEST(Elimination, OfTwoThatLieTheOneThatStopsIsBack) {
    bool both = true;
    Street street{{1, 2, 3, 4},
                  [&](const Homes& in) { return in.contains(2) || (both && in.contains(3)); }};
    while (!street.session()) {
    }
    both = false;
    int failed = 0;
    for (auto in = street.session(); in != Homes{1, 3, 4}; in = street.session())
        ASSERT_LE(failed += in ? 0 : 1, 3);
    for (const Homes& in : street.sessions(100))
        EXPECT_EQ(in, (Homes{1, 3, 4}));
}

TEST(Elimination, WhereOneOfAPairIsAwayTheOtherIsNotKeptOutForEver) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(2) || in.contains(3); }};
    while (!street.session()) {
    }
    street.homes = {1, 2, 3};
    street.fails = [](const Homes&) { return false; };
    street.sessions(static_cast<int>(Elimination::rest_max));
    EXPECT_EQ(street.session(), (Homes{1, 2, 3}));
}

TEST(Elimination, WhereItHelpsNothingAllAreInItAgain) {
    Street street{{1, 2, 3}, [](const Homes& in) { return in.contains(1) || in.contains(2); }};
    int with_all = 0;
    for (int i = 0; i < 200; ++i) {
        with_all += street.elimination.absent(net).empty() ? 1 : 0;
        street.session();
    }
    EXPECT_GT(with_all, 150);
}

TEST(Elimination, WhatTheNetworkMayHaveDoneCountsInARowOnly) {
    Street street{{1, 2, 3}, [](const Homes&) { return false; }};
    for (int i = 0; i < 10; ++i) {
        for (int twice = 0; twice < 2; ++twice, ++street.interval)
            for (int opened_again = 0; opened_again < 5; ++opened_again)
                street.session(Ending::unclear);
        EXPECT_TRUE(street.elimination.absent(net).empty());
        street.session();
    }
    for (std::uint32_t i = 0; i < Elimination::unclear_max; ++i, ++street.interval)
        street.session(Ending::unclear);
    EXPECT_FALSE(street.elimination.absent(net).empty());
}

TEST(Elimination, WhoIsCaughtIsOutOfTheNextSessionAndNobodyIsTriedForIt) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(3); }};
    street.caught = {3};
    EXPECT_FALSE(street.session());
    ASSERT_EQ(street.elimination.absent(net).size(), 1U);
    EXPECT_TRUE(street.elimination.absent(net)[0].caught);
    constexpr int count = 400;
    const auto cleared = street.sessions(count);
    EXPECT_GE(cleared.size(), static_cast<std::size_t>(count - 11))
        << "after 2, 4, … and 64 sessions";
    for (const Homes& in : cleared)
        EXPECT_EQ(in, (Homes{1, 2, 4}));
}

TEST(Elimination, WhoIsCaughtIsKeptOutBeforeOneThatIsOnTrial) {
    Street street{{1, 2, 3}, [](const Homes& in) { return in.contains(3); }};
    EXPECT_FALSE(street.session());
    ASSERT_EQ(street.elimination.absent(net).at(0).home, home(1)) << "on trial";
    street.caught = {3};
    EXPECT_FALSE(street.session());
    EXPECT_EQ(street.session(), (Homes{1, 2})) << "there is room for one";
}

TEST(Elimination, TwoThatAreCaughtAreBothOut) {
    Street street{{1, 2, 3, 4}, [](const Homes& in) { return in.contains(2) || in.contains(3); }};
    street.caught = {2, 3};
    EXPECT_FALSE(street.session());
    EXPECT_EQ(street.session(), (Homes{1, 4}));
}

TEST(Elimination, WhoWasCaughtAndBehavesIsForgotten) {
    Street street{{1, 2, 3}, [](const Homes&) { return false; }};
    street.caught = {1};
    street.session();
    street.caught = {};
    street.sessions(20);
    EXPECT_EQ(street.session(), (Homes{1, 2, 3}));
    street.caught = {1};
    street.session();
    EXPECT_EQ(street.elimination.absent(net).at(0).sessions, Elimination::rest_min);
}

// Of a home that was to be left out, but the net had too few without it, nothing is learned.
TEST(Elimination, ASessionThatHadToBeWithItSaysNothing) {
    Street street{{1, 2, 3}, [](const Homes& in) { return in.contains(1); }};
    street.session();
    ASSERT_EQ(street.elimination.absent(net).at(0).home, home(1));
    street.homes = {1, 2};
    street.sessions(5);
    ASSERT_EQ(street.elimination.absent(net).at(0).home, home(1));
    street.homes = {1, 2, 3};
    EXPECT_EQ(street.session(), (Homes{2, 3}));
}

}  // namespace
}  // namespace kilter::coordinator::elimination_test
