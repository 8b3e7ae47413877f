#include "coordinator/logbench/bench_replica.hpp"

#include <fstream>
#include <optional>
#include <unordered_set>

#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/key_file.hpp"
#include "coordinator/log/log_host.hpp"
#include "coordinator/logbench/opaque_ledger.hpp"

namespace kilter::coordinator {

namespace {
constexpr int messages_per_turn_max = 256;
constexpr std::int64_t progress_ms = 500;
constexpr std::int64_t learner_progress_ms = 20;
constexpr std::size_t waiting_max = 100'000;
constexpr std::size_t remembered = 1u << 18;  // entries, and as many before them

class Running final : public LogEvents {
  public:
    Running(Site site, Mode mode, std::size_t index)
        : site_(std::move(site)), mode_(mode), index_(index), client_(site_.genesis.operator_key) {}

    Result<void> open(unsigned workers, const consensus::Parameters& parameters) {
        auto own = storage::read_key_file(site_.replica(index_) / "key");
        if (!own) return own.error();
        identity_.emplace(std::move(*own));
        const bool full = mode_ == Mode::full;
        ledger_.emplace(full ? Memory::ids : Memory::counters, site_.genesis.time_ms);
        auto store = storage::LogStore::open(
            site_.store(index_), site_.genesis,
            full ? storage::Durability::synchronised : storage::Durability::none);
        if (!store) return store.error();
        auto image = store->load(*ledger_);
        if (!image) return image.error();
        const auto& members = site_.genesis.validators.validators;
        const std::string bind = index_ < members.size() ? members[index_].endpoint : site_.learner;
        auto hub =
            transport::Hub::open(*identity_, {.bind = bind, .queue_messages_max = queue_messages});
        if (!hub) return hub.error();
        hub_.emplace(std::move(*hub));
        if (auto linked = link_all(); !linked) return linked;
        log_.emplace(loop_, *hub_, std::move(*store),
                     consensus::Replica(settlement::config_of(site_.genesis, parameters),
                                        crypto::Identity::from_seed(identity_->seed()), *ledger_,
                                        std::move(*image)),
                     *ledger_, *this, EntryWorkers::Options{workers, full});
        return {};
    }

    Result<void> run() {
        loop_.watch(hub_->inbound(), [this] { take_mail(); });
        loop_.after_turn([this] {
            ++turns_;
            log_->finish_turn();
            answer_client();
        });
        log_->start();
        write_progress();
        loop_.run();
        if (halted_) return Error{"the log has halted: " + *halted_};
        log_->store().checkpoint();
        const transport::Counts traffic = hub_->stats().total;
        spdlog::info(
            "height {} entries {} turns {} sent {} messages {} bytes received {} messages {} bytes "
            "unsent {}",
            height_, entries_, turns_, traffic.sent.messages, traffic.sent.bytes,
            traffic.received.messages, traffic.received.bytes, traffic.unsent);
        return {};
    }

    void on_final(const consensus::Finalised& final) override {
        entries_ += final.block->entries.size();
        height_ = final.block->header.height;
        std::vector<std::size_t> positions;
        for (std::size_t i = 0; i < final.block->entries.size(); ++i)
            if (waiting_.erase(final.block->entries[i]->id) > 0) positions.push_back(i);
        if (mode_ == Mode::order) {
            for (const std::size_t i : positions)
                finals_.push_back(tag_of(final.block->entries[i]->id));
            if (newest_.size() >= remembered) older_ = std::exchange(newest_, {});
            for (const consensus::EntryPtr& entry : final.block->entries)
                newest_.insert(tag_of(entry->id));
            return;
        }
        for (consensus::Receipt& receipt : consensus::make_receipts(final, positions))
            receipts_.push_back(consensus::encode(receipt));
    }

    void on_answer(const consensus::SubmissionAnswer& answer) override {
        using consensus::SubmissionStatus;
        if (answer.status == SubmissionStatus::accepted ||
            answer.status == SubmissionStatus::pending)
            return;
        waiting_.erase(answer.id);
        if (answer.status == SubmissionStatus::final) {
            if (auto receipt = log_->store().receipt(answer.id))
                receipts_.push_back(consensus::encode(*receipt));
            return;
        }
        // Whom the client gave it first may have died, and counters do not say whose they are.
        if (const std::uint64_t tag = tag_of(answer.id); newest_.count(tag) + older_.count(tag) > 0)
            finals_.push_back(tag);
        else
            hub_->send(client_, wire::refusal(answer.reason));
    }

    void on_jump() override { height_ = log_->replica().status().final_height; }

