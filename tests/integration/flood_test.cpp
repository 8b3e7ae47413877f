// Floods against real processes, while they trade: from a key on the roster, with everything that a message can be, and from
// keys on no roster. Results stay what they are, and no process' memory grows with what it is sent.
#include <algorithm>
#include <set>
#include <sstream>

#include "common/storage/key_file.hpp"
#include "common/transport/hub.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::flood_test {
namespace {

constexpr std::size_t memory_kb_max =
    96 * 1024;  ///< of any of them, at its peak; 14 MB without a flood

class DemoFlood : public Street {
  protected:
    static constexpr std::size_t nets = 2;

    struct Target {
        crypto::PublicKey key;
        std::string endpoint;
    };

    void configure(cli::InstallationOptions& options) override {
        options.parameters.silence_ms = 2'000;
        options.pace.gather_ms = 3'000;
    }

    [[nodiscard]] bool is_coordinator(const std::filesystem::path& directory) const {
        return std::ranges::count(installation_.coordinators, directory) > 0;
    }

    [[nodiscard]] NetId net_of(const std::filesystem::path& home) const {
        const auto place =
            std::ranges::find(installation_.homes, home) - installation_.homes.begin();
        return generated_homes(nets).homes[static_cast<std::size_t>(place)].net;
    }

    /// The peak of a process' resident memory.
    static std::size_t peak_kb(const std::filesystem::path& directory) {
        const auto pid = std::to_string(status(directory).value("pid", 0));
        std::istringstream lines(read_file("/proc/" + pid + "/status"));
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
        ADD_FAILURE() << directory << " has no memory";
        return 0;
    }

    [[nodiscard]] Target target(const std::filesystem::path& directory, std::size_t place) const {
        const auto identity = storage::read_key_file(directory / "key");
        return {identity->public_key(),
                "tcp://127.0.0.1:" + std::to_string(first_port_ + static_cast<int>(place))};
    }

    static std::unique_ptr<transport::Hub> hub_of(const crypto::Identity& self,
                                                  const std::vector<Target>& targets) {
        transport::Options options;
        options.linger_ms = 0;
        auto opened = transport::Hub::open(self, options);
        EXPECT_TRUE(opened.ok());
        auto hub = std::make_unique<transport::Hub>(std::move(*opened));
        for (const Target& one : targets)
            EXPECT_TRUE(hub->connect(one.key, one.endpoint).ok());
        return hub;
    }

    static std::uint64_t heard(const std::filesystem::path& directory, const std::string& id) {
        const json now = status(directory);
        if (now.is_discarded()) return 0;
        for (const json& peer : now["peers"])
            if (peer["id"] == id) return peer["received"]["messages"].get<std::uint64_t>();
        return 0;
    }

