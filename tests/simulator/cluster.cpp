#include "tests/simulator/cluster.hpp"

#include <algorithm>
#include <cmath>

namespace kilter::consensus::simulation {

namespace {
constexpr Micros client_patience = 1'500 * ms;
constexpr Micros quiet_before =
    12 * second;  // the last stragglers catch up with the first keep-alives
constexpr Micros quiet_watched = 22 * second;  // two rounds of keep-alives
constexpr std::int64_t submissions_after_heal_ms = 500;

Config config_of(const Options& options) {
    Config config;
    config.genesis_ms = genesis_ms;
    config.chain.bytes[0] = 7;
    config.parameters = options.parameters;
    for (std::size_t i = 0; i < options.replicas; ++i)
        config.validators.validators.push_back({identity_of(i).public_key(), ""});
    return config;
}

std::size_t addresses_of(const Options& options) {
    return options.replicas + (options.twins ? options.byzantine : 0);
}

/// How far apart honest views may be once healed: certificates come by forwarding, or with the next status.
Micros view_lag_max(const Options& options) {
    return (options.parameters.idle_status_ms + 4 * options.parameters.standstill_ms) * ms +
           2 * second;
}

Micros exponential(Prng& prng, Micros mean) {
    return static_cast<Micros>(-std::log(1 - prng.uniform()) * static_cast<double>(mean));
}
}  // namespace

/// A message on its way: encoded once, decoded once, however many receive it.
struct Cluster::Parcel {
    Bytes bytes;
    Result<Message> message;
};

Cluster::Cluster(const Options& options)
    : options_(options),
      config_(config_of(options)),
      process_prng_(stream(options.seed, "processes")),
      disk_prng_(stream(options.seed, "disks")),
      clock_prng_(stream(options.seed, "clocks")),
      clients_(options.clients, config_.chain, options.replicas, stream(options.seed, "clients")),
      votes_(outcome_.report),
      certificates_(outcome_.report,
                    config_.chain,
                    config_.validators,
                    [this](const BlockHash& hash) {
                        return static_cast<std::size_t>(
                            std::count_if(hosts_.begin(), hosts_.end(), [&](const auto& host) {
                                return host->honest() && host->disk().durable().holds_body(hash);
                            }));
                    }),
      chain_(outcome_.report, config_.chain, config_.validators, addresses_of(options)),
      processes_(outcome_.report, config_.chain, config_.validators, addresses_of(options)),
      liveness_(outcome_.report, addresses_of(options), view_lag_max(options)) {
    network_.emplace(options.network, stream(options.seed, "network"), addresses_of(options));
    Prng roles = stream(options.seed, "roles");
    std::vector<ReplicaIndex> keys(options.replicas);
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i] = static_cast<ReplicaIndex>(i);
    for (std::size_t i = keys.size(); i > 1; --i)
        std::swap(keys[i - 1], keys[roles.below(i)]);
    for (std::size_t i = 0; i < options.byzantine; ++i)
        adversaries_.try_emplace(keys[i], config_, keys[i], options.behaviours,
                                 stream(options.seed + keys[i], "adversary"));
    for (std::size_t i = 0; i < options.replicas; ++i) {
        const auto key = static_cast<ReplicaIndex>(i);
        const bool evil = adversaries_.contains(key);
        for (int copy = 0; copy < (evil && options.twins ? 2 : 1); ++copy) {
            hosts_.push_back(std::make_unique<Host>(*this, hosts_.size(), key, !evil,
                                                    Clock(options.clock, clock_prng_)));
            if (process_prng_.chance(options.process.slow) ||
                options.process.slowest == hosts_.back()->address())
                slow_.insert(hosts_.back()->address());
        }
    }
    // The one that will be damaged, or stays dead: neither is Byzantine, both count as faults.
    for (const auto& host : hosts_)
        if (host->key() == keys.back()) {
            if (options.dead) dead_.insert(host->address());
            if (options.disk.damage != Damage::none) late_.insert(host->address());
        }
}

Cluster::~Cluster() = default;

bool Cluster::counts(const Host& host) const {
    return host.honest() && !dead_.contains(host.address());
}

// ---- messages ------------------------------------------------------------------------------------------------------

