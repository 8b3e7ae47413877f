#include "tests/simulator/clients.hpp"

#include "common/base/limits.hpp"
#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::uint64_t first_author = 1'000;  // identities below are replicas
constexpr UnixMs entry_life_ms = 3'600'000;
constexpr std::uint64_t keys_in_use = 6;
constexpr std::size_t insisting_max = 128;  // at a time
}  // namespace

Clients::Clients(const ClientOptions& options,
                 const ChainId& chain,
                 std::size_t replicas,
                 Prng prng)
    : options_(options), chain_(chain), replicas_(replicas), prng_(prng) {
    for (std::size_t i = 0; i < options.clients; ++i)
        authors_.push_back(identity_of(first_author + i));
}

Entry Clients::draw(UnixMs now, bool& good) {
    Entry entry;
    entry.type = 1;
    entry.seq = seq_++;
    entry.expires_ms = now + entry_life_ms;
    entry.body = Bytes(9 + prng_.below(24), static_cast<std::uint8_t>(prng_.below(0xff)));
    if (prng_.chance(options_.keyed)) {
        entry.key = Bytes{static_cast<std::uint8_t>(prng_.below(keys_in_use))};
        good = false;  // another entry may have the key
    }
    if (prng_.chance(options_.short_lived)) {
        entry.expires_ms = now + static_cast<UnixMs>(prng_.below(2'000));
        good = false;
    }
    if (prng_.chance(options_.waits)) {
        ByteWriter count;
        count.u64(prng_.below(40));
        entry.body = std::move(count).bytes();
        good = false;  // so many may never come
    }
    return entry;
}

EntryPtr Clients::finish(Entry entry, bool& good) {
    const crypto::Identity& author = authors_[prng_.below(authors_.size())];
    const bool malformed = prng_.chance(options_.malformed);
    const std::uint64_t how = malformed ? prng_.below(5) : 5;
    if (malformed) good = false;
    if (how == 0) entry.expires_ms = genesis_ms - 1;
    if (how == 1) entry.body = Bytes(3, 0xff);
    sign(entry, chain_, author);
    if (how == 2) entry.signature.bytes[7] ^= 1;
    if (how == 3) entry.body.resize(limits::entry_body_bytes_max + 1);
    if (how == 4) entry.expires_ms += 1;  // after signing
    return seal(std::move(entry));
}

std::vector<Clients::Submission> Clients::submit(UnixMs now) {
    std::vector<Submission> out;
    const std::size_t entries = 1 + prng_.below(options_.burst);
    for (std::size_t i = 0; i < entries; ++i) {
        bool good = true;
        const bool everywhere = prng_.chance(options_.everywhere);
        const auto first = static_cast<ReplicaIndex>(prng_.below(replicas_));
        const Entry drawn = draw(now, good);
        Submission submission{finish(drawn, good), {first}};
        if (everywhere)
            for (std::size_t other = 0; other < replicas_; ++other)
                if (other != first) submission.to.push_back(static_cast<ReplicaIndex>(other));
        if (good && !prng_.chance(options_.gives_up))
            waiting_.emplace(submission.entry->id, submission.entry);
        out.push_back(std::move(submission));
        if (!prng_.chance(0.05)) continue;
        // The author's counter again, for another body: two entries, and both are as good as any.
        Entry twice = drawn;
        twice.body.push_back(1);
        out.push_back({finish(std::move(twice), good), {first}});
    }
    return out;
}

std::vector<Clients::Submission> Clients::insist() const {
    std::vector<ReplicaIndex> all(replicas_);
    for (std::size_t i = 0; i < replicas_; ++i)
        all[i] = static_cast<ReplicaIndex>(i);
    std::vector<Submission> out;
    for (const auto& [id, entry] : waiting_) {
        if (out.size() == insisting_max) break;
        out.push_back({entry, all});
    }
    return out;
}

EntryPtr Clients::probe(UnixMs now) {
    Entry entry;
    entry.type = 1;
    entry.seq = seq_++;
    entry.expires_ms = now + entry_life_ms;
    sign(entry, chain_, authors_.front());
    return seal(std::move(entry));
}

void Clients::receipt(const EntryId& id) {
    receipts_.push_back(id);
    waiting_.erase(id);
}

}  // namespace kilter::consensus::simulation
