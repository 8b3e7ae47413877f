// What an operator sees of running daemons, through the real programs: figures, and the archive for whoever is to help.

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <functional>
#include <regex>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/consensus/entry.hpp"
#include "common/crypto/identity.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/roster.hpp"
#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/process.hpp"
#include "tests/integration/program.hpp"

namespace kilter::tests {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds patience{60};

bool within_patience(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

/// The whole answer of 127.0.0.1:port; empty when nobody listens there.
std::string http(int port, const std::string& request) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string out;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        char buffer[4'096];
        for (ssize_t size = 0; (size = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
            out.append(buffer, static_cast<std::size_t>(size));
    }
    ::close(socket);
    return out;
}

std::string scrape(int port) {
    return http(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
}

/// Names of the families on a page; every one has its help, its type and a sample.
std::set<std::string> families(const std::string& answer) {
    std::set<std::string> out;
    const std::string page = answer.substr(answer.find("\r\n\r\n") + 4);
    static const std::regex type("# TYPE ([a-z_]+) (gauge|counter)\n");
    for (std::sregex_iterator it(page.begin(), page.end(), type), end; it != end; ++it) {
        const std::string name = (*it)[1];
        EXPECT_TRUE(out.insert(name).second) << name << " comes twice";
        EXPECT_TRUE(says(page, "# HELP " + name + " ")) << name;
        EXPECT_TRUE(std::regex_search(
            page, std::regex("\n" + name + "(\\{[a-z]+=\"[a-z]+\"\\})? -?[0-9.e+-]+\n")))
            << name;
        EXPECT_EQ((*it)[2] == "counter", name.ends_with("_total")) << name;
    }
    return out;
}

std::set<std::string> names_in(const std::string& text) {
    std::set<std::string> out;
    static const std::regex name("\\b(kilter|process)_[a-z_]+[a-z]");
    for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it)
        out.insert(it->str());
    return out;
}

/// One home and one of four coordinators, which therefore wait for the others.
class Monitoring : public testing::Test {
  protected:
    void SetUp() override {
        crypto::initialise();
        const auto free = cli::free_ports(12, 28'500);
        ASSERT_TRUE(free.ok()) << free.error().message;
        port_ = *free;
        write_file(
            folder_ / "feeder.toml",
            "name = \"street\"\nbase_kv = 0.4\nroot = \"top\"\nv_min_pu = 0.9\nv_max_pu = "
            "1.1\nnets = \"every-load-bus\"\nbus = [{ name = \"top\" }, { name = \"a\", "
            "load_p_kw = 1.0 }]\nline = [{ from = \"top\", to = \"a\", r_ohm = 0.05, x_ohm = "
            "0.02 }]\n[shape]\ndaily = [0.5]\n[tie]\nprice_eur_per_kwh = [0.25]\n");
        ASSERT_EQ(run_program("kilter", {"keygen", "--out", folder_ / "operator.key"}).exit_code,
                  0);
        std::vector<std::string> genesis{"genesis",
                                         "--key",
                                         folder_ / "operator.key",
                                         "--topology",
                                         folder_ / "feeder.toml",
                                         "--out",
                                         folder_ / "genesis.bin",
                                         "--entry",
                                         folder_ / "coordinators.entry"};
        for (int i = 0; i < 4; ++i) {
            write_file(folder_ / ("coordinator-" + std::to_string(i) + ".toml"),
                       "state_dir = \"state-" + std::to_string(i) + "\"\nkey_file = \"key-" +
                           std::to_string(i) + "\"\ngenesis = \"genesis.bin\"\nbind = \"" +
                           endpoint(i) + "\"\ntopology = \"feeder.toml\"\nmetrics = \"127.0.0.1:" +
                           std::to_string(port_ + 6) + "\"\n");
            const auto key = run_program(
                "kilter-coordinator",
                {"key", "--config", folder_ / ("coordinator-" + std::to_string(i) + ".toml")});
            ASSERT_EQ(key.exit_code, 0) << key.err;
            genesis.insert(genesis.end(),
                           {"--coordinator", key.out.substr(0, 64) + "@" + endpoint(i)});
        }
        const auto made = run_program("kilter", genesis);
        ASSERT_EQ(made.exit_code, 0) << made.err;
        write_file(folder_ / "home.toml",
                   "name = \"secret-home-name\"\nnet = 0\ninterval_s = 900\nload_kw = [" +
                       repeated("1.2345", 96) + "]\n[forecast]\nnoise_fraction = 0.0\nseed = 1\n");
        write_file(folder_ / "agent.toml",
                   "state_dir = \"agent\"\nruntime_dir = \"run\"\nkey_file = \"agent.key\"\n"
                   "genesis = \"genesis.bin\"\nbind = \"" +
                       endpoint(4) + "\"\nmetrics = \"127.0.0.1:" + std::to_string(port_ + 7) +
                       "\"\n[home]\nfile = \"home.toml\"\n");
        ASSERT_EQ(
            run_program("kilter-agent", {"key", "--config", folder_ / "agent.toml"}).exit_code, 0);
    }

    static std::string repeated(const std::string& word, int times) {
        std::string out;
        for (int i = 0; i < times; ++i)
            out += word + ", ";
        return out;
    }

    [[nodiscard]] std::string endpoint(int i) const {
        return "tcp://127.0.0.1:" + std::to_string(port_ + i);
    }

    [[nodiscard]] cli::Process start(const std::string& program, const std::string& config) const {
        auto process = cli::Process::start(
            {std::string(KILTER_BINARY_DIR) + "/" + program, "run", "--config", folder_ / config},
            folder_ / (program + ".log"));
        EXPECT_TRUE(process.ok()) << process.error().message;
        return *std::move(process);
    }

    [[nodiscard]] static std::string shipped(const std::string& name) {
        return read_file(std::string(KILTER_SOURCE_DIR) + "/packaging/deploy/" + name);
    }

    TemporaryFolder folder_;
    int port_ = 0;
};

TEST_F(Monitoring, the_shipped_dashboard_and_alerts_ask_for_what_the_daemons_show) {
    const auto coordinator = start("kilter-coordinator", "coordinator-0.toml");
    const auto agent = start("kilter-agent", "agent.toml");
    ASSERT_TRUE(within_patience([&] {
        return !scrape(port_ + 6).empty() && !scrape(port_ + 7).empty();
    })) << read_file(folder_ / "kilter-agent.log")
        << read_file(folder_ / "kilter-coordinator.log");
    const std::string page = scrape(port_ + 6);
    EXPECT_TRUE(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    std::set<std::string> shown = families(page);
    const std::set<std::string> of_agent = families(scrape(port_ + 7));
    shown.insert(of_agent.begin(), of_agent.end());
    const json dashboard = json::parse(shipped("grafana-dashboard.json"));
    std::string asked = shipped("kilter-alerts.yml");
    for (const auto& panel : dashboard.at("panels"))
        for (const auto& target : panel.at("targets"))
            asked += target.at("expr").get<std::string>() + "\n";
    const std::set<std::string> wanted = names_in(asked);
    EXPECT_GT(wanted.size(), 15u);
    for (const std::string& name : wanted)
        EXPECT_TRUE(shown.contains(name)) << name << " is asked for, and no daemon shows it";
    const std::string documented =
        read_file(std::string(KILTER_SOURCE_DIR) + "/docs/operating/monitor.md");
    for (const std::string& name : shown)
        EXPECT_TRUE(says(documented, "`" + name + "`")) << name << " is not documented";
}

TEST_F(Monitoring, answers_nothing_but_the_page_and_stays_up) {
    const auto agent = start("kilter-agent", "agent.toml");
    const int port = port_ + 7;
    ASSERT_TRUE(within_patience([&] { return !scrape(port).empty(); }))
        << read_file(folder_ / "kilter-agent.log");
    EXPECT_TRUE(http(port, "GET /etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    EXPECT_TRUE(http(port, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    EXPECT_EQ(http(port, "GET /" + std::string(5'000, 'a') + " HTTP/1.1\r\n\r\n"), "");
    EXPECT_EQ(http(port, "GET /metrics"), "") << "an unfinished request is dropped in time";
    EXPECT_TRUE(scrape(port).starts_with("HTTP/1.1 200"));
}

TEST_F(Monitoring, a_bad_address_for_figures_says_what_to_do) {
    for (const std::string address :
         {"localhost:9464", "127.0.0.1", "127.0.0.1:70000", "::1:9464"}) {
        std::string text = read_file(folder_ / "agent.toml");
        text = std::regex_replace(text, std::regex("metrics = \"[^\"]*\""),
                                  "metrics = \"" + address + "\"");
        write_file(folder_ / "bad.toml", text);
        const auto run = run_program("kilter-agent", {"run", "--config", folder_ / "bad.toml"});
        EXPECT_EQ(run.exit_code, 1);
        EXPECT_TRUE(says(run.err, "127.0.0.1:9464")) << run.err;
    }
}

TEST_F(Monitoring, a_bundle_holds_neither_key_nor_schedule) {
    auto agent = start("kilter-agent", "agent.toml");
    const auto status = folder_.path() / "run" / "status.json";
    ASSERT_TRUE(within_patience([&] { return std::filesystem::exists(status); }))
        << read_file(folder_ / "kilter-agent.log");
    agent.signal(SIGTERM);
    ASSERT_TRUE(within_patience([&] { return agent.exited().has_value(); }));
    // As after a session: a plan, prices and words about them.
    json with_plan = json::parse(read_file(status));
    with_plan["session"] = {{"interval", 1978148},
                            {"outcome", "converged"},
                            {"price_eur_per_kwh", {0.271828}},
                            {"plan", {{{"device", "the battery"}, {"energy_kwh", 3.14159}}}},
                            {"explanation", {"The battery charges because it says so."}}};
    write_file(status, with_plan.dump());

    const std::string archive = folder_ / "bundle.tar.gz";
    const auto made = run_program("kilter", {"bundle", "--config", folder_ / "agent.toml", "--out",
                                             archive, "--log-lines", "0"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    std::filesystem::create_directory(folder_ / "unpacked");
    const std::string unpack = "tar -xzf " + archive + " -C " + (folder_ / "unpacked").string();
    ASSERT_EQ(std::system(unpack.c_str()), 0);
    std::string all;
    std::set<std::string> names;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_ / "unpacked")) {
        if (!file.is_regular_file()) continue;
        names.insert(file.path().filename().string());
        all += read_file(file.path());
    }
    EXPECT_EQ(names, (std::set<std::string>{"config.toml", "files.txt", "machine.txt",
                                            "metrics.txt", "status.json", "version.txt"}));
    const std::string secret = read_file(folder_ / "agent.key").substr(0, 64);
    ASSERT_EQ(secret.size(), 64u);
    for (const std::string& word :
         {secret, secret.substr(0, 16), std::string("1.2345"), std::string("0.271828"),
          std::string("3.14159"), std::string("battery"), std::string("secret-home-name")})
        EXPECT_FALSE(says(all, word)) << word;
    for (const std::string word : {"every page is sound", "\"outcome\": \"converged\"",
                                   "key file there", "\"interval\": 1978148"})
        EXPECT_TRUE(says(all, word)) << word << "\n" << all;
    const auto mode = std::filesystem::status(archive).permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(
        run_program("kilter", {"bundle", "--config", folder_ / "agent.toml", "--out", archive})
            .exit_code,
        1)
        << "nothing is overwritten";
}

TEST_F(Monitoring, the_safe_state_is_said_and_kept) {
    const auto rested = run_program("kilter-agent", {"safe", "--config", folder_ / "agent.toml"});
    ASSERT_EQ(rested.exit_code, 0) << rested.err;
    const auto status =
        run_program("kilter-agent", {"explain", "--config", folder_ / "agent.toml"});
    EXPECT_EQ(status.exit_code, 1);
    EXPECT_TRUE(says(status.out, "devices are at rest")) << status.out;
    // A memory it cannot read does not keep the devices from resting: it may be what the agent ended over.
    write_file(folder_.path() / "agent" / "agent.db", "not a database");
    const auto again = run_program("kilter-agent", {"safe", "--config", folder_ / "agent.toml"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST_F(Monitoring, this_machine_can_be_a_gateway) {
    const auto run = run_program("kilter-agent", {"--selftest"});
    EXPECT_EQ(run.exit_code, 0) << run.out;
    EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 5);
    EXPECT_FALSE(says(run.out, "FAILED"));
}

TEST_F(Monitoring, a_key_and_a_genesis_are_never_replaced) {
    const std::string before = read_file(folder_ / "agent.key");
    const auto first = run_program("kilter-agent", {"key", "--config", folder_ / "agent.toml"});
    EXPECT_EQ(read_file(folder_ / "agent.key"), before);
    EXPECT_EQ(run_program("kilter-agent", {"key", "--config", folder_ / "agent.toml"}).out,
              first.out);
    const std::string endpoint_and_key =
        run_program("kilter-coordinator", {"key", "--config", folder_ / "coordinator-0.toml"})
            .out.substr(0, 64) +
        "@" + endpoint(0);
    const auto again =
        run_program("kilter", {"genesis", "--key", folder_ / "operator.key", "--topology",
                               folder_ / "feeder.toml", "--out", folder_ / "genesis.bin",
                               "--coordinator", endpoint_and_key});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_TRUE(says(again.err, "exists already")) << again.err;
}

TEST_F(Monitoring, feeders_that_share_a_log_differ_in_number_and_name_and_are_hosted_in_turn) {
    const std::string north = read_file(folder_ / "feeder.toml");
    const auto second = [&](const std::string& head) {
        write_file(folder_ / "south.toml", head + north.substr(north.find("base_kv")));
        std::vector<std::string> command{"genesis",
                                         "--key",
                                         folder_ / "operator.key",
                                         "--topology",
                                         folder_ / "feeder.toml",
                                         "--topology",
                                         folder_ / "south.toml",
                                         "--out",
                                         folder_ / "shared.bin",
                                         "--entry",
                                         folder_ / "shared.entry"};
        for (std::uint8_t i = 1; i <= 4; ++i) {
            crypto::Seed seed;
            seed.bytes[0] = i;
            const auto key = crypto::Identity::from_seed(seed).public_key();
            command.insert(command.end(),
                           {"--coordinator", to_hex(key.view()) + "@tcp://127.0.0.1:7100"});
        }
        return run_program("kilter", command);
    };
    EXPECT_TRUE(says(second("name = \"south\"\n").err, "differ in both"));
    EXPECT_TRUE(says(second("name = \"street\"\nnumber = 1\n").err, "differ in both"));
    const auto made = second("name = \"south\"\nnumber = 1\n");
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const std::string text = read_file(folder_ / "shared.entry");
    const auto entry = consensus::decode_sealed(as_bytes(text));
    ASSERT_TRUE(entry.ok()) << entry.error().message;
    const auto change = settlement::decode_roster_change((*entry)->entry.body);
    ASSERT_TRUE(change.ok()) << change.error().message;
    ASSERT_EQ(change->grants.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(change->grants[i].feeder, i % 2 == 0 ? "street" : "south");
        EXPECT_EQ(change->grants[i].net, settlement::net_id(i % 2, 0));
    }
}

}  // namespace
}  // namespace kilter::tests