    [[nodiscard]] bool may_learn(const crypto::PublicKey& key) const override {
        return key == site_.learner_key;
    }

    void on_halt(const std::string& reason) override {
        halted_ = reason;
        loop_.stop();
    }

  private:
    Result<void> link_all() {
        std::vector<crypto::PublicKey> keys{client_};
        const auto link = [&](const crypto::PublicKey& key, const std::string& to) -> Result<void> {
            if (key == identity_->public_key()) return {};
            return hub_->connect(key, to);
        };
        for (const auto& member : site_.genesis.validators.validators) {
            keys.push_back(member.key);
            if (auto linked = link(member.key, member.endpoint); !linked) return linked;
        }
        keys.push_back(site_.learner_key);
        if (auto linked = link(site_.learner_key, site_.learner); !linked) return linked;
        hub_->admit(keys);
        return hub_->connect(client_, site_.client);
    }

    void take_mail() {
        for (int i = 0; i < messages_per_turn_max; ++i) {
            const auto received = hub_->receive();
            if (!received) return;
            if (const auto* payload = std::get_if<wire::ConsensusMessage>(&received->message)) {
                if (received->from == client_)
                    take_batch(payload->payload);
                else
                    log_->receive(received->from, payload->payload);
            } else if (const auto* submit = std::get_if<wire::Submit>(&received->message)) {
                if (auto entry = consensus::decode_sealed(submit->entry)) take(*entry);
            }
        }
    }

    void take(const consensus::EntryPtr& entry) {
        if (waiting_.size() >= waiting_max) waiting_.clear();
        waiting_.insert(entry->id);
        log_->submit(entry);
    }

    void take_batch(const Bytes& payload) {
        const auto message = consensus::decode(payload);
        if (!message) return;
        if (const auto* submit = std::get_if<consensus::Submit>(&*message))
            for (const consensus::EntryPtr& entry : submit->entries)
                take(entry);
    }

    void answer_client() {
        for (Bytes& receipt : std::exchange(receipts_, {}))
            hub_->send(client_, wire::CertifiedEntry{std::move(receipt)});
        if (!finals_.empty())
            hub_->send(client_, wire::ConsensusMessage{encode_finals(std::exchange(finals_, {}))});
    }

    void write_progress() {
        const std::string text = std::to_string(height_) + " " + std::to_string(entries_) + "\n";
        if (auto written = runtime::replace_file(site_.replica(index_) / "progress", text);
            !written)
            spdlog::error("{}", written.error().message);
        const bool learns = index_ >= site_.replicas();
        loop_.arm(learns ? learner_progress_ms : progress_ms, [this] { write_progress(); });
    }

    runtime::Loop loop_;  // first: the hub's threads inherit its signal mask
    Site site_;
    Mode mode_;
    std::size_t index_;
    crypto::PublicKey client_;
    std::optional<crypto::Identity> identity_;
    std::optional<OpaqueLedger> ledger_;
    std::optional<transport::Hub> hub_;
    std::optional<LogHost> log_;
    std::unordered_set<consensus::EntryId> waiting_;  // the client's
    std::vector<Bytes> receipts_;                     // to send at the end of the turn
    std::vector<std::uint64_t> finals_;
    std::unordered_set<std::uint64_t> newest_, older_;  // order mode: tags that became final
    std::uint64_t turns_ = 0;
    std::uint64_t height_ = 0;
    std::uint64_t entries_ = 0;
    std::optional<std::string> halted_;
};
}  // namespace

Result<void> BenchReplica::run() const {
    auto site = load_site(directory);
    if (!site) return site.error();
    if (index > site->replicas()) return Error{"there is no replica " + std::to_string(index)};
    Running running(*std::move(site), mode, index);
    if (auto opened = running.open(workers, parameters); !opened) return opened;
    return running.run();
}

Progress progress_of(const Site& site, std::size_t replica) {
    Progress out;
    std::ifstream in(site.replica(replica) / "progress");
    in >> out.height >> out.entries;
    return out;
}

std::uint64_t tag_of(const consensus::EntryId& id) {
    return ByteReader(id.view()).u64();
}

Bytes encode_finals(const std::vector<std::uint64_t>& tags) {
    ByteWriter out;
    for (const std::uint64_t tag : tags)
        out.u64(tag);
    return std::move(out).bytes();
}

std::vector<std::uint64_t> decode_finals(ByteView bytes) {
    ByteReader in(bytes);
    std::vector<std::uint64_t> out;
    while (in.left() >= 8)
        out.push_back(in.u64());
    return out;
}

}  // namespace kilter::coordinator
