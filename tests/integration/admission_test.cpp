// A home's whole life through the real programs: it asks, is granted a certificate, trades, is revoked, and trades no more,
// while its neighbours notice nothing of it.

#include <regex>
#include <sstream>

#include "agent/drivers/home_file.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::admission_test {
namespace {

using nlohmann::json;

constexpr std::size_t nets = 3;
constexpr std::size_t homes_per_net = 3;

// Nine homes are drawn; the last of them is not among those the neighbourhood begins with.
class DemoAdmission : public Street {
  protected:
    void SetUp() override {
        const planner::Neighbourhood all = generated_homes(nets);
        planner::Neighbourhood first = all;
        first.homes.pop_back();
        ASSERT_NO_FATAL_FAILURE(lay_out(first, 27'000, 1));
        newcomer_ = street() / "newcomer";
        std::filesystem::create_directories(newcomer_);
        ASSERT_TRUE(drivers::save_home(newcomer_ / "home.toml", all.homes.back()).ok());
        write_config(newcomer_, first_port_ + static_cast<int>(coordinators + first.homes.size()));
        net_ = std::to_string(all.homes.back().net.value);
    }

    static void write_config(const std::filesystem::path& directory, int port) {
        write_file(directory / "agent.toml",
                   "state_dir = \"state\"\nkey_file = \"key\"\ngenesis = \"genesis.bin\"\nbind = "
                   "\"tcp://127.0.0.1:" +
                       std::to_string(port) + "\"\n[home]\nfile = \"home.toml\"\n");
    }

    static ProgramRun agent(const std::filesystem::path& directory,
                            std::vector<std::string> arguments) {
        arguments.insert(arguments.begin() + 1, {"--config", (directory / "agent.toml").string()});
        return run_program("kilter-agent", arguments);
    }

    // One of the operator's commands.
    [[nodiscard]] ProgramRun desk(std::vector<std::string> arguments) const {
        return Street::desk("operator", std::move(arguments));
    }

    static bool knows_epoch(const std::filesystem::path& home, std::uint64_t epoch) {
        const json now = status(home);
        return !now.is_discarded() && now.value("roster_epoch", std::uint64_t{0}) >= epoch;
    }

    // By interval and net, how many homes the log says have traded.
    [[nodiscard]] std::map<std::pair<std::int64_t, int>, std::set<std::string>> records(
        const std::string& barred, std::uint64_t barred_since) const {
        const auto run = run_program(
            "kilter", {"log", "show", installation_.coordinators[0].string(), "--json"});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        std::map<std::pair<std::int64_t, int>, std::set<std::string>> out;
        const json log = json::parse(run.out);
        for (const auto& block : log["blocks"])
            for (const auto& entry : block["entries"]) {
                if (!entry.contains("cleared_net")) continue;
                const auto& net = entry["cleared_net"];
                auto& homes = out[{net["interval"].get<std::int64_t>(), net["net"].get<int>()}];
                for (const auto& member : net["members"]) {
                    homes.insert(member["key"].get<std::string>());
                    EXPECT_TRUE(member["key"] != barred || net["roster_epoch"] < barred_since)
                        << "revoked, and in a record of a later session";
                }
            }
        return out;
    }

    std::filesystem::path newcomer_;
    std::string net_;
};

TEST_F(DemoAdmission, a_home_enrols_trades_and_is_revoked_while_the_others_go_on) {
    ASSERT_NO_FATAL_FAILURE(start_all());
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));

    // The home's side of the enrolment.
    const auto not_yet = agent(newcomer_, {"run"});
    EXPECT_EQ(not_yet.exit_code, 1);
    EXPECT_TRUE(says(not_yet.err, "not enrolled yet")) << not_yet.err;
    const auto asked = agent(newcomer_, {"enroll", "--json"});
    ASSERT_EQ(asked.exit_code, 0) << asked.err;
    const json request = json::parse(asked.out);
    const std::string key = request["public_key"];
    EXPECT_EQ(json::parse(agent(newcomer_, {"enroll", "--json"}).out), request)
        << "the key file is not made twice";
    const std::string text = request["request"];

