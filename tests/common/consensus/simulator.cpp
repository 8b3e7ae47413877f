#include "tests/common/consensus/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <queue>
#include <set>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "tests/common/consensus/toy_ledger.hpp"

namespace kilter::consensus::simulation {

void Disk::apply(const Write& write) {
    if (const auto* vote = std::get_if<Vote>(&write)) {
        journal_.push_back(*vote);
    } else if (const auto* block = std::get_if<BlockPtr>(&write)) {
        blocks_.push_back(*block);
    } else if (const auto* cert = std::get_if<Cert>(&write)) {
        (cert->kind == VoteKind::final ? finals_ : certificates_).push_back(*cert);
    } else {
        const FinalMark& mark = std::get<FinalMark>(write);
        const auto found = std::find_if(blocks_.begin(), blocks_.end(),
                                        [&](const BlockPtr& b) { return b->hash == mark.hash; });
        KILTER_CHECK(found != blocks_.end(), "a block became final that was never written");
        KILTER_CHECK(mark.height == chain_.size() + 1, "final marks out of order");
        const BlockPtr final = *found;
        const auto execution =
            application_->begin(state_ ? state_ : application_->initial(), final->header.time_ms);
        for (const EntryPtr& entry : final->entries) {
            KILTER_CHECK(execution->apply(*entry).admission == Admission::ready, "bad final block");
            log_.append(entry->leaf);
        }
        state_ = execution->finish();
        chain_.push_back(final);
        std::erase_if(blocks_, [&](const BlockPtr& b) { return b->header.view <= mark.view; });
        std::erase_if(journal_, [&](const Vote& v) { return v.view <= mark.view; });
        std::erase_if(certificates_, [&](const Cert& c) { return c.view <= mark.view; });
    }
}

DurableImage Disk::image() const {
    DurableImage image;
    if (!chain_.empty()) {
        image.tip = chain_.back()->header;
        image.state = state_;
        image.log = log_;
        image.blocks.push_back(chain_.back());
    }
    for (const Cert& cert : finals_)
        if (!image.tip_certificate || cert.view > image.tip_certificate->view)
            image.tip_certificate = cert;
    image.journal = journal_;
    image.certificates = certificates_;
    image.blocks.insert(image.blocks.end(), blocks_.begin(), blocks_.end());
    return image;
}

bool Disk::holds(const Vote& vote) const {
    return (!chain_.empty() && vote.view <= chain_.back()->header.view) ||
           std::find(journal_.begin(), journal_.end(), vote) != journal_.end();
}

std::optional<Range> Disk::range(const GetRange& range) const {
    Range out;
    for (Height h = range.from; h <= range.to && h <= chain_.size(); ++h) {
        FinalBlock final{chain_[h - 1], std::nullopt};
        for (const Cert& cert : finals_)
            if (cert.hash == final.block->hash) final.certificate = cert;
        out.blocks.push_back(std::move(final));
    }
    while (!out.blocks.empty() && !out.blocks.back().certificate)
        out.blocks.pop_back();
    if (out.blocks.empty()) return std::nullopt;
    return out;
}

namespace {

constexpr UnixMs genesis_ms = 1'700'000'000'000;

crypto::Identity identity_of(std::uint64_t key) {
    crypto::Seed seed;
    seed.bytes[0] = static_cast<std::uint8_t>(key + 1);
    seed.bytes[1] = static_cast<std::uint8_t>((key + 1) >> 8);
    return crypto::Identity::from_seed(seed);
}

/// One process at one address; two addresses share a Byzantine key.
struct Machine {
    ReplicaIndex key = 0;
    bool honest = true;
    Disk disk;
    std::optional<Replica> replica;
    std::uint64_t incarnation = 0;
    std::int64_t skew_ms = 0;
    Height delivered = 0;
    std::set<EntryId> entries;
};

class Cluster {
  public:
    explicit Cluster(const Options& options);
    Outcome run();

  private:
    struct Event {
        std::int64_t at = 0;
        std::uint64_t order = 0;
        std::function<void()> action;