void Cluster::send(Host& from, const Send& send) {
    if (from.honest()) {
        observe(from, send.message);
        liveness_.on_message(from.address());
        transmit(from, send);
        return;
    }
    const auto adversary = adversaries_.find(from.key());
    if (adversary == adversaries_.end() || (healed_ && options_.byzantine_heals))
        return transmit(from, send);
    for (const Send& altered : adversary->second.alter(send))
        transmit(from, altered);
}

void Cluster::transmit(Host& from, const Send& send) {
    auto parcel = std::make_shared<Parcel>(Parcel{encode(send.message), Error{}});
    parcel->message = decode(parcel->bytes);
    if (from.honest() && !parcel->message)
        outcome_.report.violation("S20", "an honest replica sent what does not decode");
    const Micros now = schedule_.now();
    for (const auto& to : hosts_) {
        if (to->key() == from.key() || (send.to && to->key() != *send.to)) continue;
        if (from.honest() && healed_) liveness_.on_sent(from.address(), parcel->bytes.size(), now);
        for (const Micros delay : network_->send(from.address(), to->address(), now))
            schedule_.after(delay, [this, &from, &to = *to, parcel] {
                network_->arrived(from.address(), to.address());
                deliver(from, to, parcel);
            });
    }
}

void Cluster::deliver(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel) {
    trace_.note(static_cast<std::uint64_t>(schedule_.now()) ^ (from.address() << 48) ^
                (to.address() << 56));
    trace_.note(parcel->bytes);
    if (!parcel->message || !to.up()) return;
    to.take(MessageReceived{from.key(), *parcel->message});
    const auto adversary = adversaries_.find(to.key());
    if (adversary == adversaries_.end() || (healed_ && options_.byzantine_heals)) return;
    for (const Send& lie : adversary->second.answer(from.key(), *parcel->message))
        transmit(to, lie);
    if (const auto entry = adversary->second.slip()) {
        // Its own workers say that they checked it.
        const auto lie = [](const SealedEntry&) { return true; };
        const Verified verified =
            verify_entries(std::span(&*entry, 1), config_.chain, ledger_, lie);
        to.take(Submitted{*entry, verified});
    }
    std::size_t& seen = adversary_entries_[to.key()];
    for (; seen < adversary->second.made().size(); ++seen)
        chain_.on_made(adversary->second.made()[seen]);
}

void Cluster::observe(const Host& from, const Message& message) {
    const Image& disk = from.disk().durable();
    // A block's body is to be durable no later than the vote for it.
    const auto durable = [&](const Vote& vote) {
        return disk.holds(vote) && (vote.kind != VoteKind::notar || disk.is_past(vote.view) ||
                                    disk.holds_body(vote.hash));
    };
    if (const auto* proposal = std::get_if<Proposal>(&message))
        votes_.on_vote(proposal->vote, durable(proposal->vote));
    else if (const auto* vote = std::get_if<Vote>(&message))
        votes_.on_vote(*vote, durable(*vote));
    else if (const auto* cert = std::get_if<Cert>(&message))
        certificates_.on_certificate(*cert);
}

// ---- what a process asks its world ---------------------------------------------------------------------------------

bool Cluster::dies_at(Host& host, Point /*point*/) {
    const std::uint64_t point = outcome_.points++;
    if (options_.kill_at_point) return point == *options_.kill_at_point;
    return breaking() && host.up() && process_prng_.chance(options_.process.crash_at_point);
}

bool Cluster::write_fails(Host& /*host*/) {
    return breaking() && disk_prng_.chance(options_.disk.write_error);
}

bool Cluster::cache_survives(Host& /*host*/) {
    return !disk_prng_.chance(options_.disk.power_cut);
}

void Cluster::store_contradicts(Host& host) {
    if (host.honest())
        outcome_.report.violation("S6", "process " + std::to_string(host.address()) +
                                            ": its writes do not fit its store");
}

Micros Cluster::sync_time(Host& host) {
    Micros time = exponential(disk_prng_, options_.disk.sync_mean);
    if (breaking() && disk_prng_.chance(options_.disk.sync_slow))
        time += static_cast<Micros>(disk_prng_.below(second));
    return slow_.contains(host.address()) ? 10 * time : time;
}

