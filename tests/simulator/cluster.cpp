#include "tests/simulator/cluster.hpp"

#include <algorithm>

namespace kilter::consensus::simulation {

namespace {
Config config_of(const Options& options) {
    Config config;
    config.genesis_ms = genesis_ms;
    config.chain.bytes[0] = 7;
    config.parameters = options.parameters;
    if (options.membership.checkpoint_heights > 0)
        config.parameters.checkpoint_heights = options.membership.checkpoint_heights;
    for (std::size_t i = 0; i < options.replicas; ++i)
        config.validators.validators.push_back({identity_of(i).public_key(), ""});
    return config;
}

std::size_t addresses_of(const Options& options) {
    return options.replicas + (options.twins ? options.byzantine : 0) + options.membership.changes;
}

/// How far apart honest views may be once healed: certificates come by forwarding, or with the next status.
Micros view_lag_max(const Options& options) {
    return (options.parameters.idle_status_ms + 4 * options.parameters.standstill_ms) * ms +
           2 * second;
}
}  // namespace

Cluster::Cluster(const Options& options)
    : options_(options),
      config_(config_of(options)),
      process_prng_(stream(options.seed, "processes")),
      disk_prng_(stream(options.seed, "disks")),
      clock_prng_(stream(options.seed, "clocks")),
      member_prng_(stream(options.seed, "members")),
      clients_(options.clients, config_.chain, options.replicas, stream(options.seed, "clients")),
      votes_(outcome_.report),
      certificates_(outcome_.report,
                    config_.chain,
                    config_.validators,
                    [this](const Cert& cert) {
                        return static_cast<std::size_t>(
                            std::count_if(hosts_.begin(), hosts_.end(), [&](const auto& host) {
                                // Who is past it, or past its epoch, may have forgotten it.
                                const Image& disk = host->disk().durable();
                                return host->honest() &&
                                       (disk.holds_body(cert.hash) || disk.epoch() > cert.epoch ||
                                        chain_.is_final(cert.hash, disk.height()));
                            }));
                    }),
      chain_(outcome_.report,
             config_.chain,
             config_.validators,
             addresses_of(options),
             options.membership.checkpoint_heights > 0 ? map_account() : nullptr),
      processes_(outcome_.report, config_.chain, config_.validators, addresses_of(options)),
      liveness_(outcome_.report, addresses_of(options), view_lag_max(options)) {
    network_.emplace(options.network, stream(options.seed, "network"), addresses_of(options));
    Prng roles = stream(options.seed, "roles");
    std::vector<std::uint64_t> keys(options.replicas);
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i] = i;
    for (std::size_t i = keys.size(); i > 1; --i)
        std::swap(keys[i - 1], keys[roles.below(i)]);
    for (std::size_t i = 0; i < options.byzantine; ++i)
        adversaries_.try_emplace(keys[i], config_, static_cast<ReplicaIndex>(keys[i]),
                                 options.behaviours, stream(options.seed + keys[i], "adversary"));
    for (std::size_t i = 0; i < options.replicas; ++i) {
        const std::uint64_t key = i;
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
    if (options.membership.checkpoint_heights == 0) return;
    std::set<std::uint64_t> faulty;
    for (const auto& [key, adversary] : adversaries_)
        faulty.insert(key);
    const bool damaged = options.disk.damage != Damage::none;
    if (damaged || options.dead) faulty.insert(keys.back());
    std::vector<std::uint64_t> members(options.replicas);
    for (std::size_t i = 0; i < members.size(); ++i)
        members[i] = i;
    membership_.emplace(options.membership, config_.chain, std::move(members), faulty,
                        damaged ? std::optional(keys.back()) : std::nullopt,
                        stream(options.seed, "operators"));
    first_joiner_ = hosts_.size();
    for (const std::uint64_t key : membership_->joiners())
        hosts_.push_back(std::make_unique<Host>(*this, hosts_.size(), key, true,
                                                Clock(options.clock, clock_prng_)));
    for (const auto& host : hosts_)
        if (member_prng_.chance(options.membership.archives)) archives_.insert(host->address());
}

Cluster::~Cluster() = default;

bool Cluster::counts(const Host& host) const {
    return host.honest() && !dead_.contains(host.address()) && !retired_.contains(host.address());
}

bool Cluster::is_member(const Host& host) const {
    return chain_.validators().index_of(host.public_key()).has_value();
}

Host* Cluster::host_of(std::uint64_t key) {
    for (const auto& host : hosts_)
        if (host->key() == key) return host.get();
    return nullptr;
}

Adversary* Cluster::adversary_of(const Host& host) {
    const auto found = adversaries_.find(host.key());
    if (found == adversaries_.end() || (healed_ && options_.byzantine_heals) || !host.up())
        return nullptr;
    const Replica& replica = host.replica();
    if (replica.index() == outsider) return nullptr;
    found->second.enter(replica.epoch(), replica.index(), replica.validators());
    return &found->second;
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

bool Cluster::snapshot_survives(Host& /*host*/) {
    return membership_ && member_prng_.chance(0.5);
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
    if ((healed_ && dead_.contains(host.address())) || retired_.contains(host.address())) return;
    if (membership_ && member_prng_.chance(options_.membership.lose_snapshot))
        (void)host.disk().lose_snapshot();
    if (breaking() && process_prng_.chance(options_.process.restart_late)) return;
    schedule_.after(
        50 * ms + static_cast<Micros>(process_prng_.below(options_.process.down_max)),
        [this, &host] {
            if (!(healed_ && dead_.contains(host.address())) && !retired_.contains(host.address()))
                (void)host.boot();
        });
}

void Cluster::booted(Host& host) {
    trace_.note(0xB007 + host.address());
    if (!host.honest()) return;
    const Image& disk = host.disk().durable();
    for (const EpochProof& proof : disk.proofs())  // it may have died before it told anybody
        epoch_ended(proof);
    chain_.on_boot(host.address(), disk.height(), disk.chain());
    processes_.on_boot(host.address(), host.status(), host.replica().epoch());
}

void Cluster::turned(Host& host, const Outputs& outputs) {
    if (!host.honest()) {
        for (const Finalised& final : outputs.finalised)
            chain_.on_final_elsewhere(final);
        return;
    }
    const ReplicaStatus status = host.status();
    clock_max_ = std::max(clock_max_, host.wall());
    if (!outputs.persist.empty()) liveness_.on_write(host.address());
    if (outputs.halt) processes_.on_halt(host.address(), *outputs.halt);
    for (const Write& write : outputs.persist)
        if (const auto* cert = std::get_if<Cert>(&write)) certificates_.on_certificate(*cert);
    std::map<Height, const Header*> jumps;
    for (const Write& write : outputs.persist)
        if (const auto* snapshot = std::get_if<Snapshot>(&write); snapshot != nullptr)
            if (const Header& header = snapshot->manifest.certified.header; snapshot->received) {
                jumps[header.height] = &header;
                ++outcome_.transfers;
            }
    const auto jump_to = [&](Height height) {
        const auto jump = jumps.find(height);
        if (jump != jumps.end() && height > chain_.delivered(host.address()))
            chain_.on_jump(host.address(), *jump->second);
    };
    for (const Finalised& final : outputs.finalised) {
        jump_to(final.block->header.height - 1);
        trace_.note(final.block->hash.view());
        chain_.on_final(host.address(), final, clock_max_, options_.parameters.clock_drift_ms_max);
        for (const EntryPtr& entry : final.block->entries)
            if (clients_.waiting().contains(entry->id)) clients_.receipt(entry->id);
    }
    if (!jumps.empty()) jump_to(jumps.rbegin()->first);
    for (const SubmissionAnswer& answer : outputs.answers)
        if (answer.status == SubmissionStatus::final) {
            told_final_.insert(answer.id);  // with the receipt from the store
            if (clients_.waiting().contains(answer.id)) clients_.receipt(answer.id);
        }
    for (const Evidence& evidence : outputs.evidence) {
        std::uint64_t accused = evidence.first.signer;
        if (membership_)
            if (const auto members = membership_->members(evidence.first.epoch);
                accused < members.size())
                accused = members[accused];
        const bool accused_is_honest = std::any_of(
            hosts_.begin(), hosts_.end(),
            [&](const auto& other) { return other->key() == accused && other->honest(); });
        processes_.on_evidence(evidence, accused_is_honest);
    }
    processes_.on_turn(host.address(), status, host.timer_runs(), host.disk().durable(),
                       host.replica().epoch());
    if (healed_ && counts(host) && !membership_)
        liveness_.on_view(host.address(), status.view, schedule_.now());
}

}  // namespace kilter::consensus::simulation
