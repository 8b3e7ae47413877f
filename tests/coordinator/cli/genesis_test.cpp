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
    constexpr std::size_t balance_at = 53;  // bytes of encode() before it
    ASSERT_EQ(market::Parameters{}.encode()[balance_at],
              static_cast<std::uint8_t>(market::Balance::stalled));
    EXPECT_EQ(first.encode()[balance_at], 1) << "0.1.0 knows 0 and 1";
}

}  // namespace
}  // namespace kilter::cli::genesis_test
