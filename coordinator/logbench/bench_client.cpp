#include "coordinator/logbench/bench_client.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/base/limits.hpp"
#include "coordinator/logbench/bench_replica.hpp"
#include "coordinator/logbench/opaque_ledger.hpp"

namespace kilter::coordinator {

using consensus::EntryPtr;

namespace {
constexpr std::size_t entry_bytes = 300;  // in full mode, all of it
constexpr std::size_t entry_frame_bytes = 1 + 1 + 32 + 8 + 8 + 1 + 4 + 64;
constexpr std::size_t authors = 16;
constexpr std::int64_t resend_us = 1'500'000;
constexpr std::int64_t tick_ms = 10;
constexpr double drain_s = 15;
constexpr std::size_t receipts_kept = 2'000;
constexpr std::uint64_t receipt_every = 97;
}  // namespace

std::int64_t monotonic_us() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

double Sample::latency_ms(double share) const {
    if (latencies_us.empty()) return 0;
    const auto last = static_cast<double>(latencies_us.size() - 1);
    return static_cast<double>(latencies_us[static_cast<std::size_t>(share * last)]) / 1e3;
}

double Sample::longest_gap_ms(std::int64_t from_us, std::int64_t to_us) const {
    std::int64_t last = from_us;
    std::int64_t longest = 0;
    for (const std::int64_t at : final_us) {
        if (at < from_us || at > to_us) continue;
        longest = std::max(longest, at - last);
        last = at;
    }
    return static_cast<double>(std::max(longest, to_us - last)) / 1e3;
}

BenchClient::BenchClient(const Site& site, Mode mode)
    : site_(site), mode_(mode), chain_(site.genesis.chain_id()), outboxes_(site.replicas()) {
    for (std::size_t i = 0; i < authors; ++i)
        authors_.push_back(crypto::Identity::generate());
    for (std::size_t i = 0; i < site.replicas(); ++i)
        in_use_.push_back(i);
}

Result<std::unique_ptr<BenchClient>> BenchClient::open(const Site& site,
                                                       Mode mode,
                                                       const crypto::Identity& identity) {
    std::unique_ptr<BenchClient> client(new BenchClient(site, mode));
    auto hub =
        transport::Hub::open(identity, {.bind = site.client, .queue_messages_max = queue_messages});
    if (!hub) return hub.error();
    client->hub_.emplace(std::move(*hub));
    std::vector<crypto::PublicKey> keys;
    for (const auto& validator : site.genesis.validators.validators) {
        keys.push_back(validator.key);
        if (auto linked = client->hub_->connect(validator.key, validator.endpoint); !linked)
            return linked.error();
    }
    client->hub_->admit(keys);
    client->loop_.watch(client->hub_->inbound(), [c = client.get()] { c->take_mail(); });
    client->loop_.after_turn([c = client.get()] { c->send_out(); });
    return client;
}

EntryPtr BenchClient::make_entry(std::int64_t life_ms) {
    consensus::Entry entry;
    entry.type = opaque_entry;
    const crypto::Identity& author = authors_[counter_ % authors];
    entry.seq = 1 + counter_++ / authors;
    entry.expires_ms = runtime::now_ms() + life_ms;
    if (mode_ == Mode::full) {
        entry.body.assign(entry_bytes - entry_frame_bytes, 0x5a);
        consensus::sign(entry, chain_, author);
    } else {
        entry.author = author.public_key();  // nobody looks at the signature: it only differs
        const Bytes counter = ByteWriter{}.u64(counter_).bytes();
        std::copy(counter.begin(), counter.end(), entry.signature.bytes.begin());
    }
    return consensus::seal(std::move(entry));
}

EntryPtr BenchClient::next_entry(std::int64_t life_ms) {
    if (signed_.empty()) return make_entry(life_ms);
    EntryPtr entry = std::move(signed_.front());
    signed_.pop_front();
    return entry;
}

void BenchClient::sign_ahead(std::uint64_t entries, std::int64_t life_ms) {
    for (std::uint64_t i = 0; i < entries; ++i)
        signed_.push_back(make_entry(life_ms));
}

void BenchClient::give_up(std::size_t replica) {
    std::erase(in_use_, replica);
}

Result<void> BenchClient::wait_for_links(double seconds) {
    const std::int64_t until = monotonic_us() + static_cast<std::int64_t>(1e6 * seconds);
    const auto linked = [&] {
        return std::all_of(in_use_.begin(), in_use_.end(), [&](std::size_t i) {
            return hub_->connected(site_.genesis.validators.validators[i].key);
        });
    };
    while (!linked()) {
        if (monotonic_us() > until)
            return Error{
                "not all replicas came up; with --dir DIR --keep, what each said is in DIR"};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return {};
}

void BenchClient::place(const EntryPtr& entry) {
    for (std::size_t tried = 0; tried < in_use_.size(); ++tried) {
        const std::size_t replica = in_use_[turn_++ % in_use_.size()];
        if (mode_ == Mode::order) {
            outboxes_[replica].push_back(entry);
            return;
        }
        if (hub_->send(site_.genesis.validators.validators[replica].key,
                       wire::Submit{entry->encoded}))
            return;
    }
}

void BenchClient::send_out() {
    refill();
    for (std::size_t i = 0; i < outboxes_.size(); ++i) {
        std::vector<EntryPtr>& box = outboxes_[i];
        while (!box.empty()) {
            consensus::Submit batch;
            const auto count =
                static_cast<std::ptrdiff_t>(std::min(box.size(), limits::block_entries_max));
            batch.entries.assign(box.begin(), box.begin() + count);
            box.erase(box.begin(), box.begin() + count);
            hub_->send(site_.genesis.validators.validators[i].key,
                       wire::ConsensusMessage{consensus::encode(consensus::Message(batch))});
        }
    }
}

void BenchClient::refill() {
    while (sending_ && pending_.size() < current_->outstanding) {
        const EntryPtr entry = next_entry(current_->life_ms);
        const std::int64_t now = monotonic_us();
        pending_.emplace(tag_of(entry->id), Pending{entry, now, now});
        place(entry);
    }
}

void BenchClient::resend_late() {
    const std::int64_t now = monotonic_us();
    for (auto& [tag, pending] : pending_) {
        if (now - pending.sent_us < resend_us) continue;
        pending.sent_us = now;
        ++sample_.resent;
        place(pending.entry);
    }
}

void BenchClient::answered(std::uint64_t tag) {
    const auto found = pending_.find(tag);
    if (found == pending_.end()) return;
    ++answered_;
    if (measuring_) {
        const std::int64_t now = monotonic_us();
        sample_.latencies_us.push_back(now - found->second.first_us);
        sample_.final_us.push_back(now);
    }
    pending_.erase(found);
}

void BenchClient::take_mail() {
    while (const auto received = hub_->receive()) {
        if (const auto* proof = std::get_if<wire::CertifiedEntry>(&received->message)) {
            const auto receipt = consensus::decode_receipt(proof->receipt);
            if (!receipt) continue;
            answered(tag_of(consensus::seal(receipt->entry)->id));
            if (answered_ % receipt_every == 0 && receipts_.size() < receipts_kept)
                receipts_.push_back(proof->receipt);
        } else if (const auto* finals = std::get_if<wire::ConsensusMessage>(&received->message)) {
            for (const std::uint64_t tag : decode_finals(finals->payload))
                answered(tag);
        } else if (const auto* refusal = std::get_if<wire::Refusal>(&received->message)) {
            ++sample_.refused;
            refusal_ = refusal->reason;
        }
    }
}

Result<Sample> BenchClient::run(const Load& load, const std::function<void(double)>& tick) {
    sample_ = {};
    sending_ = true;
    const std::int64_t begin = monotonic_us() + static_cast<std::int64_t>(1e6 * load.warm_up_s);
    const std::int64_t end = begin + static_cast<std::int64_t>(1e6 * load.seconds);
    const std::uint64_t before = answered_;
    measuring_ = load.warm_up_s <= 0;
    std::int64_t ended = 0;
    bool stuck = false;
    std::int64_t next_resend = 0;
    const std::function<void()> turn = [&] {
        const std::int64_t now = monotonic_us();
        measuring_ = sending_ && now >= begin;
        if (tick) tick(static_cast<double>(now - begin) / 1e6);
        const bool over = load.entries > 0 ? answered_ - before >= load.entries : now >= end;
        if (sending_ && over) {
            sending_ = measuring_ = false;
            ended = now;
        }
        if (now >= next_resend) {
            resend_late();
            next_resend = now + 100'000;
        }
        stuck = !sending_ && now > ended + static_cast<std::int64_t>(1e6 * drain_s);
        if ((!sending_ && pending_.empty()) || stuck)
            loop_.stop();
        else
            loop_.arm(tick_ms, turn);
    };
    current_ = &load;
    loop_.arm(0, turn);
    const int signal = loop_.run();
    current_ = nullptr;
    if (signal != 0) return Error{"interrupted"};
    if (stuck)
        return Error{std::to_string(pending_.size()) + " entries were not answered within " +
                     std::to_string(static_cast<int>(drain_s)) + " s" +
                     (refusal_.empty() ? "" : "; a replica said: " + refusal_)};
    sample_.seconds = static_cast<double>(ended - begin) / 1e6;
    sample_.entries = sample_.latencies_us.size();
    std::sort(sample_.latencies_us.begin(), sample_.latencies_us.end());
    return std::move(sample_);
}

}  // namespace kilter::coordinator
