#include <gtest/gtest.h>

#include "coordinator/planner/suite_run.hpp"

namespace kilter::planner {
namespace {

constexpr std::int64_t first = 1'978'148;

market::Parameters accelerated() {
    market::Parameters out;
    out.method = market::Method::accelerated;
    return out;
}

TEST(Suite, HasTwentyCasesOfTheSizesItClaimsAndDrawsThemAgain) {
    const auto cases = suite_cases();
    EXPECT_GE(cases.size(), 20u);
    EXPECT_EQ(cases.front().buses, 33u);
    EXPECT_EQ(cases.back().buses, 1000u);
    for (const SuiteCase& of : cases) {
        const SuiteInstance instance = draw(of);
        EXPECT_GE(instance.depth, 10u) << of.buses << ", seed " << of.seed;
        EXPECT_LE(instance.depth, 200u) << of.buses << ", seed " << of.seed;
        EXPECT_GT(instance.rated, 0u);
        EXPECT_TRUE(instance.network.validate().ok());
    }
    const SuiteInstance one = draw(cases[3]), again = draw(cases[3]);
    EXPECT_EQ(one.network.branches[5].r_ohm, again.network.branches[5].r_ohm);
    EXPECT_EQ(one.homes[7].spec.load_kw, again.homes[7].spec.load_kw);
}

TEST(Suite, HomesAreValidAtAnyTimeOfTheDay) {
    const SuiteInstance instance = draw({12, 0.5, 8, 3});
    for (std::int64_t at = first; at < first + 96; at += 7)
        for (const SuiteHome& home : instance.homes)
            EXPECT_TRUE(home.horizon(at, 96).validate().ok()) << home.spec.name << " at " << at;
}

TEST(Suite, AcceleratedAndPlainSessionsAgreeAndLimitsBind) {
    const SuiteInstance instance = draw({12, 0.5, 8, 1});
    SuiteRun fast(instance, accelerated()), plain(instance, {});
    const SuiteSession one = fast.clear(first), other = plain.clear(first);
    fast.audit();
    plain.audit();
    ASSERT_EQ(one.outcome, market::Outcome::converged);
    ASSERT_EQ(other.outcome, market::Outcome::converged);
    EXPECT_GT(fast.binding().all(), 0u);
    EXPECT_NEAR(fast.objective_eur(), plain.objective_eur(), 1e-3 * plain.objective_eur());
}

TEST(Suite, AcceleratedSessionsStayShort) {
    SuiteRun run(draw({12, 0.5, 8, 1}), accelerated());
    const std::uint32_t most[] = {14, 6, 6};  // cold, then warm; as measured
    for (std::int64_t session = 0; session < 3; ++session) {
        const SuiteSession one = run.clear(first + session);
        EXPECT_EQ(one.outcome, market::Outcome::converged);
        EXPECT_LE(one.iterations, most[session]) << "session " << session;
    }
}

TEST(Suite, ThreadsChangeNoBit) {
    const SuiteInstance instance = draw({8, 0.5, 8, 2});
    // what threads may do: any order
    const ForEach backwards = [](std::size_t count, const std::function<void(std::size_t)>& work) {
        while (count-- > 0)
            work(count);
    };
    SuiteRun straight(instance, accelerated()), shuffled(instance, accelerated(), backwards);
    const SuiteSession one = straight.clear(first), other = shuffled.clear(first);
    EXPECT_EQ(one.iterations, other.iterations);
    EXPECT_TRUE(one.price_eur_per_kwh == other.price_eur_per_kwh);
    EXPECT_TRUE(one.home_kw == other.home_kw);
}

}  // namespace
}  // namespace kilter::planner
