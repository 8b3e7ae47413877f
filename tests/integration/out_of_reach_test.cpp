// What nobody can keep, asked of real processes: the neighbourhood clears as near to it as it can, and says what was missed,
// where, and at which price.
#include <algorithm>

#include "tests/integration/street.hpp"

namespace kilter::tests::out_of_reach_test {
namespace {

class DemoOutOfReach : public Street {
  protected:
    void clear(const planner::Neighbourhood& neighbourhood, int first_port) {
        ASSERT_NO_FATAL_FAILURE(lay_out(neighbourhood, first_port));
        ASSERT_NO_FATAL_FAILURE(start_all());
        ASSERT_TRUE(eventually([&] {
            return !newest_report().empty() &&
                   std::all_of(
                       installation_.homes.begin(), installation_.homes.end(),
                       [](const auto& home) { return newest_interval(home) >= first_interval; });
        }));
    }

    /// Of the session last cleared; empty: none yet.
    std::filesystem::path newest_report() {
        std::filesystem::path newest;
        for (const auto& coordinator : installation_.coordinators) {
            const auto reports = coordinator / "state" / "reports";
            if (!std::filesystem::exists(reports)) continue;
            for (const auto& file : std::filesystem::directory_iterator(reports))
                if (file.path().extension() == ".json" &&
                    file.path().filename() > newest.filename())
                    newest = file.path();
        }
        return newest;
    }

    json report() { return json::parse(read_file(newest_report())); }

    std::string explanation() { return report()["explanation"]; }

    static std::string explain(const std::filesystem::path& home) {
        const auto said = run_program("kilter-agent", {"explain", "--config", home / "agent.toml"});
        EXPECT_EQ(said.exit_code, 0) << said.err;
        return said.out;
    }
};

TEST_F(DemoOutOfReach, a_battery_that_cannot_be_filled_in_time_is_named_to_its_home) {
    auto neighbourhood = generated_homes(1);
    neighbourhood.homes[0].battery = {
        .power_max_kw = 0.1, .energy_max_kwh = 10, .energy_start_kwh = 0, .energy_end_min_kwh = 10};
    ASSERT_NO_FATAL_FAILURE(clear(neighbourhood, 29'400));
    EXPECT_EQ(report()["outcome"], "converged");
    const std::string told = explain(installation_.homes[0]);
    EXPECT_TRUE(says(told, "The battery must hold 10.000 kWh after 24 h")) << told;
    EXPECT_TRUE(says(told, "priced at 10 EUR/kWh")) << told;
    EXPECT_FALSE(says(explain(installation_.homes[1]), "priced at"));
}

TEST_F(DemoOutOfReach, a_tie_too_small_for_the_load_is_named_to_the_operator) {
    auto neighbourhood = generated_homes(1);
    neighbourhood.network.tie.import_max_kw = 0.1;
    ASSERT_NO_FATAL_FAILURE(clear(neighbourhood, 29'450));
    EXPECT_EQ(report()["outcome"], "converged");
    EXPECT_TRUE(says(explanation(), "import")) << explanation();
}

TEST_F(DemoOutOfReach, a_voltage_band_nobody_can_keep_is_named_to_the_operator) {
    auto neighbourhood = generated_homes(1);
    for (model::Bus& bus : neighbourhood.network.buses)
        bus.v_min_pu = 0.99999;
    ASSERT_NO_FATAL_FAILURE(clear(neighbourhood, 29'500));
    EXPECT_EQ(report()["outcome"], "converged");
    EXPECT_TRUE(says(explanation(), "bus b1")) << explanation();
    EXPECT_TRUE(says(explanation(), "below 0.99999 pu")) << explanation();
}

}  // namespace
}  // namespace kilter::tests::out_of_reach_test
