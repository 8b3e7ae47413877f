// Homes that nobody can connect to: real agents that listen on nothing, trading with their nets over connections they make
// themselves. One net has a reachable home and two that are not, who meet through a coordinator; another has none that is.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "agent/drivers/home_file.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::relay_test {
namespace {

class DemoRelayed : public Street {
  protected:
    static constexpr std::size_t nets = 3;

    // The last of the generated homes moves in later.
    void SetUp() override {
        planner::Neighbourhood first = generated_homes(nets);
        newcomer_ = first.homes.back();
        first.homes.pop_back();
        ASSERT_NO_FATAL_FAILURE(lay_out(first, 24'600));
    }

    // All of the second net, and all but one of the first.
    void configure(cli::InstallationOptions& options) override {
        auto homes = generated_homes(nets).homes;
        homes.pop_back();
        std::map<NetId, std::size_t> met;
        for (std::size_t i = 0; i < homes.size(); ++i) {
            const bool first_of_net = met[homes[i].net]++ == 0;
            if (homes[i].net == NetId{1} || (homes[i].net == NetId{0} && !first_of_net))
                options.unreachable_homes.insert(i);
        }
        unreachable_ = options.unreachable_homes;
        options.parameters.silence_ms = 2'000;
    }

    // How many sockets a process listens on.
    static std::size_t listening(const std::filesystem::path& home) {
        const auto pid = std::to_string(status(home).value("pid", 0));
        std::ifstream table("/proc/" + pid + "/net/tcp");
        std::set<std::string> inodes;
        for (std::string line; std::getline(table, line);) {
            std::istringstream fields(line);
            std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
            constexpr std::size_t state = 3, inode = 9;
            if (words.size() > inode && words[state] == "0A")
                inodes.insert("socket:[" + words[inode] + "]");
        }
        std::size_t out = 0;
        for (const auto& open : std::filesystem::directory_iterator("/proc/" + pid + "/fd")) {
            std::error_code gone;
            out += inodes.count(std::filesystem::read_symlink(open.path(), gone).string());
        }
        return out;
    }

    std::uint64_t relayed() {
        std::uint64_t out = 0;
        for (const auto& coordinator : installation_.coordinators) {
            const json now = status(coordinator);
            if (now.contains("relayed")) out += now["relayed"]["messages"].get<std::uint64_t>();
        }
        return out;
    }

    // Every home, by interval, that a coordinator's log has a record of.
    std::map<std::int64_t, std::set<std::string>> recorded() {
        const auto run = run_program(
            "kilter",
            {"log", "show", "--json", (installation_.coordinators[0] / "state/log.db").string()});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        std::map<std::int64_t, std::set<std::string>> out;
        const json log = json::parse(run.out);
        for (const json& block : log["blocks"])
            for (const json& entry : block["entries"])
                if (entry.contains("cleared_net"))
                    for (const json& member : entry["cleared_net"]["members"])
                        out[entry["cleared_net"]["interval"].get<std::int64_t>()].insert(
                            member["key"].get<std::string>());
        return out;
    }

    static ProgramRun agent(const std::filesystem::path& directory,
                            std::vector<std::string> arguments) {
        arguments.insert(arguments.begin() + 1, {"--config", (directory / "agent.toml").string()});
        return run_program("kilter-agent", arguments);
    }

    std::set<std::size_t> unreachable_;
    topology::HomeSpec newcomer_;
};

TEST_F(DemoRelayed, a_home_without_an_address_enrols_and_trades) {
    ASSERT_NO_FATAL_FAILURE(start_all());
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    const auto home = street() / "newcomer";
    std::filesystem::create_directories(home);
    ASSERT_TRUE(drivers::save_home(home / "home.toml", newcomer_).ok());
    write_file(
        home / "agent.toml",
        "state_dir = \"state\"\nkey_file = \"key\"\ngenesis = \"genesis.bin\"\n[home]\nfile = "
        "\"home.toml\"\n");
    const auto wrong = agent(home, {"enroll", "--endpoint", "tcp://192.0.2.7:20001"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_NE(wrong.err.find("listens nowhere"), std::string::npos) << wrong.err;
    const auto asked = agent(home, {"enroll", "--json"});
    ASSERT_EQ(asked.exit_code, 0) << asked.err;
    const json request = json::parse(asked.out);
    EXPECT_EQ(request["endpoint"], "");
    const std::string net = std::to_string(newcomer_.net.value);
    const std::string topology = street() / "feeder.toml";
    const auto by_key =
        desk("operator", {"grant", request["public_key"], "--net", net, "--topology", topology});
    EXPECT_EQ(by_key.exit_code, 1);
    EXPECT_NE(by_key.err.find("not with a key alone"), std::string::npos) << by_key.err;
    const std::string bundle = home / "bundle.kilter";
    const auto granted = desk("operator", {"grant", request["request"], "--net", net, "--topology",
                                           topology, "--out", bundle});
    ASSERT_EQ(granted.exit_code, 0) << granted.err;
    ASSERT_EQ(agent(home, {"enroll", "--bundle", bundle}).exit_code, 0);
    start("kilter-agent", home);
    ASSERT_TRUE(eventually([&] { return newest_interval(home) >= 0; }));
    EXPECT_EQ(listening(home), 0u);
}

TEST_F(DemoRelayed, homes_that_listen_nowhere_trade_with_their_nets) {
    ASSERT_NO_FATAL_FAILURE(start_all());
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    const auto& homes = installation_.homes;
    for (std::size_t i = 0; i < homes.size(); ++i)
        EXPECT_EQ(listening(homes[i]), unreachable_.contains(i) ? 0u : 1u) << homes[i];
    ASSERT_TRUE(eventually([&] { return relayed() > 0; }));

    // One of them dies and comes back: its neighbours meet it again.
    const auto& victim = homes[*unreachable_.rbegin()];
    kill(victim);
    start("kilter-agent", victim);
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(3));

    // A coordinator that relays stops dead, with its connections up; the letters it was given are repeated by way of others.
    running_.at(installation_.coordinators[3]).signal(SIGSTOP);
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(3));
    running_.at(installation_.coordinators[3]).signal(SIGCONT);
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));

    // Since then with all homes in it.
    const std::int64_t newest = newest_interval(homes[0]);
    ASSERT_TRUE(eventually([&] {
        const auto by_interval = recorded();
        return std::any_of(
            by_interval.lower_bound(newest), by_interval.end(),
            [&](const auto& interval) { return interval.second.size() == homes.size(); });
    }));
    for (const auto& coordinator : installation_.coordinators)
        EXPECT_EQ(status(coordinator)["relayed"]["refused"], 0) << coordinator;
}

}  // namespace
}  // namespace kilter::tests::relay_test
