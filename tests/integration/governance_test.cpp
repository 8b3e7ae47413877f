// A neighbourhood of real processes that changes its own rules while it trades: proposed, approved, in force at its height on
// every replica and in every home; stopped, and resumed.

#include "tests/integration/street.hpp"

namespace kilter::tests::governance_test {
namespace {

using nlohmann::json;

class DemoGovernance : public Street {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(lay_out(generated_homes(1), 28'000));
        ASSERT_NO_FATAL_FAILURE(start_all());
    }

    // `kilter rules ...` as the holder of an office.
    [[nodiscard]] ProgramRun rules(const std::string& office,
                                   std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "rules");
        return desk(office, std::move(arguments));
    }

    // Whether all of these processes say so of the rules they follow.
    bool all_say(const std::vector<std::filesystem::path>& directories,
                 const std::function<bool(const json&)>& of_rules) {
        return eventually([&] {
            return std::all_of(directories.begin(), directories.end(), [&](const auto& directory) {
                const json now = status(directory);
                return !now.is_discarded() && now.contains("rules") && of_rules(now["rules"]);
            });
        });
    }

    [[nodiscard]] json docket(std::size_t coordinator) const {
        const auto run = run_program(
            "kilter", {"docket", installation_.coordinators[coordinator].string(), "--json"});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        return json::parse(run.out, nullptr, false);
    }
};

TEST_F(DemoGovernance, rules_change_by_mandate_and_the_market_stops_and_resumes) {
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    const json before = json::parse(rules("operator", {"show", "--json"}).out, nullptr, false);
    ASSERT_FALSE(before.is_discarded());
    EXPECT_EQ(before["edition"], 0);
    EXPECT_EQ(before["market_parameters"]["primal_tolerance_kw"], "0.001");
    market::Parameters loose = *market::Parameters::decode(installation_.genesis.market_parameters);
    const std::string genesis = to_hex(loose.digest().view());  // as openings name it
    loose.primal_tolerance_kw = 0.004;
    const std::string named = to_hex(loose.digest().view());
    const std::string wanted = to_hex(governance::market_digest(loose.encode()).view());
    ASSERT_NE(wanted, before["market_parameters_digest"]);

    // Proposed by one office, and nothing changes; approved by the other, and it does, at its height.
    const auto proposed = rules("operator", {"propose", "--market", "primal_tolerance_kw=0.004",
                                             "--reason", "a trial of looser sessions"});
    ASSERT_EQ(proposed.exit_code, 0) << proposed.err;
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    for (const auto& home : installation_.homes)
        EXPECT_EQ(status(home)["rules"]["session_parameters"], genesis);
    const auto not_his = rules("operator", {"veto", "1"});
    EXPECT_EQ(not_his.exit_code, 1);
    EXPECT_NE(not_his.err.find("is for regulator"), std::string::npos) << not_his.err;
    const auto approved = rules("regulator", {"approve", "1"});
    ASSERT_EQ(approved.exit_code, 0) << approved.err;
    EXPECT_TRUE(all_say(installation_.coordinators,
                        [&](const json& said) { return said["market_parameters"] == wanted; }));
    EXPECT_TRUE(all_say(installation_.homes,
                        [&](const json& said) { return said["session_parameters"] == named; }));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));

    // One office stops the market; resuming takes both.
    const auto stopped = rules("operator", {"propose", "--stop", "--reason", "a cable is down"});
    ASSERT_EQ(stopped.exit_code, 0) << stopped.err;
    const auto is_stopped = [](const json& said) { return said.contains("stopped_by_case"); };
    EXPECT_TRUE(all_say(installation_.coordinators, is_stopped));
    EXPECT_TRUE(all_say(installation_.homes, is_stopped));
    const auto asked = rules("operator", {"propose", "--resume"});
    ASSERT_EQ(asked.exit_code, 0) << asked.err;
    EXPECT_TRUE(all_say(installation_.homes, is_stopped));
    const auto resumed = rules("regulator", {"approve", "3"});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_TRUE(all_say(installation_.homes, [&](const json& said) { return !is_stopped(said); }));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    stop_all();

    // What the public record says of it, the same on every replica.
    const json cases = docket(0);
    ASSERT_EQ(cases.size(), 3U) << cases;
    for (const json& one : cases)
        EXPECT_EQ(one["state"], "in force") << one;
    EXPECT_EQ(cases[0]["reason"], "a trial of looser sessions");
    EXPECT_EQ(cases[0]["in_force_height"], cases[0]["adopted_height"].get<int>() + 4);
    for (std::size_t i = 1; i < installation_.coordinators.size(); ++i) {
        const json other = docket(i);
        ASSERT_EQ(other.size(), cases.size());
        for (std::size_t k = 0; k < cases.size(); ++k)
            EXPECT_EQ(other[k]["in_force_height"], cases[k]["in_force_height"]);
    }
    const int from = cases[1]["in_force_height"];
    const int until = cases[2]["in_force_height"];
    ASSERT_LT(from, until);
    const auto shown =
        run_program("kilter", {"log", "show", installation_.coordinators[0].string(), "--json"});
    int cleared_before = 0;
    int cleared_after = 0;
    const json log = json::parse(shown.out, nullptr, false);
    ASSERT_FALSE(log.is_discarded()) << shown.err;
    for (const json& block : log["blocks"])
        for (const json& entry : block["entries"]) {
            if (!entry.contains("cleared_net")) continue;
            const int height = block["height"];
            EXPECT_TRUE(height < from || height >= until) << "cleared while stopped: " << height;
            (height < from ? cleared_before : cleared_after) += 1;
        }
    EXPECT_GE(cleared_before, 3);
    EXPECT_GE(cleared_after, 1);
    const auto verified = run_program(
        "kilter", {"log", "verify", "--genesis", (street() / "genesis.bin").string(),
                   installation_.coordinators[0].string(), installation_.coordinators[1].string()});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace kilter::tests::governance_test