    // By interval and net, who is in its record.
    std::map<std::pair<std::int64_t, int>, std::set<std::string>> records() {
        const auto shown = run_program(
            "kilter",
            {"log", "show", "--json", (installation_.coordinators[0] / "state/log.db").string()});
        EXPECT_EQ(shown.exit_code, 0) << shown.err;
        std::map<std::pair<std::int64_t, int>, std::set<std::string>> out;
        const json log = json::parse(shown.out);
        for (const json& block : log["blocks"])
            for (const json& entry : block["entries"]) {
                if (!entry.contains("cleared_net")) continue;
                const json& net = entry["cleared_net"];
                auto& members = out[{net["interval"].get<std::int64_t>(), net["net"].get<int>()}];
                EXPECT_TRUE(members.empty()) << "recorded twice";
                for (const json& member : net["members"])
                    members.insert(member["key"].get<std::string>());
            }
        return out;
    }
};

// Everything there is to say, none of it of use.
std::vector<wire::Message> rubbish(const std::vector<crypto::PublicKey>& peers) {
    wire::Share share;
    share.session = {1'978'150, 3};
    share.share.members = {PartyId{0}, PartyId{5}};
    share.share.words.assign(limits::share_words_max, 7);
    wire::SessionOpen open;
    open.session = {1'978'150, 3};
    open.members = {{PartyId{0}, 1.0}, {PartyId{5}, 1.0}};
    open.rho_eur_per_kw2 = 0.01;
    open.terminals = 4;
    open.start_dual_eur_per_kw = {0.0};
    wire::InterimOpen interim;
    interim.session = {1'978'151, 0x8000'0005};
    interim.base = {1'978'150, 4};
    interim.members = {PartyId{5}, PartyId{6}};
    std::vector<wire::Message> out{
        wire::Hello{{}, 1, 1},
        wire::Hello{{}, 99, 99},
        wire::refusal("no"),
        wire::CertifiedEntry{Bytes(limits::receipt_bytes_max, 1)},
        open,
        share,
        wire::SessionExcluded{{1'978'150, 3}, NetId{0}},
        wire::ClearingShare{{1'978'150, 3}, NetId{0}, 9, {}, {}},
        wire::Submit{Bytes(limits::submit_bytes_max, 1)},
        wire::ConsensusMessage{Bytes(limits::consensus_payload_bytes_max, 1)},
        wire::RosterUpdate{Bytes(100, 1), Bytes(limits::roster_bytes_max, 1)},
        wire::RulesUpdate{Bytes(limits::state_proof_bytes_max, 1)},
        wire::SessionJournal{Bytes(limits::journal_bytes_max, 1)},
        interim,
        wire::InterimRecord{Bytes(limits::submit_bytes_max, 1)},
        wire::Presence{1},
    };
    for (const auto& peer : {peers.front(), peers.back()})
        out.emplace_back(wire::Relayed{peers.front(), peer, Bytes(limits::relayed_bytes_max, 1)});
    return out;
}

TEST_F(DemoFlood, a_flood_changes_neither_result_nor_memory) {
    lay_out(generated_homes(nets), 25'400);
    start_all();
    ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(2));

    // The last home's gateway is in other hands now.
    const auto stolen = installation_.homes.back();
    stop(stolen);
    const auto identity = storage::read_key_file(stolen / "key");
    ASSERT_TRUE(identity.ok());
    std::vector<Target> targets;
    std::vector<crypto::PublicKey> keys;
    std::vector<std::filesystem::path> processes = installation_.coordinators;
    processes.insert(processes.end(), installation_.homes.begin(), installation_.homes.end() - 1);
    for (std::size_t place = 0; place < processes.size(); ++place) {
        targets.push_back(target(processes[place], place));
        keys.push_back(targets.back().key);
    }
    const auto admitted = hub_of(*identity, targets);
    std::vector<crypto::Identity> strangers;
    std::vector<std::unique_ptr<transport::Hub>> foreign;
    for (int i = 0; i < 8; ++i)
        strangers.push_back(crypto::Identity::generate());
    for (const auto& stranger : strangers)
        foreign.push_back(hub_of(stranger, targets));

    const std::vector<wire::Message> said = rubbish(keys);
    std::uint64_t sent = 0;
    int bursts = 0;  // of 10 MB to each process: as many as two cores can read while they trade
    const auto flood = [&] {
        if (++bursts > 20) return;
        for (const Target& to : targets)
            for (const wire::Message& message : said)
                sent += admitted->send(to.key, message) ? 1 : 0;
        for (auto& hub : foreign)
            for (const Target& to : targets)
                EXPECT_FALSE(hub->send(to.key, said.front())) << "a stranger was let in";
        while (admitted->receive()) {
        }
    };
    const std::vector<std::filesystem::path> honest(installation_.homes.begin(),
                                                    installation_.homes.end() - 1);
    const std::int64_t from = newest_interval(honest[0]);
    for (const auto& home : honest)
        ASSERT_TRUE(eventually([&] {
            flood();
            return newest_interval(home) >= from + 4;
        })) << home;
    EXPECT_GT(sent, 1'000u);
    const std::string id = short_hex(identity->public_key().view());
    const auto meets = [&](const std::filesystem::path& process) {
        return is_coordinator(process) || net_of(process) == net_of(stolen);
    };
    const auto was_flooded = [&](const auto& process) { return heard(process, id) > 50; };
    for (const auto& process : processes) {
        // A status says of its peers what was true some seconds ago.
        EXPECT_TRUE(!meets(process) || eventually([&] { return was_flooded(process); })) << process;
        EXPECT_TRUE(meets(process) || !was_flooded(process)) << process;
        EXPECT_LT(peak_kb(process), memory_kb_max) << process;
    }

    // The others' nets as ever, the stolen key's without it.
    const std::string key = to_hex(identity->public_key().view());
    std::size_t whole = 0;
    for (const auto& [place, members] : records()) {
        if (place.first <= from + 1 || place.first > from + 3) continue;
        EXPECT_EQ(members.contains(key), false) << place.first;
        EXPECT_GE(members.size(), 2u) << place.first;
        whole += members.size() == 3 ? 1 : 0;
    }
    EXPECT_EQ(whole, 2u) << "the other net's two records";
}

}  // namespace
}  // namespace kilter::tests::flood_test