    // What the operator cannot do.
    std::string garbled = text;
    garbled[20] = garbled[20] == 'a' ? 'b' : 'a';
    auto refused = desk({"grant", garbled, "--net", net_});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(says(refused.err, "garbled")) << refused.err;
    const std::string topology = (street() / "feeder.toml").string();
    refused = desk({"grant", text, "--net", "77", "--topology", topology});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(says(refused.err, "has no net 77")) << refused.err;

    // The grant, and the home trades in the next interval it can.
    const std::string bundle = newcomer_ / "bundle.kilter";
    const auto granted =
        desk({"grant", text, "--net", net_, "--topology", topology, "--out", bundle, "--json"});
    ASSERT_EQ(granted.exit_code, 0) << granted.err;
    const json certificate = json::parse(granted.out);
    EXPECT_EQ(certificate["key"], key);
    EXPECT_EQ(certificate["roster_epoch"], 2);
    EXPECT_EQ(certificate["on_the_log"], true);
    EXPECT_LT(certificate["url"].get<std::string>().size(), 2'000U) << "a QR code's worth";
    const auto wrong = agent(installation_.homes[0], {"enroll", "--bundle", bundle});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_TRUE(says(wrong.err, "this bundle is for the key")) << wrong.err;
    const auto enrolled = agent(newcomer_, {"enroll", "--bundle", bundle});
    ASSERT_EQ(enrolled.exit_code, 0) << enrolled.err;
    EXPECT_TRUE(says(enrolled.out, "enrolled     " + key.substr(0, 8))) << enrolled.out;
    EXPECT_EQ(read_file(newcomer_ / "genesis.bin"), read_file(street() / "genesis.bin"));
    start("kilter-agent", newcomer_);
    ASSERT_TRUE(eventually([&] { return newest_interval(newcomer_) >= 0; }));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));

    // A certificate that lasts longer, and one that cannot be given twice.
    const auto renewed = desk({"renew", key.substr(0, 8), "--days", "500"});
    EXPECT_EQ(renewed.exit_code, 0) << renewed.err;
    EXPECT_TRUE(says(renewed.out, "epoch 3, on the log")) << renewed.out;
    const auto other = folder_ / "other";
    std::filesystem::create_directories(other);
    std::filesystem::copy(newcomer_ / "home.toml", other / "home.toml");
    write_config(other, 9);
    const std::string second = json::parse(agent(other, {"enroll", "--json"}).out)["request"];
    refused = desk({"grant", second, "--net", net_, "--topology", topology, "--service-point",
                    certificate["service_point"]});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(says(refused.err, "belongs to the home " + key.substr(0, 8))) << refused.err;
    ASSERT_TRUE(eventually([&] { return knows_epoch(newcomer_, 3); }));
    const std::int64_t renewal = newest_interval(newcomer_);
    ASSERT_TRUE(eventually([&] { return newest_interval(newcomer_) > renewal; }));

    // What it says of itself, to people and to programs.
    const auto explained = agent(newcomer_, {"explain"});
    EXPECT_EQ(explained.exit_code, 0) << explained.err;
    EXPECT_TRUE(says(explained.out, "Energy costs ")) << explained.out;
    const auto peers = agent(newcomer_, {"peers", "--json"});
    EXPECT_EQ(peers.exit_code, 0) << peers.err;
    EXPECT_EQ(json::parse(peers.out).size(), coordinators + homes_per_net - 1) << peers.out;
    EXPECT_EQ(json::parse(agent(newcomer_, {"explain", "--json"}).out)["session"]["outcome"],
              "converged");

    // Revoked, it is told, trades no more, and stays out when it starts again.
    const auto revoked = desk({"revoke", key.substr(0, 8)});
    ASSERT_EQ(revoked.exit_code, 0) << revoked.err;
    const auto is_out = [&] {
        const json now = status(newcomer_);
        return !now.is_discarded() && says(now.value("doing", ""), "this home's key was revoked");
    };
    EXPECT_TRUE(eventually(is_out)) << status(newcomer_).dump(1);
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    stop(newcomer_);
    refused = agent(newcomer_, {"enroll", "--bundle", bundle});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(says(refused.err, "its roster has epoch 2, this agent has seen 4")) << refused.err;
    start("kilter-agent", newcomer_);
    ASSERT_TRUE(eventually([&] { return newest_interval(newcomer_) == -1; })) << "its new status";
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    EXPECT_EQ(newest_interval(newcomer_), -1);
    refused = desk({"grant", text, "--net", net_, "--topology", topology});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(says(refused.err, "was revoked")) << refused.err;

