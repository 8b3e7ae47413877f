#include "coordinator/cli/genesis.hpp"

#include <gtest/gtest.h>

namespace kilter::cli::genesis_test {
namespace {

TEST(FirstParameters, AreTheDefaultOnesWhereNobodyIsOlder) {
    EXPECT_TRUE(first_parameters(settlement::newest_ledger()) == market::Parameters{});
}

TEST(FirstParameters, HaveNothingThatAnOlderProgramDoesNotRead) {
    const market::Parameters first = first_parameters(settlement::newest_ledger() - 1);
    EXPECT_EQ(first.balance_rho, market::Balance::gross);
    EXPECT_EQ(first.method, market::Method::proximal);
    constexpr std::size_t balance_at = 53;  // bytes of encode() before it
    ASSERT_EQ(market::Parameters{}.encode()[balance_at],
              static_cast<std::uint8_t>(market::Balance::stalled));
    EXPECT_EQ(first.encode()[balance_at], 1) << "0.1.0 knows 0 and 1";
}

TEST(KnownWith, RefusesWhatAnOlderProgramDoesNotReadAndSaysWhatComesFirst) {
    const std::uint32_t newest = settlement::newest_ledger();
    const market::Parameters now;
    EXPECT_TRUE(known_with(newest, now).ok());
    EXPECT_TRUE(known_with(newest - 1, first_parameters(newest - 1)).ok());
    EXPECT_TRUE(known_with(newest - 1, market::Parameters::paper()).ok());
    market::Parameters priced = first_parameters(newest - 1);
    priced.method = market::Method::priced;
    const Result<void> unread = known_with(newest - 1, priced);
    ASSERT_FALSE(unread.ok());
    EXPECT_NE(unread.error().message.find("method = priced is"), std::string::npos)
        << unread.error().message;
    const Result<void> refused = known_with(newest - 1, now);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("--rule ledger=3"), std::string::npos)
        << refused.error().message;
}

}  // namespace
}  // namespace kilter::cli::genesis_test
