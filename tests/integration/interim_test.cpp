// Real processes whose coordinators are all killed: the homes of each net clear the next intervals among themselves, and
// the log has them when the coordinators are back. Of one net's homes only one can be connected to: the others meet
// through it while nobody else is there.
#include <algorithm>

#include "common/base/time.hpp"
#include "common/runtime/loop.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::interim_test {
namespace {

// Quarter hours told as minutes.
planner::Neighbourhood homes_by_the_minute() {
    planner::Neighbourhood out = generated_homes(2);
    for (topology::HomeSpec& home : out.homes) {
        home.interval_s = 60;
        for (std::vector<double>* series : {&home.load_kw, &home.pv_kw}) {
            std::vector<double> fine;
            for (std::size_t i = 0; i < 15 * series->size(); ++i)
                fine.push_back((*series)[i / 15]);
            *series = std::move(fine);
        }
    }
    return out;
}

class Interim : public Street {
  protected:
    static constexpr std::uint32_t interval_s = 60;  // the shortest there is

    void configure(cli::InstallationOptions& options) override {
        options.parameters.interval_s = interval_s;
        options.parameters.horizon = 24;
        options.parameters.silence_ms = 2'000;
        options.parameters.session_ms = 20'000;
        options.pace.follow_clock = true;
        options.pace.lead_ms = 45'000;
        options.pace.gather_ms = 10'000;
        const auto homes = homes_by_the_minute().homes;
        for (std::size_t i = 0; i < homes.size(); ++i) {
            if (homes[i].net != relayed_net) continue;
            if (postman_ == nobody)
                postman_ = i;
            else
                options.unreachable_homes.insert(i);
        }
        ASSERT_EQ(options.unreachable_homes.size(), 2U);
    }

    static constexpr NetId relayed_net{1};
    static constexpr std::size_t nobody = SIZE_MAX;
    std::size_t postman_ = nobody;  ///< the home of that net with an address

    bool within(int seconds, const std::function<bool()>& condition) {
        const UnixMs until = runtime::now_ms() + seconds * 1'000;
        while (runtime::now_ms() < until)
            if (eventually(condition)) return true;
        return false;
    }

    std::size_t waiting(const std::filesystem::path& home) {
        const json now = status(home);
        return now.contains("interim") ? now["interim"]["waiting"].get<std::size_t>() : 0;
    }

    /// The entries of a coordinator's log, in order.
    std::vector<json> logged(const std::filesystem::path& coordinator) {
        const auto shown = run_program(
            "kilter", {"log", "show", "--json", (coordinator / "state" / "log.db").string()});
        EXPECT_EQ(shown.exit_code, 0) << shown.err;
        std::vector<json> out;
        const json log = json::parse(shown.out);
        for (const json& block : log["blocks"])
            for (const json& entry : block["entries"])
                out.push_back(entry);
        return out;
    }
};

TEST_F(Interim, TradesInsideTheNetWhileAllCoordinatorsAreDead) {
    lay_out(homes_by_the_minute(), 23'400);
    start_all();
    const auto& homes = installation_.homes;
    ASSERT_TRUE(within(240, [&] { return newest_interval(homes[0]) >= 0; }));
    for (const auto& coordinator : installation_.coordinators)
        kill(coordinator);
    for (const auto& home : homes)
        ASSERT_TRUE(within(240, [&] { return waiting(home) >= 2; })) << home;
    EXPECT_GT(status(homes[postman_])["relayed"]["messages"].get<std::uint64_t>(), 0U);
    const json before = status(homes[0]);
    const std::map<std::int64_t, std::int64_t> newest{
        {0, before["interim"]["newest"].get<std::int64_t>()},
        {relayed_net.value, status(homes[postman_])["interim"]["newest"].get<std::int64_t>()}};
    EXPECT_NE(before["doing"].get<std::string>().find("the net's homes alone"), std::string::npos)
        << before["doing"];
    for (const auto& coordinator : installation_.coordinators)
        start("kilter-coordinator", coordinator);
    for (const auto& home : homes)
        ASSERT_TRUE(within(240, [&] { return waiting(home) == 0; })) << home;

    // Homes have their receipts from whichever coordinator is ahead; the first one's log has it all soon after.
    std::vector<json> entries;
    ASSERT_TRUE(eventually([&] {
        entries = logged(installation_.coordinators[0]);
        return std::ranges::all_of(newest, [&](const auto& of_net) {
            return std::ranges::any_of(entries, [&](const json& entry) {
                return entry.contains("cleared_net") &&
                       entry["cleared_net"]["net"] == of_net.first &&
                       entry["cleared_net"]["interval"] == of_net.second;
            });
        });
    }));
    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> records;
    std::map<std::int64_t, std::int64_t> last;
    std::map<std::int64_t, std::size_t> interims;  // by net
    for (const json& entry : entries) {
        if (!entry.contains("cleared_net")) continue;
        const json& record = entry["cleared_net"];
        const auto interval = record["interval"].get<std::int64_t>();
        const auto net = record["net"].get<std::int64_t>();
        const std::size_t held = ++records[{interval, net}];
        EXPECT_EQ(held, 1U);
        if (record["outcome"] != "interim") continue;
        ++interims[net];
        const auto [latest, first] = last.try_emplace(net, interval);
        EXPECT_TRUE(first || latest->second < interval) << "out of order";
        latest->second = interval;
    }
    EXPECT_GE(interims[0], 2U);
    EXPECT_GE(interims[relayed_net.value], 2U);
}

}  // namespace
}  // namespace kilter::tests::interim_test
