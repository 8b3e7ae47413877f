#include "coordinator/cli/ksuite_report.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kilter::cli {
namespace {

KsuiteRun run_of(std::size_t nets, double seconds, std::uint32_t iterations) {
    KsuiteRun run;
    run.recipe.nets = nets;
    run.end.iteration = iterations;
    run.solve = {seconds, 2 * seconds};
    return run;
}

TEST(KsuiteGrowth, is_the_exponent_of_time_over_size) {
    EXPECT_FALSE(growth_of({}).has_value());
    EXPECT_FALSE(growth_of({run_of(300, 1, 50), run_of(300, 2, 50)}).has_value());
    const auto growth = growth_of({run_of(100, 1, 10), run_of(1000, std::pow(10, 1.2), 20),
                                   run_of(10'000, std::pow(10, 2.4), 40)});
    ASSERT_TRUE(growth.has_value());
    EXPECT_NEAR(growth->wall, 1.2, 1e-9);
    EXPECT_NEAR(growth->cpu, 1.2, 1e-9);
    EXPECT_NEAR(growth->cpu_per_iteration, 1.2 - std::log10(2), 1e-9);
}

TEST(KsuiteReport, counts_messages_of_all_iterations) {
    ksuite::NoHelp workers;
    std::string problem;
    const auto run =
        run_ksuite({40, 1, ksuite::LineRule::lossy}, KsuitePreset::standard, workers, &problem);
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_TRUE(run->converged);
    EXPECT_EQ(run->traffic.messages, 2 * run->size.terminals * run->end.iteration);
    EXPECT_GE(run->traffic.bytes, run->traffic.messages * ksuite::intervals * 8);
    ASSERT_TRUE(run->reference.has_value());
    EXPECT_NEAR(run->end.objective / run->reference->objective, 1, 1e-3);

    const auto json = nlohmann::json::parse(
        to_json({KsuitePreset::paper, ksuite::LineRule::low_loss, 2, {*run}}));
    EXPECT_EQ(json.at("preset"), "paper");
    EXPECT_EQ(json.at("lines"), "low-loss");
    EXPECT_EQ(json.at("runs").at(0).at("iterations"), run->end.iteration);
    EXPECT_TRUE(json.at("growth_exponent").is_null());
    EXPECT_EQ(nlohmann::json::parse(problem).at("price").size(), 40U);
}

}  // namespace
}  // namespace kilter::cli