        bool operator>(const Event& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };

    void after(std::int64_t delay, std::function<void()> action) {
        events_.push({time_ + delay, order_++, std::move(action)});
    }

    void note(std::uint64_t value) {
        outcome_.trace = (outcome_.trace ^ value) * 0x100000001B3ULL + 0x9E3779B97F4A7C15ULL;
    }

    void violation(const std::string& what) { outcome_.violations.push_back(what); }

    bool chaotic() const { return time_ < options_.chaos_ms; }

    UnixMs clock(const Machine& machine) const { return genesis_ms + 1 + time_ + machine.skew_ms; }

    void boot(std::size_t address);
    void crash(std::size_t address);
    void input(std::size_t address, const Input& input);
    void carry_out(std::size_t address, Outputs outputs);
    void transmit(std::size_t from, std::size_t to, const Message& message);
    void broadcast(std::size_t from, std::optional<ReplicaIndex> to, const Message& message);
    void corrupt(std::size_t address, const Message& message);
    Message stale_parent(std::size_t address, const Proposal& proposal);
    void churn();
    void submit();
    void submit_to(std::size_t address, const EntryPtr& entry);
    void observe(const Machine& sender, const Message& message);
    void observe_cert(const Cert& cert);
    void deliver(Machine& machine, const Finalised& final);
    void at_the_end();

    Options options_;
    Prng prng_;
    ToyLedger ledger_;
    Config config_;
    std::vector<Machine> machines_;
    std::set<ReplicaIndex> byzantine_;
    std::map<std::size_t, int> side_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::int64_t time_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t submitted_ = 0;
    std::vector<EntryPtr> must_be_final_;
    Outcome outcome_;

    struct Spoken {
        std::set<BlockHash> notar, final;
        bool skip = false;
    };