Micros Cluster::computing_time(Host& host, std::size_t inputs) {
    return static_cast<Micros>(inputs) * options_.process.input_cost *
           (slow_.contains(host.address()) ? 20 : 1);
}

void Cluster::ended(Host& host) {
    ++outcome_.restarts;
    if (healed_ && dead_.contains(host.address())) return;
    if (breaking() && process_prng_.chance(options_.process.restart_late)) return;
    schedule_.after(50 * ms + static_cast<Micros>(process_prng_.below(options_.process.down_max)),
                    [this, &host] {
                        if (!(healed_ && dead_.contains(host.address()))) (void)host.boot();
                    });
}

void Cluster::booted(Host& host) {
    trace_.note(0xB007 + host.address());
    if (host.honest()) chain_.on_boot(host.address(), host.disk().durable().chain());
    if (host.honest()) processes_.on_boot(host.address(), host.status());
}

void Cluster::turned(Host& host, const Outputs& outputs) {
    if (!host.honest()) return;
    const ReplicaStatus status = host.status();
    clock_max_ = std::max(clock_max_, host.wall());
    if (!outputs.persist.empty()) liveness_.on_write(host.address());
    if (outputs.halt) processes_.on_halt(host.address(), *outputs.halt);
    for (const Write& write : outputs.persist)
        if (const auto* cert = std::get_if<Cert>(&write)) certificates_.on_certificate(*cert);
    for (const Finalised& final : outputs.finalised) {
        trace_.note(final.block->hash.view());
        chain_.on_final(host.address(), final, clock_max_, options_.parameters.clock_drift_ms_max);
        for (const EntryPtr& entry : final.block->entries)
            if (clients_.waiting().contains(entry->id)) clients_.receipt(entry->id);
    }
    for (const SubmissionAnswer& answer : outputs.answers)
        if (answer.status == SubmissionStatus::final) {
            told_final_.insert(answer.id);  // with the receipt from the store
            if (clients_.waiting().contains(answer.id)) clients_.receipt(answer.id);
        }
    for (const Evidence& evidence : outputs.evidence) {
        const bool accused_is_honest =
            std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& other) {
                return other->key() == evidence.first.signer && other->honest();
            });
        processes_.on_evidence(evidence, accused_is_honest);
    }
    processes_.on_turn(host.address(), status, host.timer_runs(), host.disk().durable());
    if (healed_ && counts(host)) liveness_.on_view(host.address(), status.view, schedule_.now());
}

// ---- what happens to them ------------------------------------------------------------------------------------------

void Cluster::weather() {
    if (!breaking()) return;
    schedule_.after(network_->change_weather(schedule_.now()), [this] { weather(); });
}

void Cluster::every_second() {
    if (!breaking()) return;
    const ProcessOptions& process = options_.process;
    const bool all = process_prng_.chance(process.crash_all);
    for (const auto& host : hosts_) {
        host->clock().weather(options_.clock, clock_prng_, schedule_.now());
        if (all || process_prng_.chance(process.crash)) host->kill();
        if (process_prng_.chance(process.pause)) {
            host->pause();
            schedule_.after(static_cast<Micros>(process_prng_.below(process.down_max)),
                            [&host = *host] { host.resume(); });
        }
    }
    schedule_.after(200 * ms + static_cast<Micros>(process_prng_.below(800 * ms)),
                    [this] { every_second(); });
}

void Cluster::submit() {
    if (schedule_.now() > (options_.break_ms + submissions_after_heal_ms) * ms) return;
    const auto submissions = clients_.submit(genesis_ms + schedule_.now() / ms);
    for (const auto& submission : submissions)
        chain_.on_made(submission.entry);
    hand_in(submissions);
    schedule_.after(exponential(process_prng_, options_.clients.pause_mean), [this] { submit(); });
}

void Cluster::hand_in(const std::vector<Clients::Submission>& submissions) {
    for (const auto& submission : submissions)
        for (const ReplicaIndex to : submission.to)
            for (const auto& host : hosts_)
                if (host->key() == to) host->take(Submitted{submission.entry});
}

/// The damaged replica's disk is copied early and harmed later, while its process is down.
void Cluster::damage() {
    for (const Address address : late_) {
        Host& host = *hosts_[address];
        host.disk().back_up();
        schedule_.after(options_.break_ms * ms / 2, [this, &host] {
            host.kill();
            host.becomes_faulty();
            host.disk().damage(options_.disk.damage);
        });
    }
}

