// The command line through the real binary: exit codes, what is said, and to whom.

#include <algorithm>
#include <fstream>
#include <optional>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/topology/native.hpp"
#include "tests/integration/program.hpp"
#include "tests/integration/small_log.hpp"

namespace kilter::tests::cli_test {
namespace {

using nlohmann::json;

constexpr IntervalIndex first_interval = 1'978'080;

ProgramRun kilter(const std::vector<std::string>& arguments) {
    return run_program("kilter", arguments);
}

TEST(Cli, misuse_is_exit_code_2_with_a_hint) {
    const auto nothing = kilter({});
    EXPECT_EQ(nothing.exit_code, 2);
    EXPECT_TRUE(says(nothing.err, "kilter --help")) << nothing.err;
    EXPECT_EQ(kilter({"frobnicate"}).exit_code, 2);
    EXPECT_EQ(kilter({"keygen"}).exit_code, 2);
    EXPECT_EQ(kilter({"log", "verify"}).exit_code, 2);
    EXPECT_EQ(kilter({"simulate", "x.toml"}).exit_code, 2);
}

TEST(Cli, help_has_an_example_and_succeeds) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"keygen"},
                                                    {"log", "verify"},
                                                    {"log", "show"},
                                                    {"simulate"},
                                                    {"bench", "ksuite"}}) {
        auto arguments = command;
        arguments.emplace_back("--help");
        const auto help = kilter(arguments);
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_TRUE(says(help.out, "Example:")) << help.out;
    }
    EXPECT_TRUE(says(kilter({"--version"}).out, "kilter "));
}

