// Four real coordinators, each behind a fault proxy: connections break, stall and fall silent, processes are killed and
// stopped, one has no room left on its disk. Entries go in all the while through the coordinators' spools; an entry is
// acknowledged when its file is gone, which a coordinator does once it is final. In the end every acknowledged entry is on
// every log exactly once, and all logs are one.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/base/prng.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/entries.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/process.hpp"
#include "tests/integration/fault_proxy.hpp"
#include "tests/integration/program.hpp"

namespace kilter::tests::log_under_fire_test {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t coordinators = 4;
constexpr std::size_t homes = 3;
constexpr int tick_ms = 100;
constexpr IntervalIndex first_interval = 1'978'148;
constexpr std::size_t outstanding_max = 6;

class Street {
  public:
    Street() {
        const auto ports = cli::free_ports(2 * coordinators);
        KILTER_CHECK(ports.ok(), "ports");
        std::vector<FaultProxy::Route> routes;
        genesis_.time_ms = runtime::now_ms();
        genesis_.operator_key = operator_.public_key();
        genesis_.market_parameters = market::Parameters{}.encode();
        for (std::size_t i = 0; i < coordinators; ++i) {
            const auto n = static_cast<int>(i);
            routes.push_back({*ports + n, *ports + static_cast<int>(coordinators) + n});
            keys_.push_back(crypto::Identity::generate());
            const auto& key = keys_.back().public_key();
            const std::string outside = "tcp://127.0.0.1:" + std::to_string(routes[i].listens);
            genesis_.validators.validators.push_back({key, outside});
            members_.push_back({key, settlement::Role::coordinator, NetId{0}, 333, outside});
            write_installation(i, routes[i].leads_to);
        }
        for (std::size_t i = 0; i < homes; ++i) {
            homes_.push_back(crypto::Identity::generate());
            members_.push_back(
                {homes_[i].public_key(), settlement::Role::home, NetId{0}, 1'000, ""});
            members_.back().service_point.bytes[0] = static_cast<std::uint8_t>(i + 1);
        }
        const Bytes document = genesis_.encode();
        write_file(folder_ / "genesis.bin", std::string(document.begin(), document.end()));
        proxy_ = std::make_unique<FaultProxy>(routes);
        running_.resize(coordinators);
    }

    [[nodiscard]] fs::path directory(std::size_t i) const {
        return folder_ / ("coordinator-" + std::to_string(i));
    }

    [[nodiscard]] fs::path store(std::size_t i) const { return directory(i) / "state/log.db"; }

    [[nodiscard]] std::string genesis_file() const { return folder_ / "genesis.bin"; }

    [[nodiscard]] const settlement::Genesis& genesis() const { return genesis_; }

    /// `file_bytes_max` > 0: no file of it may grow larger.
    void start(std::size_t i, std::size_t file_bytes_max = 0) {
        std::vector<std::string> words{std::string(KILTER_BINARY_DIR) + "/kilter-coordinator",
                                       "run", "--config", directory(i) / "coordinator.toml"};
        // A write beyond the limit fails instead of ending the process; the shell counts blocks of 512 bytes.
        if (file_bytes_max > 0)
            words = {"/bin/sh", "-c",
                     "trap '' XFSZ; ulimit -f " + std::to_string(file_bytes_max / 512) + "; exec " +
                         words[0] + " run --config " + words[3]};
        auto process = cli::Process::start(words, log_of(i));
        KILTER_CHECK(process.ok(), "the coordinator starts");
        running_[i].emplace(*std::move(process));
    }

    [[nodiscard]] fs::path log_of(std::size_t i) const { return directory(i) / "output"; }

    std::optional<cli::Process>& process(std::size_t i) { return running_[i]; }

    FaultProxy& proxy() { return *proxy_; }

    void submit_roster() {
        const auto entry =
            settlement::make_entry(settlement::first_changes(members_).front(), genesis_.chain_id(),
                                   1, runtime::now_ms() + 3'600'000, operator_);
        for (std::size_t i = 0; i < coordinators; ++i)
            put(i, entry);
    }

    /// The next entry, to these coordinators.
    void submit(const std::vector<std::size_t>& to) {
        settlement::ClearedNet net;
        net.interval = first_interval + static_cast<IntervalIndex>(entries_.size());
        net.net = NetId{0};
        net.roster_epoch = 1;
        net.outcome = settlement::Outcome::converged;
        net.prices_micro_eur_per_kwh.assign(96, 250'000);
        for (const auto& home : homes_) {
            settlement::ClearedMember member{
                home.public_key(), crypto::digest("test", home.public_key().view()), {}};
            member.signature = home.sign(settlement::clearing_statement(
                genesis_.chain_id(), net.interval, net.opening, net.net, net.iteration,
                net.prices_micro_eur_per_kwh, member.commitment));
            net.members.push_back(member);
        }
        std::sort(net.members.begin(), net.members.end(),
                  [](const auto& a, const auto& b) { return a.key < b.key; });
        const auto entry = settlement::make_entry(net, genesis_.chain_id(), entries_.size(),
                                                  runtime::now_ms() + 3'600'000, keys_[to[0]]);
        for (const std::size_t i : to)
            put(i, entry);
    }

    /// Entries whose every file is gone.
    [[nodiscard]] std::size_t acknowledged() const {
        return static_cast<std::size_t>(
            std::count_if(files_.begin(), files_.end(), [](const auto& of_entry) {
                return std::none_of(of_entry.second.begin(), of_entry.second.end(),
                                    [](const fs::path& file) { return fs::exists(file); });
            }));
    }

    [[nodiscard]] const std::set<consensus::EntryId>& entries() const { return entries_; }

    /// The proxy carries on until this holds. False: it took too long.
    template <class Condition>
    bool wait(int seconds, Condition holds) {
        const auto end = steady_clock::now() + std::chrono::seconds(seconds);
        while (!holds()) {
            if (steady_clock::now() > end) return false;
            proxy_->run(tick_ms);
        }
        return true;
    }

    /// Height of the log by the coordinator's own account; none: it has not said.
    [[nodiscard]] std::optional<std::int64_t> height(std::size_t i) const {
        const auto status =
            nlohmann::json::parse(read_file(directory(i) / "state/status.json"), nullptr, false);
        if (status.is_discarded()) return std::nullopt;
        return status["log"]["height"].get<std::int64_t>();
    }

  private:
    void write_installation(std::size_t i, int port) {
        fs::create_directories(directory(i));
        KILTER_CHECK(runtime::make_private_directory(directory(i) / "state" / "submit").ok(),
                     "folders");
        KILTER_CHECK(storage::write_key_file(directory(i) / "key", keys_[i]).ok(), "a key");
        write_file(directory(i) / "coordinator.toml",
                   "state_dir = \"state\"\nkey_file = \"key\"\ngenesis = \"../genesis.bin\"\n"
                   "bind = \"tcp://127.0.0.1:" +
                       std::to_string(port) +
                       "\"\ntopology = \"" KILTER_SOURCE_DIR
                       "/topologies/baran-wu-33.toml\"\nlog_level = \"warn\"\n"
                       "[gate]\nfollow_clock = true\nlead_ms = 1\n");
    }

    void put(std::size_t i, const consensus::EntryPtr& entry) {
        const fs::path file = directory(i) / "state/submit" / (to_hex(entry->id.view()) + ".entry");
        KILTER_CHECK(
            runtime::replace_file(
                file, {reinterpret_cast<const char*>(entry->encoded.data()), entry->encoded.size()})
                .ok(),
            "the spool takes a file");
        files_[entry->id].push_back(file);
        entries_.insert(entry->id);
    }

    TemporaryFolder folder_;
    crypto::Identity operator_ = crypto::Identity::generate();
    std::vector<crypto::Identity> keys_, homes_;
    settlement::Genesis genesis_;
    std::vector<settlement::RosterMember> members_;
    std::unique_ptr<FaultProxy> proxy_;
    std::vector<std::optional<cli::Process>> running_;
    std::set<consensus::EntryId> entries_;
    std::map<consensus::EntryId, std::vector<fs::path>> files_;
};

/// What happens to the street, by a fixed seed.
class Misfortune {
  public:
    Misfortune(Street& street, std::uint64_t seed) : street_(street), prng_(seed) {}

    void strike() {
        for (std::size_t i = 0; i < coordinators; ++i) {
            if (until_[i] > 0 && --until_[i] == 0) recover(i);
        }
        if (prng_.chance(0.05)) street_.proxy().cut(prng_, 0.4);
        if (prng_.chance(0.05)) street_.proxy().delay(prng_, 0.4, 400);
        if (!prng_.chance(0.06)) return;
        const std::size_t victim = prng_.below(coordinators);
        if (until_[victim] > 0) return;
        until_[victim] = 5 + static_cast<int>(prng_.below(20));
        how_[victim] = prng_.below(3);
        ++strikes_[how_[victim]];
        switch (how_[victim]) {
            case 0:
                street_.process(victim)->kill();
                break;
            case 1:
                street_.process(victim)->signal(SIGSTOP);
                break;
            case 2:  // the others do not reach it; what it says goes out
                street_.proxy().silence(victim);
                break;
        }
    }

    void end() {
        for (std::size_t i = 0; i < coordinators; ++i)
            if (until_[i] > 0) recover(i);
        street_.proxy().heal();
    }

    [[nodiscard]] bool all_happened() const {
        return std::all_of(std::begin(strikes_), std::end(strikes_), [](int n) { return n > 0; });
    }

  private:
    void recover(std::size_t i) {
        until_[i] = 0;
        if (how_[i] == 0) street_.start(i);
        if (how_[i] == 1) street_.process(i)->signal(SIGCONT);
        if (how_[i] == 2) street_.proxy().heal();
    }

    Street& street_;
    Prng prng_;
    int until_[coordinators] = {};  // ticks
    std::uint64_t how_[coordinators] = {};
    int strikes_[3] = {};
};

TEST(LogUnderFire, EveryAcknowledgedEntryIsOnEveryLogExactlyOnce) {
    constexpr std::size_t wanted = 60;
    Street street;
    // The last one's disk is full soon.
    for (std::size_t i = 0; i + 1 < coordinators; ++i)
        street.start(i);
    street.start(coordinators - 1, 700u << 10);
    street.submit_roster();
    ASSERT_TRUE(street.wait(60, [&] { return street.acknowledged() == 1; }));
    Prng prng(4);
    const auto feed = [&] {
        if (street.entries().size() - street.acknowledged() >= outstanding_max) return;
        std::vector<std::size_t> to{prng.below(coordinators - 1)};
        if (prng.chance(0.3)) to.push_back((to[0] + 1) % (coordinators - 1));
        street.submit(to);
    };
    ASSERT_TRUE(street.wait(60, [&] {
        feed();
        return street.process(coordinators - 1)->exited().has_value();
    })) << "its log outgrows the limit";
    EXPECT_NE(street.process(coordinators - 1)->exited(), 0);
    EXPECT_NE(read_file(street.log_of(coordinators - 1)).find("log.db"), std::string::npos)
        << "it says which file";
    street.start(coordinators - 1);

    Misfortune misfortune(street, 7);
    const std::size_t before = street.entries().size();
    EXPECT_TRUE(street.wait(120, [&] {
        feed();
        misfortune.strike();
        return street.entries().size() >= before + wanted && misfortune.all_happened();
    }));
    misfortune.end();
    ASSERT_TRUE(street.wait(120, [&] { return street.acknowledged() == street.entries().size(); }))
        << street.acknowledged() << " of " << street.entries().size();
    EXPECT_TRUE(street.wait(60, [&] {
        for (std::size_t i = 0; i < coordinators; ++i)
            if (!street.height(i) || street.height(i) != street.height(0)) return false;
        return true;
    }));
    for (std::size_t i = 0; i < coordinators; ++i)
        street.process(i)->signal(SIGTERM);
    for (std::size_t i = 0; i < coordinators; ++i) {
        EXPECT_TRUE(street.wait(30, [&] { return street.process(i)->exited().has_value(); }));
        EXPECT_EQ(street.process(i)->exited(), 0) << read_file(street.log_of(i));
    }

    RecordProperty("entries", static_cast<int>(street.entries().size()));
    // An outsider's eyes: every page, signature, rule and receipt of all four, and the logs with each other.
    std::vector<std::string> words{"log", "verify", "--genesis", street.genesis_file()};
    for (std::size_t i = 0; i < coordinators; ++i)
        words.push_back(street.store(i).string());
    const auto verified = run_program("kilter", words);
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
    for (std::size_t i = 0; i < coordinators; ++i) {
        auto store = storage::LogStore::open_read_only(street.store(i));
        ASSERT_TRUE(store.ok()) << store.error().message;
        std::multiset<consensus::EntryId> on_log;
        for (consensus::Height h = 1; h <= store->height(); ++h) {
            const auto final = store->block(h);
            ASSERT_TRUE(final.ok()) << final.error().message;
            for (const auto& entry : final->block->entries)
                on_log.insert(entry->id);
        }
        for (const consensus::EntryId& id : street.entries()) {
            EXPECT_EQ(on_log.count(id), 1u) << "coordinator " << i;
            const auto receipt = store->receipt(id);
            ASSERT_TRUE(receipt);
            EXPECT_EQ(consensus::verify(*receipt, street.genesis().chain_id(),
                                        street.genesis().validators),
                      consensus::ReceiptVerdict::valid);
        }
    }
}

}  // namespace
}  // namespace kilter::tests::log_under_fire_test