void Cluster::heal() {
    healed_ = true;
    outcome_.entries_before_heal = chain_.entries();
    network_->heal();
    for (const auto& host : hosts_) {
        host->clock().heal();
        if (!counts(*host) || slow_.contains(host->address())) liveness_.excuse(host->address());
        if (dead_.contains(host->address())) {
            host->kill();
            continue;
        }
        host->resume();
        (void)host->boot();
        if (counts(*host) && host->up())
            liveness_.on_view(host->address(), host->status().view, schedule_.now());
    }
    look();
}

bool Cluster::stirred() const {
    return !adversaries_.empty() &&
           (!options_.byzantine_heals ||
            options_.behaviours.test(static_cast<std::size_t>(Behaviour::bad_entries)));
}

bool Cluster::settled(const Host& host) const {
    constexpr Height under_way = 2;  // blocks that one has and another not yet
    return host.up() && (stirred() || !host.status().has_work) &&
           host.status().final_height + (stirred() ? under_way : 0) >= chain_.height();
}

bool Cluster::done() const {
    return clients_.waiting().empty() &&
           std::all_of(hosts_.begin(), hosts_.end(),
                       [&](const auto& host) { return !counts(*host) || settled(*host); });
}

void Cluster::look() {
    if (done()) {
        schedule_.after(quiet_before, [this] { done() ? be_quiet() : look(); });
        return;
    }
    hand_in(clients_.insist());
    schedule_.after(client_patience, [this] { look(); });
}

void Cluster::be_quiet() {
    // Byzantine replicas that go on may cause work at any time.
    if (adversaries_.empty() && late_.empty()) {
        liveness_.quiet(config_.validators.size());
        schedule_.after(quiet_watched, [this] { over_ = true; });
    } else {
        over_ = true;
    }
}

Outcome Cluster::run() {
    for (const auto& host : hosts_)
        schedule_.after(static_cast<Micros>(process_prng_.below(200)) * ms,
                        [&host = *host] { (void)host.boot(); });
    schedule_.after(1, [this] { weather(); });
    schedule_.after(300 * ms, [this] { every_second(); });
    schedule_.after(50 * ms, [this] { submit(); });
    schedule_.after(options_.break_ms * ms / 4, [this] { damage(); });
    schedule_.after(options_.break_ms * ms, [this] { heal(); });
    const Micros end = (options_.break_ms + options_.heal_ms) * ms;
    // With more than f Byzantine keys violations are to be expected, and what follows from them is of interest.
    const bool to_the_end = options_.byzantine > config_.validators.faults();
    while (!over_ && (outcome_.report.clean() || to_the_end) && schedule_.step(end)) {
    }
    if (outcome_.report.clean()) {
        const bool all_settled = std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& host) {
            return !counts(*host) || settled(*host);
        });
        liveness_.at_the_end(clients_.waiting().size(), all_settled);
        chain_.at_the_end();
        for (const EntryId& id : clients_.receipts())
            if (!chain_.contains(id))
                outcome_.report.violation("S13", "an entry with a receipt is not on the log");
        for (const EntryId& id : told_final_)
            if (!chain_.contains(id))
                outcome_.report.violation("S13", "a client was told that its entry is final: no");
    }
    for (const auto& host : hosts_) {
        if (host->honest()) outcome_.disks.push_back(host->disk().durable());
        outcome_.status.push_back(host->up() ? std::optional(host->status()) : std::nullopt);
    }
    outcome_.chain_id = config_.chain;
    outcome_.validators = config_.validators;
    for (const auto& [key, adversary] : adversaries_)
        outcome_.byzantine.insert(key);
    outcome_.trace = trace_.hash();
    outcome_.height = chain_.height();
    outcome_.entries = chain_.entries();
    outcome_.accusations = processes_.accusations();
    outcome_.steps = schedule_.steps();
    outcome_.ended = schedule_.now();
    return std::move(outcome_);
}

Outcome run(const Options& options) {
    crypto::initialise();
    return Cluster(options).run();
}

}  // namespace kilter::consensus::simulation