    std::map<std::pair<ReplicaIndex, View>, Spoken> spoken_;  // honest votes on the wire
    std::map<View, std::set<BlockHash>> notarised_, finalised_;
    std::set<View> skipped_;
    std::map<Height, BlockHash> chain_;
    std::map<BlockHash, std::pair<BlockPtr, Cert>>
        certified_;  // what a Byzantine leader can build on
    std::map<BlockHash, BlockPtr> blocks_;
    std::map<View, Cert> skip_certs_;
};

Cluster::Cluster(const Options& options) : options_(options), prng_(options.seed) {
    config_.genesis_ms = genesis_ms;
    config_.chain.bytes[0] = 7;
    for (std::size_t i = 0; i < options.replicas; ++i)
        config_.validators.validators.push_back({identity_of(i).public_key(), ""});
    while (byzantine_.size() < options.byzantine)
        byzantine_.insert(static_cast<ReplicaIndex>(prng_.below(options.replicas)));
    for (std::size_t i = 0; i < options.replicas; ++i) {
        const auto key = static_cast<ReplicaIndex>(i);
        const bool twins = byzantine_.contains(key);
        for (int copy = 0; copy < (twins ? 2 : 1); ++copy) {
            machines_.push_back(Machine{key, !twins, Disk(ledger_), std::nullopt, 0, 0, 0, {}});
            machines_.back().skew_ms = static_cast<std::int64_t>(prng_.below(400));
        }
    }
}

void Cluster::boot(std::size_t address) {
    Machine& machine = machines_[address];
    if (machine.replica) return;
    machine.replica.emplace(config_, identity_of(machine.key), ledger_, machine.disk.image());
    ++machine.incarnation;
    if (machine.replica->status().final_height < machine.delivered && machine.honest)
        violation("S7: a restart lost final blocks");
    input(address, Started{});
}

void Cluster::crash(std::size_t address) {
    Machine& machine = machines_[address];
    if (!machine.replica) return;
    machine.replica.reset();
    ++outcome_.restarts;
    after(100 + static_cast<std::int64_t>(prng_.below(6'000)), [this, address] { boot(address); });
}

void Cluster::input(std::size_t address, const Input& input) {
    Machine& machine = machines_[address];
    if (!machine.replica) return;
    carry_out(address, machine.replica->step(input, clock(machine)));
}

void Cluster::carry_out(std::size_t address, Outputs outputs) {
    Machine& machine = machines_[address];
    const bool dies = chaotic() && prng_.chance(options_.crash_in_turn);
    if (dies && prng_.chance(0.5)) return crash(address);  // nothing written, nothing sent
    for (const Write& write : outputs.persist)
        machine.disk.apply(write);
    if (dies) return crash(address);  // written, nothing sent
    if (outputs.halt && machine.honest) violation("halted: " + *outputs.halt);
    for (const Send& send : outputs.send) {
        if (machine.honest) observe(machine, send.message);
        if (!machine.honest && chaotic() && prng_.chance(0.5)) {
            if (const auto* proposal = std::get_if<Proposal>(&send.message)) {
                broadcast(address, send.to, stale_parent(address, *proposal));
                continue;
            }
        }
        broadcast(address, send.to, send.message);
    }
    for (const ServeRange& serve : outputs.serve)
        if (auto range = machine.disk.range(serve.range)) broadcast(address, serve.to, *range);
    for (const Arm& arm : outputs.arm)
        after(arm.delay_ms, [this, address, arm, incarnation = machine.incarnation] {
            if (machines_[address].incarnation == incarnation)
                input(address, TimerElapsed{arm.timer});
        });
    for (const Finalised& final : outputs.finalised)
        deliver(machine, final);
    for (const Evidence& evidence : outputs.evidence) {
        if (!byzantine_.contains(evidence.first.signer))
            violation("S15: an honest replica is accused");
        else if (contradict(evidence.first, evidence.second) &&
                 verify(evidence.first, config_.chain, config_.validators) &&
                 verify(evidence.second, config_.chain, config_.validators))
            ++outcome_.accusations;
        else
            violation("evidence that proves nothing");
    }
}

void Cluster::broadcast(std::size_t from, std::optional<ReplicaIndex> to, const Message& message) {
    for (std::size_t address = 0; address < machines_.size(); ++address) {
        if (machines_[address].key == machines_[from].key) continue;
        if (to && machines_[address].key != *to) continue;
        transmit(from, address, message);
    }
}

void Cluster::transmit(std::size_t from, std::size_t to, const Message& message) {
    const Bytes bytes = encode(message);
    note(bytes.size() + 1'000'003 * from + 7'919 * to);
    if (!chaotic() && time_ > options_.chaos_ms + options_.healed_ms - 5'000)
        ++outcome_.idle_messages;
    const int copies = chaotic() && prng_.chance(options_.duplication) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        std::int64_t delay = 1 + static_cast<std::int64_t>(prng_.below(20));
        if (chaotic()) {
            if (prng_.chance(options_.loss)) continue;
            if (!side_.empty() && side_[from] != side_[to]) continue;
            delay = 1 + static_cast<std::int64_t>(prng_.chance(0.8)
                                                      ? 100 * -std::log(1 - prng_.uniform())
                                                      : prng_.uniform(0, 3'000));
        }
        after(delay, [this, from, to, bytes] {
            note(bytes.back());
            Result<Message> decoded = decode(bytes);
            if (!decoded || encode(*decoded) != bytes) {
                violation("a message does not survive its codec");
                return;
            }
            if (!machines_[to].honest) corrupt(to, *decoded);
            input(to, MessageReceived{machines_[from].key, std::move(*decoded)});
        });
    }
}

/// A Byzantine key that sees a proposal votes for it, against it, and finally, each to some.
void Cluster::corrupt(std::size_t address, const Message& message) {
    const auto* proposal = std::get_if<Proposal>(&message);
    if (proposal == nullptr || !chaotic() || prng_.chance(0.5)) return;
    const crypto::Identity identity = identity_of(machines_[address].key);
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        if (!machines_[to].honest) continue;
        for (const VoteKind kind : {VoteKind::notar, VoteKind::skip, VoteKind::final}) {
            if (prng_.chance(0.4)) continue;
            Vote vote{kind, 0, proposal->block->header.view, {}, machines_[address].key, {}};
            if (kind != VoteKind::skip) vote.hash = proposal->block->hash;
            vote.signature =
                identity.sign(vote_bytes(config_.chain, kind, 0, vote.view, vote.hash));
            transmit(address, to, vote);
        }
    }
}

/// An empty block on some older notarised block, with whatever skip certificates exist.
Message Cluster::stale_parent(std::size_t address, const Proposal& proposal) {
    std::vector<BlockHash> choices;
    for (const auto& [hash, known] : certified_)
        if (known.first->header.view < proposal.block->header.view &&
            known.first->header.view + 6 > proposal.block->header.view)
            choices.push_back(hash);
    if (choices.empty()) return proposal;
    const auto& [parent, cert] = certified_.at(choices[prng_.below(choices.size())]);
    auto block = std::make_shared<Block>();
    Header& header = block->header;
    header = proposal.block->header;
    header.parent_view = parent->header.view;
    header.parent_hash = parent->hash;
    header.height = parent->header.height + 1;
    header.first_index = parent->header.first_index + parent->header.count;
    header.count = 0;
    header.payload_root = crypto::merkle_root({});
    header.log_root = parent->header.log_root;
    header.state_root = parent->header.state_root;
    header.time_ms = std::max(header.time_ms, parent->header.time_ms + 1);
    block->justification.parent = cert;
    for (View view = header.parent_view + 1; view < header.view; ++view)
        if (skip_certs_.contains(view)) block->justification.skips.push_back(skip_certs_.at(view));
    block->hash = hash(header);
    blocks_[block->hash] = block;
    Vote vote{VoteKind::notar, 0, header.view, block->hash, machines_[address].key, {}};
    vote.signature = identity_of(machines_[address].key)
                         .sign(vote_bytes(config_.chain, vote.kind, 0, vote.view, vote.hash));
    return Proposal{block, vote};
}

void Cluster::observe(const Machine& sender, const Message& message) {
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        blocks_[proposal->block->hash] = proposal->block;
        observe(sender, proposal->vote);
    } else if (const auto* cert = std::get_if<Cert>(&message)) {
        observe_cert(*cert);
    } else if (const auto* vote = std::get_if<Vote>(&message)) {
        if (!sender.disk.holds(*vote)) violation("S8: a vote was sent that is not on disk");
        Spoken& spoken = spoken_[{sender.key, vote->view}];
        if (vote->kind == VoteKind::notar) spoken.notar.insert(vote->hash);
        if (vote->kind == VoteKind::final) spoken.final.insert(vote->hash);
        if (vote->kind == VoteKind::skip) spoken.skip = true;
        if (spoken.notar.size() > 1) violation("S2: two notar votes in a view");
        if (spoken.skip && !spoken.final.empty()) violation("S3: final and skip in a view");
        if (!spoken.final.empty() && spoken.final != spoken.notar)
            violation("S4: final without the own notar vote");
    }
}

void Cluster::observe_cert(const Cert& cert) {
    switch (cert.kind) {
        case VoteKind::notar:
            notarised_[cert.view].insert(cert.hash);
            if (notarised_[cert.view].size() > 1) violation("S5: two notarised blocks in a view");
            if (const auto block = blocks_.find(cert.hash); block != blocks_.end())
                certified_.try_emplace(cert.hash, block->second, cert);
            break;
        case VoteKind::skip:
            skipped_.insert(cert.view);
            skip_certs_.try_emplace(cert.view, cert);
            break;
        case VoteKind::final:
            finalised_[cert.view].insert(cert.hash);
            break;
    }
    if (skipped_.contains(cert.view) && finalised_.contains(cert.view))
        violation("S5: a view both final and skipped");
}

void Cluster::deliver(Machine& machine, const Finalised& final) {
    if (!machine.honest) return;
    const Block& block = *final.block;
    note(block.header.height);
    const auto [known, fresh] = chain_.try_emplace(block.header.height, block.hash);
    if (!fresh && known->second != block.hash)
        violation("S1: two final blocks at height " + std::to_string(block.header.height));
    if (block.header.height <= machine.delivered) return;  // again after a crash before delivery
    machine.delivered = block.header.height;
    for (const EntryPtr& entry : block.entries)
        if (!machine.entries.insert(entry->id).second) violation("S10: an entry twice");
}

void Cluster::churn() {
    if (!chaotic()) {
        side_.clear();
        return;
    }
    const double choice = prng_.uniform();
    if (choice < 0.3)
        for (std::size_t i = 0; i < machines_.size(); ++i)
            side_[i] = prng_.chance(0.5) ? 1 : 0;
    else if (choice < 0.6)
        side_.clear();
    if (prng_.chance(options_.crash_all))
        for (std::size_t i = 0; i < machines_.size(); ++i)
            crash(i);
    else if (prng_.chance(options_.crash))
        crash(prng_.below(machines_.size()));
    after(200 + static_cast<std::int64_t>(prng_.below(2'800)), [this] { churn(); });
}

void Cluster::submit_to(std::size_t address, const EntryPtr& entry) {
    input(address, Submitted{entry, false});
}

void Cluster::submit() {
    const std::int64_t last = options_.chaos_ms + 2'000;
    if (time_ > last) return;
    Entry entry;
    entry.type = 1;
    entry.seq = submitted_++;
    entry.expires_ms = genesis_ms + 3'600'000;
    if (prng_.chance(0.3)) entry.key = Bytes{static_cast<std::uint8_t>(prng_.below(32))};
    entry.body = Bytes(20, static_cast<std::uint8_t>(prng_.below(200)));
    sign(entry, config_.chain, identity_of(1'000 + prng_.below(5)));
    const EntryPtr sealed = seal(std::move(entry));
    const std::size_t first = prng_.below(machines_.size());
    submit_to(first, sealed);
    if (prng_.chance(0.3)) submit_to(prng_.below(machines_.size()), sealed);
    // Once the network is whole, what an honest replica has taken must become final.
    if (!chaotic() && machines_[first].honest && machines_[first].replica &&
        sealed->entry.key.empty())
        must_be_final_.push_back(sealed);
    after(20 + static_cast<std::int64_t>(prng_.below(400)), [this] { submit(); });
}

void Cluster::at_the_end() {
    outcome_.height = SIZE_MAX;
    std::set<Height> heights;
    for (Machine& machine : machines_) {
        if (!machine.honest) continue;
        outcome_.height = std::min(outcome_.height, machine.delivered);
        outcome_.entries = machine.entries.size();
        heights.insert(machine.delivered);
        for (const EntryPtr& entry : must_be_final_)
            if (!machine.entries.contains(entry->id)) {
                violation("liveness: an entry accepted after healing is not final at replica " +
                          std::to_string(machine.key));
                break;
            }
    }
    if (heights.size() != 1) violation("liveness: the replicas do not end at one height");
}

Outcome Cluster::run() {
    for (std::size_t i = 0; i < machines_.size(); ++i)
        after(0, [this, i] { boot(i); });
    after(1, [this] { churn(); });
    after(50, [this] { submit(); });
    // From here on the network is whole and everyone is up.
    after(options_.chaos_ms, [this] { side_.clear(); });
    const std::int64_t end = options_.chaos_ms + options_.healed_ms;
    while (!events_.empty() && outcome_.violations.empty()) {
        const Event event = events_.top();
        if (event.at > end) break;
        events_.pop();
        time_ = event.at;
        event.action();
    }
    if (outcome_.violations.empty()) at_the_end();
    return outcome_;
}

}  // namespace

Outcome simulate(const Options& options) {
    crypto::initialise();
    Cluster cluster(options);
    return cluster.run();
}

}  // namespace kilter::consensus::simulation
