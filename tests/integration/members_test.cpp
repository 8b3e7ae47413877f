// A coordinator whose disk is gone: killed, its state directory deleted with key, journal and log. A new one with a new key
// takes its place by an epoch change that the other three sign, each on its own machine, while homes trade.
#include "agent/core/memory.hpp"
#include "common/storage/key_value.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::members_test {
namespace {

using nlohmann::json;

class DemoMembers : public Street {
  protected:
    static constexpr std::size_t dead = 3;

    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(lay_out(generated_homes(1), 29'000, coordinators));
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

    /// A machine in place of that coordinator's, newly installed: a key of its own, at another address. Its "KEY@ENDPOINT".
    [[nodiscard]] std::string install_newcomer(std::size_t old) const {
        std::filesystem::create_directories(newcomer(old));
        const std::string endpoint =
            "tcp://127.0.0.1:" +
            std::to_string(first_port_ +
                           static_cast<int>(coordinators + installation_.homes.size() + old));
        std::string config = read_file(coordinator(old) / "coordinator.toml");
        const auto at = config.find("bind = ");
        config.replace(at, config.find('\n', at) - at, "bind = \"" + endpoint + "\"");
        write_file(newcomer(old) / "coordinator.toml", config);
        const auto key =
            run_program("kilter-coordinator",
                        {"key", "--config", (newcomer(old) / "coordinator.toml").string()});
        EXPECT_EQ(key.exit_code, 0) << key.err;
        return key.out.substr(0, 64) + "@" + endpoint;
    }

    [[nodiscard]] std::filesystem::path newcomer(std::size_t old) const {
        return street() / ("coordinator-new-" + std::to_string(old));
    }

    /// None of genesis' coordinators is there: a desk is told by a file who is, and a home by its bundle.
    void expect_desk_and_enrolment_by_proof() {
        const std::filesystem::path epochs = newcomer(0) / "state/log.epochs";
        const auto lost = run_program(
            "kilter", {"members", "show", "--seconds-max", "1", "--key", street() / "operator.key",
                       "--genesis", street() / "genesis.bin"});
        EXPECT_EQ(lost.exit_code, 1);
        EXPECT_NE(lost.err.find("with --epochs"), std::string::npos) << lost.err;
        write_file(folder_ / "damaged.epochs", read_file(epochs) + "!");
        EXPECT_EQ(
            desk("operator", {"members", "show", "--epochs", folder_ / "damaged.epochs"}).exit_code,
            1);
        const auto shown = desk("operator", {"members", "show", "--json", "--epochs", epochs});
        ASSERT_EQ(shown.exit_code, 0) << shown.err;
        EXPECT_EQ(json::parse(shown.out)["epoch"], 1);

        const auto& home = installation_.homes[0];
        const std::string former = status(home)["key"];
        stop(home);
        std::filesystem::remove_all(home / "state");
        std::filesystem::remove(home / "key");
        const auto enroll = [&](const std::string& option, const std::string& value) {
            std::vector<std::string> command = {"enroll", "--config", home / "agent.toml", option};
            if (!value.empty()) command.push_back(value);
            return run_program("kilter-agent", command);
        };
        const auto asked = enroll("--json", "");
        ASSERT_EQ(asked.exit_code, 0) << asked.err;
        const std::string bundle = folder_ / "home.kilter";
        const auto granted =
            desk("operator", {"rekey", former.substr(0, 8), json::parse(asked.out)["request"],
                              "--out", bundle, "--epochs", epochs});
        ASSERT_EQ(granted.exit_code, 0) << granted.err;
        const auto enrolled = enroll("--bundle", bundle);
        ASSERT_EQ(enrolled.exit_code, 0) << enrolled.err;
        start("kilter-agent", home);
        EXPECT_TRUE(eventually([&] { return newest_interval(home) >= 0; }));
        EXPECT_TRUE(is_in_epoch(home, 1));
    }

    static bool is_in_epoch(const std::filesystem::path& directory, int epoch) {
        const json now = status(directory);
        return !now.is_discarded() && now.value("log_epoch", 0) == epoch;
    }

    /// What a home keeps of its net's newest record does without the proof of the epoch, which it has once already.
    static void expect_short_receipt(const std::filesystem::path& home) {
        const auto memory = storage::KeyValue::open(home / "state/agent.db");
        ASSERT_TRUE(memory.ok()) << memory.error().message;
        const auto stored = memory->get(agent::base_key);
        ASSERT_TRUE(stored.ok() && stored->has_value());
        const auto receipt = consensus::decode_receipt(**stored);
        ASSERT_TRUE(receipt.ok());
        EXPECT_EQ(receipt->header.epoch, 1u);
        EXPECT_TRUE(receipt->epochs.empty());
    }

    std::string document_;
};

TEST_F(DemoMembers, a_new_machine_with_a_new_key_replaces_one_whose_disk_is_gone) {
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    const std::string lost = status(coordinator(dead))["key"];
    running_.erase(coordinator(dead));  // kill -9
    std::filesystem::remove_all(coordinator(dead) / "state");
    std::filesystem::remove(coordinator(dead) / "key");
    const std::string successor = install_newcomer(dead);
    const std::string newcomer_key = successor.substr(0, 64);
    const std::filesystem::path newcomer_ = newcomer(dead);

    // The operator gives the dead one's certificate to the new key, and draws up the next set.
    auto drafted = draft({"--replace", lost.substr(0, 8) + "=" + successor});
    ASSERT_EQ(drafted.exit_code, 0) << drafted.err;
    expect_refusal(coordinator(0), "grant it first");
    const auto granted = desk("operator", {"rekey", lost.substr(0, 8), successor});
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
    expect_short_receipt(home);
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

// A coordinator is away while all the others are replaced: when it comes back nobody whom it knows is left, and it refuses
// those who are, having never heard of their keys. A file from any of them says who they are.
TEST_F(DemoMembers, one_that_slept_while_all_others_were_replaced_is_told_by_a_file) {
    constexpr std::size_t sleeper = 3;
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    stop(coordinator(sleeper));
    std::vector<std::string> wishes;
    for (std::size_t i = 0; i < sleeper; ++i) {
        const std::string successor = install_newcomer(i);
        const auto granted =
            desk("operator", {"grant", successor, "--net", "0", "--role", "coordinator"});
        ASSERT_EQ(granted.exit_code, 0) << granted.err;
        start("kilter-coordinator", newcomer(i));
        const std::string old = status(coordinator(i))["key"];
        wishes.insert(wishes.end(), {"--replace", old.substr(0, 8) + "=" + successor});
    }
    const auto drafted = draft(wishes);
    ASSERT_EQ(drafted.exit_code, 0) << drafted.err;
    const auto proposed = desk("operator", {"rules", "propose", "--validators", document_});
    ASSERT_EQ(proposed.exit_code, 0) << proposed.err;
    const auto approved = desk("regulator", {"rules", "approve", "1"});
    ASSERT_EQ(approved.exit_code, 0) << approved.err;
    for (std::size_t i = 0; i < sleeper; ++i)
        expect_signature(coordinator(i));
    for (std::size_t i = 0; i < sleeper; ++i)
        EXPECT_TRUE(eventually([&] { return is_in_epoch(newcomer(i), 1); })) << i;
    for (const auto& home : installation_.homes)
        EXPECT_TRUE(eventually([&] { return is_in_epoch(home, 1); })) << home;
    for (std::size_t i = 0; i < sleeper; ++i)
        stop(coordinator(i));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(1));
    ASSERT_NO_FATAL_FAILURE(expect_desk_and_enrolment_by_proof());

    start("kilter-coordinator", coordinator(sleeper));
    EXPECT_TRUE(eventually([&] {
        return read_file(coordinator(sleeper) / "log").find("refused a key that is not on the") !=
               std::string::npos;
    })) << "it does not know who they are";
    EXPECT_TRUE(is_in_epoch(coordinator(sleeper), 0));
    const auto submitted = coordinator(sleeper) / "state/submit";
    write_file(submitted / "damaged.epochs", read_file(newcomer(0) / "state/log.epochs") + "!");
    write_file(submitted / "log.epochs", read_file(newcomer(0) / "state/log.epochs"));
    EXPECT_TRUE(eventually([&] { return is_in_epoch(coordinator(sleeper), 1); }));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(submitted / "log.epochs"); }));
    EXPECT_TRUE(std::filesystem::exists(submitted / "damaged.refused"));
    EXPECT_EQ(status(coordinator(sleeper))["replica"], sleeper);

    // Its vote is needed now.
    stop(newcomer(0));
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));
    stop_all();
    const auto verified =
        run_program("kilter", {"log", "verify", "--genesis", street() / "genesis.bin",
                               coordinator(sleeper), newcomer(1) / "state"});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace kilter::tests::members_test
