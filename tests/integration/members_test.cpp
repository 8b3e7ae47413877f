// A coordinator whose disk is gone: killed, its state directory deleted with key, journal and log. A new one with a new key
// takes its place by an epoch change that the other three sign, each on its own machine, while homes trade.
#include "tests/integration/street.hpp"

namespace kilter::tests::members_test {
namespace {

using nlohmann::json;

class DemoMembers : public Street {
  protected:
    static constexpr std::size_t dead = 3;

    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(lay_out(generated_homes(1), 29'000, 1));
        ASSERT_NO_FATAL_FAILURE(start_all());
        document_ = folder_ / "next.members";
    }

    [[nodiscard]] const std::filesystem::path& coordinator(std::size_t i) const {
        return installation_.coordinators[i];
    }

    /// As that coordinator's own operator, on its machine.
    [[nodiscard]] ProgramRun sign(const std::filesystem::path& coordinator) const {
        return run_program("kilter-coordinator", {"sign-members", document_, "--config",
                                                  (coordinator / "coordinator.toml").string()});
    }

    /// Its operator is refused in these words, once that coordinator has executed what the others have.
    void expect_refusal(const std::filesystem::path& coordinator, const std::string& words) {
        ProgramRun refused;
        EXPECT_TRUE(eventually([&] {
            refused = sign(coordinator);
            return refused.err.find(words) != std::string::npos;
        })) << refused.err;
        EXPECT_EQ(refused.exit_code, 1);
    }

    /// Its operator signs, once that coordinator has executed what the others have.
    ProgramRun expect_signature(const std::filesystem::path& coordinator) {
        ProgramRun signed_;
        EXPECT_TRUE(eventually([&] {
            signed_ = sign(coordinator);
            return signed_.exit_code == 0;
        })) << signed_.err;
        return signed_;
    }

    [[nodiscard]] ProgramRun draft(std::vector<std::string> wishes) const {
        wishes.insert(wishes.begin(), {"members", "draft"});
        wishes.insert(wishes.end(), {"--out", document_});
        return desk("operator", std::move(wishes));
    }

    /// Its machine, newly installed: a key of its own, at another address. Its "KEY@ENDPOINT".
    std::string install_newcomer() {
        newcomer_ = street() / "coordinator-new";
        std::filesystem::create_directories(newcomer_);
        const std::string endpoint =
            "tcp://127.0.0.1:" +
            std::to_string(first_port_ +
                           static_cast<int>(coordinators + installation_.homes.size()));
        std::string config = read_file(coordinator(dead) / "coordinator.toml");
        const auto at = config.find("bind = ");
        config.replace(at, config.find('\n', at) - at, "bind = \"" + endpoint + "\"");
        write_file(newcomer_ / "coordinator.toml", config);
        const auto key = run_program(
            "kilter-coordinator", {"key", "--config", (newcomer_ / "coordinator.toml").string()});
        EXPECT_EQ(key.exit_code, 0) << key.err;
        return key.out.substr(0, 64) + "@" + endpoint;
    }

    std::string document_;
    std::filesystem::path newcomer_;
};

TEST_F(DemoMembers, a_new_machine_with_a_new_key_replaces_one_whose_disk_is_gone) {
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    const std::string lost = status(coordinator(dead))["key"];
    running_.erase(coordinator(dead));  // kill -9
    std::filesystem::remove_all(coordinator(dead) / "state");
    std::filesystem::remove(coordinator(dead) / "key");
    const std::string newcomer = install_newcomer();
    const std::string newcomer_key = newcomer.substr(0, 64);

    // The operator gives the dead one's certificate to the new key, and draws up the next set.
    auto drafted = draft({"--replace", lost.substr(0, 8) + "=" + newcomer});
    ASSERT_EQ(drafted.exit_code, 0) << drafted.err;
    expect_refusal(coordinator(0), "grant it first");
    const auto granted = desk("operator", {"rekey", lost.substr(0, 8), newcomer});
    ASSERT_EQ(granted.exit_code, 0) << granted.err;
    start("kilter-coordinator", newcomer_);
    expect_refusal(coordinator(0), "the docket has not decided on this set");

    // The docket decides, then each of the three signs; two are too few.
    const auto proposed = desk("operator", {"rules", "propose", "--validators", document_});
    ASSERT_EQ(proposed.exit_code, 0) << proposed.err;
    const auto approved = desk("regulator", {"rules", "approve", "1"});
    ASSERT_EQ(approved.exit_code, 0) << approved.err;
    const auto first = expect_signature(coordinator(0));
    EXPECT_NE(first.out.find("1 of 3 signatures"), std::string::npos) << first.out;
    expect_refusal(coordinator(0), "has signed it already");
    expect_refusal(newcomer_, "only those who order the log now can sign");
    expect_signature(coordinator(1));
    EXPECT_TRUE(std::filesystem::is_empty(coordinator(1) / "state/submit"));
    const std::string two_signatures = read_file(document_);
    const auto third = expect_signature(coordinator(2));
    EXPECT_NE(third.out.find("goes on the log from here"), std::string::npos) << third.out;

    // The new epoch, on every coordinator, with the newcomer as a member, and in every home.
    const auto is_in_epoch = [](const std::filesystem::path& directory, int epoch) {
        const json now = status(directory);
        return !now.is_discarded() && now.value("log_epoch", 0) == epoch;
    };
    for (const auto& directory : {coordinator(0), coordinator(1), coordinator(2), newcomer_})
        EXPECT_TRUE(eventually([&] { return is_in_epoch(directory, 1); })) << directory;
    EXPECT_EQ(status(newcomer_)["replica"], dead);
    for (const auto& home : installation_.homes)
        EXPECT_TRUE(eventually([&] { return is_in_epoch(home, 1); })) << home;
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));

    // The old paper is worth nothing now, and the lost key never returns.
    write_file(document_, two_signatures);
    expect_refusal(coordinator(2), "the log is in epoch 1");
    drafted = draft({"--replace", newcomer_key.substr(0, 8) + "=" + lost + "@tcp://127.0.0.1:1"});
    ASSERT_EQ(drafted.exit_code, 0) << drafted.err;
    expect_refusal(coordinator(0), "was a member and left");

    // The newcomer counts: with it, one of the old ones may stop.
    stop(coordinator(1));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    // A home that starts again knows the epoch, and trades.
    const auto& home = installation_.homes[0];
    stop(home);
    start("kilter-agent", home);
    ASSERT_TRUE(eventually([&] { return is_in_epoch(home, 1); }));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    const auto shown = desk("operator", {"members", "show", "--json"});
    ASSERT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_EQ(json::parse(shown.out)["epoch"], 1);
    EXPECT_EQ(json::parse(shown.out)["members"][dead]["key"], newcomer_key);
    stop_all();

    const std::string genesis = street() / "genesis.bin";
    const auto verified =
        run_program("kilter", {"log", "verify", "--genesis", genesis, coordinator(0),
                               coordinator(2), newcomer_ / "state"});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace kilter::tests::members_test
