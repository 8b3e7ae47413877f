// Replicas with real stores and a perfect network: the shortest host there can be.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <stdlib.h>

#include "common/storage/log_store.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::storage {

/// A directory that goes away with its owner.
struct TemporaryDirectory {
    std::filesystem::path path;

    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "kilter-test-XXXXXX").string();
        path = mkdtemp(name.data());
    }

    ~TemporaryDirectory() { std::filesystem::remove_all(path); }

    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
};

class StoredCluster {
  public:
    StoredCluster(settlement::Genesis genesis, std::filesystem::path directory)
        : genesis_(std::move(genesis)), directory_(std::move(directory)), ledger_(genesis_) {}

    [[nodiscard]] std::filesystem::path file(std::size_t i) const {
        return directory_ / ("replica" + std::to_string(i) + ".db");
    }

    [[nodiscard]] std::size_t size() const { return genesis_.validators.size(); }

    void start(std::size_t i) {
        Result<LogStore> store = LogStore::open(file(i), genesis_);
        KILTER_CHECK(store.ok(), store.error().message.c_str());
        const auto knows = knowledge.find(i);
        ledgers_[i] = std::make_unique<settlement::Ledger>(
            genesis_, knows == knowledge.end() ? governance::known_rules() : knows->second);
        Result<consensus::DurableImage> image = store->load(*ledgers_[i]);
        KILTER_CHECK(image.ok(), image.error().message.c_str());
        consensus::Replica replica(settlement::config_of(genesis_, parameters),
                                   settlement::coordinator(static_cast<std::uint8_t>(i)),
                                   *ledgers_[i], *std::move(image));
        running_.erase(i);
        running_.emplace(i, Running{*std::move(store), std::move(replica)});
        step(i, consensus::Started{});
    }

    void start_all() {
        for (std::size_t i = 0; i < size(); ++i)
            start(i);
    }

    /// What a restart would begin with.
    [[nodiscard]] consensus::DurableImage load(std::size_t i) {
        Result<consensus::DurableImage> image = store(i).load(*ledgers_[i]);
        KILTER_CHECK(image.ok(), image.error().message.c_str());
        return *std::move(image);
    }

    /// As kill -9: nothing is flushed that was not durable.
    void stop(std::size_t i) { running_.erase(i); }

    void step(std::size_t i, const consensus::Input& input) {
        const auto found = running_.find(i);
        if (found == running_.end()) return;
        consensus::Outputs out = found->second.replica.step(input, settlement::start_ms + now_ms);
        found->second.store.apply(out.persist);
        for (const auto& send : out.send)
            post(i, send.to, send.message);
        for (const auto& letter : out.letters)
            write(i, letter.to, letter.message);
        for (const auto& serve : out.serve)
            if (auto answer = found->second.store.answer(serve.ask)) write(i, serve.to, *answer);
        for (const auto& arm : out.arm)
            timers_[{i, arm.timer.kind}] = {now_ms + arm.delay_ms, arm.timer};
        KILTER_CHECK(!out.halt || knowledge.contains(i), "a replica halted");
        if (out.halt) halts[i] = *out.halt;
        for (auto& final : out.finalised)
            finalised[i].push_back(std::move(final));
        for (auto& answer : out.answers)
            answers.push_back(std::move(answer));
    }

    /// To this coordinator, or to the next one that lives.
    void submit(std::size_t i, const consensus::EntryPtr& entry) {
        while (!running_.contains(i))
            i = (i + 1) % size();
        step(i, consensus::Submitted{{entry}, {}});
    }

    /// Messages first, then the earliest timer, for so much simulated time.
    void run(std::int64_t duration_ms) {
        const std::int64_t end = now_ms + duration_ms;
        for (;;) {
            while (!inbox_.empty()) {
                auto [from, to, bytes] = std::move(inbox_.front());
                inbox_.pop_front();
                Result<consensus::Message> message = consensus::decode(bytes);
                KILTER_CHECK(message.ok(), "a message does not decode");
                if (loses && loses(*message)) continue;
                deliver(from, to, *std::move(message));
            }
            auto next = timers_.end();
            for (auto at = timers_.begin(); at != timers_.end(); ++at)
                if (next == timers_.end() || at->second.first < next->second.first) next = at;
            if (next == timers_.end() || next->second.first > end) break;
            now_ms = std::max(now_ms, next->second.first);
            const consensus::Timer timer = next->second.second;
            const std::size_t who = next->first.first;
            timers_.erase(next);
            step(who, consensus::TimerElapsed{timer});
        }
        now_ms = end;
    }

    LogStore& store(std::size_t i) { return running_.at(i).store; }

    consensus::Replica& replica(std::size_t i) { return running_.at(i).replica; }

    const settlement::Genesis& genesis() const { return genesis_; }

    const consensus::ChainId& chain() const { return ledger_.chain(); }

    std::map<std::size_t, std::vector<consensus::Finalised>> finalised;
    std::vector<consensus::SubmissionAnswer> answers;
    std::int64_t now_ms = 1;
    /// Replicas that know other rules than this program; only they may halt.
    std::map<std::size_t, governance::KnownRules> knowledge;
    std::map<std::size_t, std::string> halts;

    consensus::Parameters parameters;
    std::function<bool(const consensus::Message&)> loses;  ///< messages that do not arrive

  private:
    static crypto::PublicKey key(std::size_t i) {
        return settlement::coordinator(static_cast<std::uint8_t>(i)).public_key();
    }

    /// As the coordinator's host does it: indices are places in the current set, and whoever has none is an outsider.
    void deliver(std::size_t from, std::size_t to, consensus::Message message) {
        const auto found = running_.find(to);
        if (found == running_.end()) return;
        if (const auto index = found->second.replica.validators().index_of(key(from)))
            step(to, consensus::MessageReceived{*index, std::move(message)});
        else
            step(to, consensus::OutsiderSaid{key(from), std::move(message)});
    }

    struct Running {
        LogStore store;
        consensus::Replica replica;
    };

    void write(std::size_t from, const crypto::PublicKey& to, const consensus::Message& message) {
        for (const auto& [process, running] : running_)
            if (process != from && key(process) == to)
                inbox_.push_back({from, process, consensus::encode(message)});
    }

    void post(std::size_t from,
              std::optional<consensus::ReplicaIndex> to,
              const consensus::Message& message) {
        const Bytes bytes = consensus::encode(message);
        const auto& validators = running_.at(from).replica.validators().validators;
        for (std::size_t i = 0; i < validators.size(); ++i)
            for (const auto& [process, running] : running_)
                if (process != from && key(process) == validators[i].key && (!to || *to == i))
                    inbox_.push_back({from, process, bytes});
    }

    settlement::Genesis genesis_;
    std::filesystem::path directory_;
    settlement::Ledger ledger_;
    std::map<std::size_t, std::unique_ptr<settlement::Ledger>> ledgers_;
    std::map<std::size_t, Running> running_;
    std::deque<std::tuple<std::size_t, std::size_t, Bytes>> inbox_;
    std::map<std::pair<std::size_t, consensus::TimerKind>,
             std::pair<std::int64_t, consensus::Timer>>
        timers_;
};

}  // namespace kilter::storage