TEST(BenchKsuite, says_what_is_wrong_with_its_options) {
    const auto refused = [](const std::vector<std::string>& options, const std::string& what) {
        std::vector<std::string> arguments{"bench", "ksuite"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        const auto run = kilter(arguments);
        EXPECT_EQ(run.exit_code, 2) << run.err;
        EXPECT_TRUE(says(run.err, what)) << run.err;
    };
    EXPECT_EQ(kilter({"bench"}).exit_code, 2);
    refused({"--nets", "100"}, "--seed");
    refused({"--seed", "1"}, "--nets");
    refused({"--nets", "3", "--seed", "1"}, "--nets");
    refused({"--nets", "100", "--seed", "one"}, "--seed");
    refused({"--nets", "100", "--seed", "1", "--lines", "leaky"}, "--lines");
    refused({"--nets", "100", "--seed", "1", "--preset", "best"}, "--preset");
    refused({"--nets", "100", "--seed", "1", "--threads", "0"}, "--threads");
    const auto nowhere =
        kilter({"bench", "ksuite", "--nets", "20", "--seed", "1", "--json", "/nonexistent/x.json"});
    EXPECT_EQ(nowhere.exit_code, 1);
    EXPECT_TRUE(says(nowhere.err, "/nonexistent/x.json")) << nowhere.err;
}

TEST(BenchKsuite, writes_its_figures) {
    const auto run = kilter({"bench", "ksuite", "--nets", "30,60", "--seed", "1,2", "--lines",
                             "low-loss", "--threads", "2", "--json", "-"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const json report = json::parse(run.out);
    ASSERT_EQ(report.at("runs").size(), 4u);
    EXPECT_TRUE(report.at("growth_exponent").at("cpu").is_number());
    EXPECT_TRUE(report.at("runs").at(3).at("converged").get<bool>());
}

TEST(BenchLog, measures_real_replicas_and_their_logs_agree) {
    const auto run = kilter(
        {"bench", "log", "--seconds", "1", "--warm-up", "0", "--soak", "300", "--json", "-"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const json figures = json::parse(run.out);
    EXPECT_EQ(figures.at("entry_bytes"), 300);
    EXPECT_GT(figures.at("closed_loop").at("entries"), 0);
    EXPECT_EQ(figures.at("f_dead").at("replicas_alive"), 3);
    EXPECT_GT(figures.at("f_dead").at("entries"), 0);
    EXPECT_GE(figures.at("memory").at("entries"), 300);
    EXPECT_GE(figures.at("log").at("entries"), figures.at("catch_up").at("entries"));
    EXPECT_GT(figures.at("receipts").at("checked"), 0);
    EXPECT_LE(figures.at("receipts").at("bytes_beyond_entry_max"), 1'200);
}

TEST(BenchLog, orders_without_signatures_when_asked_to) {
    const auto run = kilter({"bench", "log", "--mode", "order", "--replicas", "7", "--seconds", "1",
                             "--warm-up", "0", "--only-throughput", "--json", "-"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const json figures = json::parse(run.out);
    EXPECT_EQ(figures.at("mode"), "order");
    EXPECT_GT(figures.at("closed_loop").at("entries"), 0);
    EXPECT_EQ(kilter({"bench", "log", "--replicas", "5"}).exit_code, 2);
}

TEST(Import, turns_a_matpower_case_into_a_feeder) {
    const TemporaryFolder folder;
    const std::string feeder = folder / "two.toml";
    std::ofstream(folder / "two.m") << "function mpc = two\nmpc.baseMVA = 1;\nmpc.bus = [\n"
                                       "1 3 0 0 0 0 1 1 0 10 1 1.1 0.9;\n"
                                       "2 1 0.5 0.1 0 0.2 1 1 0 10 1 1.1 0.9;\n];\n"
                                       "mpc.gen = [1 0 0 9 -9 1.02 100 1 9 0];\n"
                                       "mpc.branch = [1 2 0.01 0.02 0 3 0 0 0 0 1];\n";
    const auto done = kilter({"import", "matpower", folder / "two.m", "--out", feeder});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto network = topology::load_network(feeder);
    ASSERT_TRUE(network.ok()) << network.error().message;
    EXPECT_EQ(network->name, "two");
    EXPECT_EQ(network->v_root_pu, 1.02);
    EXPECT_EQ(network->buses[1].load_p_kw, 500);
    EXPECT_EQ(network->buses[1].shunt_q_kvar, 200);
    EXPECT_NEAR(network->branches[0].r_ohm, 1, 1e-12);
    EXPECT_EQ(network->branches[0].rating_kva, 3000);
    const auto none = kilter({"import", "matpower", folder / "none.m"});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_TRUE(says(none.err, "none.m")) << none.err;
}

TEST(Keygen, makes_a_private_file_and_never_overwrites_it) {
    const TemporaryFolder folder;
    const std::string file = folder / "agent.key";
    const auto made = kilter({"keygen", "--out", file});
    ASSERT_EQ(made.exit_code, 0) << made.err;

    struct stat status {};

    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);

    const std::string secret = read_file(file);
    EXPECT_EQ(secret.size(), 65u);
    EXPECT_FALSE(says(made.out + made.err, secret.substr(0, 16)));

    const auto again = kilter({"keygen", "--out", file});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_TRUE(says(again.err, file)) << again.err;
    EXPECT_EQ(read_file(file), secret);
}

TEST(Keygen, json_has_the_public_half) {
    const TemporaryFolder folder;
    const auto made = kilter({"keygen", "--json", "--out", folder / "a.key"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const json result = json::parse(made.out);
    const auto key = result.at("public_key").get<std::string>();
    EXPECT_EQ(key.size(), 64u);
    EXPECT_EQ(result.at("fingerprint"), key.substr(0, 8));
    EXPECT_FALSE(says(made.out, read_file(folder / "a.key").substr(0, 64)));
}

class LogCommands : public testing::Test {
  protected:
    void SetUp() override {
        crypto::initialise();
        log_.emplace(folder_.path(), 1);
        log_->append(log_->roster());
        log_->checkpoint();
        std::filesystem::create_directories(folder_ / "behind");
        std::filesystem::copy_file(store(3), folder_ / "behind/log.db");
        log_->append(log_->cleared(first_interval, 231'400));
        log_->append(log_->cleared(first_interval + 1, 180'000));
        log_->checkpoint();
    }

    [[nodiscard]] std::string store(std::size_t replica) const {
        return log_->state_dir(replica) / "log.db";
    }

    [[nodiscard]] std::vector<std::string> all_stores() const {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < SmallLog::replicas; ++i)
            out.push_back(log_->state_dir(i));
        return out;
    }

    static ProgramRun verify(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"log", "verify"});
        return kilter(arguments);
    }

    /// A store with this content, by itself.
    [[nodiscard]] std::string damaged(const std::string& content) const {
        const std::string path = folder_ / "damaged.db";
        write_file(path, content);
        return path;
    }

    TemporaryFolder folder_;
    std::optional<SmallLog> log_;
};

TEST_F(LogCommands, verify_names_every_entry_and_succeeds) {
    auto arguments = all_stores();
    arguments.insert(arguments.end(), {"--genesis", folder_ / "genesis.bin", "--same-height"});
    const auto run = verify(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
    EXPECT_EQ(run.err, "");
    EXPECT_TRUE(says(run.out, "roster epoch 1  3 homes granted  4 coordinators granted"))
        << run.out;
    EXPECT_TRUE(
        says(run.out, "cleared net 0  2026-06-01 00:00  converged at 42  3 homes  0.2314 EUR/kWh"))
        << run.out;
    EXPECT_TRUE(says(run.out, "cleared net 0  2026-06-01 00:15")) << run.out;
    EXPECT_TRUE(says(run.out, "4/4")) << run.out;
    EXPECT_TRUE(run.out.ends_with("\nverified\n")) << run.out;
}

TEST_F(LogCommands, verify_as_json_counts_what_it_did) {
    auto arguments = all_stores();
    arguments.emplace_back("--json");
    const auto run = verify(arguments);
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const json result = json::parse(run.out);
    EXPECT_TRUE(result.at("verified").get<bool>());
    EXPECT_FALSE(result.at("genesis_given").get<bool>());
    EXPECT_EQ(result.at("chain"), to_hex(log_->genesis().chain_id().view()));
    ASSERT_EQ(result.at("stores").size(), SmallLog::replicas);
    for (const json& checked : result.at("stores")) {
        EXPECT_EQ(checked.at("entries"), 3);
        EXPECT_EQ(checked.at("receipts"), 3);
        EXPECT_GE(checked.at("signatures"), 3);
    }
    ASSERT_EQ(result.at("entries").size(), 3u);
    EXPECT_EQ(result.at("entries")[1].at("cleared_net").at("prices_micro_eur_per_kwh")[0], 231'400);
    EXPECT_EQ(result.at("entries")[2].at("stores"), SmallLog::replicas);
}

TEST_F(LogCommands, verify_writes_nothing) {
    const std::string before = read_file(store(0));
    EXPECT_EQ(verify({store(0)}).exit_code, 0);
    EXPECT_EQ(read_file(store(0)), before);
}

TEST_F(LogCommands, one_flipped_byte_anywhere_is_exit_code_3) {
    const std::string sound = read_file(store(0));
    ASSERT_EQ(verify({damaged(sound)}).exit_code, 0);
    constexpr std::size_t places = 24;
    for (std::size_t i = 0; i < places; ++i) {
        std::string content = sound;
        const std::size_t place = i * (content.size() - 1) / (places - 1);
        content[place] = static_cast<char>(content[place] ^ 0x10);
        const auto run = verify({damaged(content)});
        EXPECT_EQ(run.exit_code, 3) << "byte " << place << "\n" << run.out << run.err;
        EXPECT_TRUE(says(run.err, "FAULT " + (folder_ / "damaged.db").string())) << run.err;
        EXPECT_TRUE(says(run.err, "NOT VERIFIED")) << run.err;
    }
}

TEST_F(LogCommands, a_truncated_store_is_exit_code_3) {
    const std::string sound = read_file(store(0));
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, sound.size() / 2,
                                   sound.size() - 4096, sound.size() - 1}) {
        const auto run = verify({damaged(sound.substr(0, size))});
        EXPECT_EQ(run.exit_code, 3) << size << " bytes left\n" << run.out << run.err;
        EXPECT_TRUE(says(run.err, "FAULT")) << run.err;
    }
}

TEST_F(LogCommands, a_faulty_store_does_not_hide_the_sound_ones) {
    const std::string sound = read_file(store(0));
    const auto run = verify({damaged(sound.substr(0, sound.size() / 2)), store(1), store(2)});
    EXPECT_EQ(run.exit_code, 3);
    EXPECT_TRUE(says(run.out, "2/3")) << run.out;
    EXPECT_TRUE(says(run.err, "1 of 3 stores")) << run.err;
}

TEST_F(LogCommands, another_logs_genesis_is_exit_code_3) {
    const TemporaryFolder other;
    const SmallLog stranger(other.path(), 2);
    const auto run = verify({store(0), "--genesis", other / "genesis.bin"});
    EXPECT_EQ(run.exit_code, 3);
    EXPECT_TRUE(says(run.err, "belongs to another log")) << run.err;
    const auto nonsense = verify({store(0), "--genesis", store(1)});
    EXPECT_EQ(nonsense.exit_code, 1);
    EXPECT_TRUE(says(nonsense.err, "not a genesis document")) << nonsense.err;
}

TEST_F(LogCommands, a_replica_may_be_behind_unless_it_may_not) {
    EXPECT_EQ(verify({store(0), folder_ / "behind"}).exit_code, 0);
    const auto strict = verify({store(0), folder_ / "behind", "--same-height"});
    EXPECT_EQ(strict.exit_code, 3);
    EXPECT_TRUE(says(strict.err, "behind")) << strict.err;
}

TEST_F(LogCommands, two_histories_under_one_genesis_are_a_fork) {
    const TemporaryFolder other;
    SmallLog twin(other.path(), 1);
    twin.append(twin.roster());
    twin.append(twin.cleared(first_interval, 999'999));
    twin.checkpoint();
    ASSERT_EQ(verify({(twin.state_dir(0) / "log.db").string()}).exit_code, 0);
    const auto run = verify({store(0), (twin.state_dir(0) / "log.db").string()});
    EXPECT_EQ(run.exit_code, 3);
    EXPECT_TRUE(says(run.err, "FORK")) << run.err;
}

TEST_F(LogCommands, a_missing_store_is_named) {
    const auto run = verify({folder_ / "nowhere.db"});
    EXPECT_EQ(run.exit_code, 3);
    EXPECT_TRUE(says(run.err, "nowhere.db")) << run.err;
}

TEST_F(LogCommands, show_prints_blocks_or_one_block) {
    const auto all = kilter({"log", "show", store(0)});
    ASSERT_EQ(all.exit_code, 0) << all.err;
    EXPECT_TRUE(says(all.out, "height 1 ")) << all.out;
    EXPECT_TRUE(says(all.out, "entry 2 ")) << all.out;

    const auto one = kilter({"log", "show", store(0), "--height", "1", "--json"});
    ASSERT_EQ(one.exit_code, 0) << one.err;
    const json result = json::parse(one.out);
    ASSERT_EQ(result.at("blocks").size(), 1u);
    EXPECT_EQ(result.at("blocks")[0].at("entries")[0].at("roster_change").at("epoch"), 1);

    const auto beyond = kilter({"log", "show", store(0), "--height", "99999"});
    EXPECT_EQ(beyond.exit_code, 1);
    EXPECT_TRUE(says(beyond.err, "no block at height 99999")) << beyond.err;
}

/// Flips bytes spread over the whole file and expects that log verify does not accept any of them.
void expect_each_flip_refused(const std::string& proof,
                              const std::string& genesis,
                              std::size_t places) {
    const std::string sound = read_file(proof);
    ASSERT_FALSE(sound.empty());
    ASSERT_EQ(kilter({"log", "verify", "--genesis", genesis, proof}).exit_code, 0);
    const std::string bent = proof + ".bent";
    for (std::size_t i = 0; i < places; ++i) {
        std::string content = sound;
        const std::size_t place = i * (content.size() - 1) / (places - 1);
        content[place] = static_cast<char>(content[place] ^ (1 << i % 8));
        write_file(bent, content);
        const auto run = kilter({"log", "verify", "--genesis", genesis, bent});
        EXPECT_EQ(run.exit_code, 3) << "byte " << place << "\n" << run.out << run.err;
        EXPECT_NE(run.err, "");
    }
}

TEST_F(LogCommands, what_prove_writes_is_verified_and_any_flipped_byte_is_not) {
    const std::string receipt = folder_ / "one.receipt";
    const auto proved = kilter({"log", "prove", store(1), "--key", "roster|1", "--out", receipt});
    ASSERT_EQ(proved.exit_code, 0) << proved.err;
    expect_each_flip_refused(receipt, folder_ / "genesis.bin", 60);

    const std::string consistency = folder_ / "one.consistency";
    const auto extended =
        kilter({"log", "prove", store(1), "--consistent", "1", "3", "--out", consistency});
    ASSERT_EQ(extended.exit_code, 0) << extended.err;
    expect_each_flip_refused(consistency, folder_ / "genesis.bin", 60);

    const auto nothing =
        kilter({"log", "prove", store(1), "--key", "no such", "--out", folder_ / "none"});
    EXPECT_EQ(nothing.exit_code, 1);
    EXPECT_TRUE(says(nothing.err, "log show")) << nothing.err;
}

TEST_F(LogCommands, follow_prints_what_it_verified_and_stops_at_a_flipped_byte) {
    const auto run = kilter({"log", "follow", store(0), "--until", "3"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(says(run.out, "roster epoch 1")) << run.out;
    const std::string sound = read_file(store(0));
    constexpr std::size_t places = 24;
    for (std::size_t i = 0; i < places; ++i) {
        std::string content = sound;
        const std::size_t place = i * (content.size() - 1) / (places - 1);
        content[place] = static_cast<char>(content[place] ^ 0x10);
        const auto bent = kilter({"log", "follow", damaged(content), "--until", "3"});
        EXPECT_EQ(bent.exit_code, 3) << "byte " << place << "\n" << bent.out << bent.err;
        EXPECT_NE(bent.err, "");
    }
}

class SimulateCommand : public testing::Test {
  protected:
    void SetUp() override {
        model::Network network;
        network.name = "three nets in a row";
        network.base_kv = 0.4;
        for (const char* bus : {"root", "a", "b", "c"})
            network.buses.push_back({.name = bus, .v_min_pu = 0.9, .v_max_pu = 1.1});
        for (std::size_t i = 1; i < network.buses.size(); ++i) {
            network.branches.push_back({.name = network.buses[i].name,
                                        .from = i - 1,
                                        .to = i,
                                        .r_ohm = 0.02,
                                        .x_ohm = 0.01});
            network.nets.push_back({network.buses[i].name, i});
        }
        network.daily_shape.assign(96, 1.0);
        network.tie.price_eur_per_kwh.assign(96, 0.2);
        ASSERT_TRUE(network.normalise().ok());
        ASSERT_TRUE(network.validate().ok());
        toml_ = topology::write_network(network);
        write_file(folder_ / "feeder.toml", toml_);
    }

    TemporaryFolder folder_;
    std::string toml_;
};

TEST_F(SimulateCommand, prints_a_table_and_writes_json) {
    const std::string result_file = folder_ / "result.json";
    const auto run = kilter({"simulate", folder_ / "feeder.toml", "--homes-seed", "1",
                             "--intervals", "2", "--json", result_file});
    ASSERT_EQ(run.exit_code, 0) << run.out << run.err;
    EXPECT_EQ(run.err, "");
    EXPECT_TRUE(says(run.out, "3 nets, 9 homes")) << run.out;
    EXPECT_TRUE(says(run.out, "2026-06-01 00:15")) << run.out;
    EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 7) << run.out;
    EXPECT_TRUE(says(run.out, "nonlinear power flow: band kept by")) << run.out;
    EXPECT_TRUE(json::accept(read_file(result_file)));
}

TEST_F(SimulateCommand, masks_change_nothing_and_the_same_seed_gives_the_same_prices) {
    const auto first = kilter({"simulate", folder_ / "feeder.toml", "--homes-seed", "1"});
    EXPECT_EQ(first.out,
              kilter({"simulate", folder_ / "feeder.toml", "--homes-seed", "1", "--unmasked"}).out);
    EXPECT_NE(first.out, kilter({"simulate", folder_ / "feeder.toml", "--homes-seed", "2"}).out);
}

TEST_F(SimulateCommand, a_typo_is_named_with_its_line) {
    std::string typo = toml_;
    const std::string key = "r_ohm";
    ASSERT_TRUE(says(typo, key));
    typo.replace(typo.find(key), key.size(), "r_ohn");
    write_file(folder_ / "typo.toml", typo);
    const auto run = kilter({"simulate", folder_ / "typo.toml", "--homes-seed", "1"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_TRUE(says(run.err, "typo.toml:")) << run.err;
    EXPECT_TRUE(says(run.err, "r_ohn") || says(run.err, "r_ohm")) << run.err;
}

TEST_F(SimulateCommand, a_file_that_cannot_be_written_is_named) {
    const auto run = kilter({"simulate", folder_ / "feeder.toml", "--homes-seed", "1", "--json",
                             folder_ / "no/such.json"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_TRUE(says(run.err, "no/such.json")) << run.err;
}

}  // namespace
}  // namespace kilter::tests::cli_test