    // A neighbour loses its key; its successor takes its place on the net.
    const auto& neighbour = installation_.homes[1];
    const std::string lost = status(neighbour)["key"];
    stop(neighbour);
    std::filesystem::remove(neighbour / "key");
    std::filesystem::remove_all(neighbour / "state");
    const std::string third = json::parse(agent(neighbour, {"enroll", "--json"}).out)["request"];
    const auto rekeyed = desk({"rekey", lost.substr(0, 10), third, "--out", folder_ / "rekeyed"});
    ASSERT_EQ(rekeyed.exit_code, 0) << rekeyed.err;
    ASSERT_EQ(agent(neighbour, {"enroll", "--bundle", folder_ / "rekeyed"}).exit_code, 0);
    start("kilter-agent", neighbour);
    ASSERT_TRUE(eventually([&] { return newest_interval(neighbour) >= 0; }));

    // Without a connection: the entry travels as a file, and the bundle is the text alone.
    const std::string entry = folder_ / "grant.entry";
    const auto offline = desk({"grant", second, "--net", net_, "--topology", topology, "--store",
                               installation_.coordinators[1], "--entry", entry, "--out",
                               folder_ / "offline.kilter"});
    ASSERT_EQ(offline.exit_code, 0) << offline.err;
    EXPECT_TRUE(says(offline.out, "epoch 6, signed in")) << offline.out;
    std::filesystem::copy(entry, installation_.coordinators[2] / "state/submit/grant.entry");
    EXPECT_TRUE(eventually(
        [&] { return status(installation_.coordinators[0]).value("roster_epoch", 0) == 6; }));

    for (const auto& directory : installation_.homes)
        stop(directory);
    for (const auto& directory : installation_.coordinators)
        stop(directory);

    const int rekeyed_net = static_cast<int>(generated_homes(nets).homes[1].net.value);
    // What the log says of all this: the newcomer's net and nobody else's changed, and its neighbours missed nothing.
    std::set<std::int64_t> with_newcomer;
    const auto traded = records(key, 4);
    for (const auto& [place, homes] : traded) {
        if (homes.contains(key)) with_newcomer.insert(place.first);
    }
    ASSERT_FALSE(with_newcomer.empty());
    EXPECT_GT(*with_newcomer.rbegin(), renewal);
    EXPECT_EQ(static_cast<std::int64_t>(with_newcomer.size()),
              *with_newcomer.rbegin() - *with_newcomer.begin() + 1)
        << "from its first interval to its last without a gap";
    for (int net = 0; net < static_cast<int>(nets); ++net) {
        std::set<std::int64_t> intervals;
        for (const auto& [place, homes] : traded) {
            if (place.second != net) continue;
            intervals.insert(place.first);
            if (std::to_string(net) != net_ && net != rekeyed_net) {
                EXPECT_EQ(homes.size(), homes_per_net) << "net " << net << ", " << place.first;
            }
        }
        EXPECT_EQ(static_cast<std::int64_t>(intervals.size()),
                  *intervals.rbegin() - *intervals.begin() + 1)
            << "net " << net << " missed an interval";
    }
    // Nobody's whole key and nobody's schedule is in anybody's log.
    const std::regex secret(R"([0-9a-f]{17,}|[0-9]\.[0-9]{3,})");
    std::size_t lines = 0;
    for (const auto& party : std::filesystem::directory_iterator(street())) {
        std::istringstream log(read_file(party.path() / "log"));
        for (std::string line; std::getline(log, line); ++lines) {
            const std::string said = line.substr(std::min(line.find(' '), line.size()));
            EXPECT_FALSE(std::regex_search(said, secret)) << line;
        }
    }
    EXPECT_GT(lines, 100U);

    std::vector<std::string> verify{"log", "verify", "--genesis", street() / "genesis.bin"};
    for (const auto& directory : installation_.coordinators)
        verify.push_back(directory);
    const auto verified = run_program("kilter", verify);
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace kilter::tests::admission_test
