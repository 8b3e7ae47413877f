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
constexpr std::size_t probes_max = 60;
constexpr Micros probe_pause = 300 * ms;

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

// ---- messages ------------------------------------------------------------------------------------------------------

void Cluster::send(Host& from, const Send& send) {
    if (from.honest()) {
        observe(from, send.message);
        liveness_.on_message(from.address());
        transmit(from, send);
        return;
    }
    Adversary* adversary = adversary_of(from);
    if (adversary == nullptr) return transmit(from, send);
    for (const Send& altered : adversary->alter(send))
        transmit(from, altered);
}

void Cluster::post(Host& from, const PublicKey& to, const Message& message) {
    if (!from.up()) return;
    std::vector<Send> sends{{std::nullopt, message}};
    if (Adversary* adversary = from.honest() ? nullptr : adversary_of(from))
        sends = adversary->alter({ReplicaIndex{0}, message});
    for (const Send& send : sends) {
        const auto parcel = pack(from, send.message);
        for (const auto& host : hosts_)
            if (host->public_key() == to) carry(from, *host, parcel);
    }
}

std::shared_ptr<Cluster::Parcel> Cluster::pack(const Host& from, const Message& message) {
    auto parcel = std::make_shared<Parcel>(Parcel{encode(message), Error{}});
    parcel->message = decode(parcel->bytes);
    if (from.honest() && !parcel->message)
        outcome_.report.violation("S20", "an honest replica sent what does not decode");
    return parcel;
}

void Cluster::transmit(Host& from, const Send& send) {
    if (!from.up()) return;
    const auto parcel = pack(from, send.message);
    const ValidatorSet& members = from.replica().validators();
    for (const auto& to : hosts_) {
        const auto index = members.index_of(to->public_key());
        if (index && to->key() != from.key() && (!send.to || *send.to == *index))
            carry(from, *to, parcel);
    }
}

void Cluster::carry(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel) {
    const Micros now = schedule_.now();
    if (from.honest() && healed_) liveness_.on_sent(from.address(), parcel->bytes.size(), now);
    for (const Micros delay : network_->send(from.address(), to.address(), now))
        schedule_.after(delay, [this, &from, &to, parcel] {
            network_->arrived(from.address(), to.address());
            deliver(from, to, parcel);
        });
}

void Cluster::deliver(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel) {
    trace_.note(static_cast<std::uint64_t>(schedule_.now()) ^ (from.address() << 48) ^
                (to.address() << 56));
    trace_.note(parcel->bytes);
    if (!parcel->message || !to.up()) return;
    to.hear(from.public_key(), *parcel->message);
    Adversary* adversary = adversary_of(to);
    if (adversary == nullptr) return;
    const auto sender = to.replica().validators().index_of(from.public_key());
    if (!sender) return;
    for (const Send& lie : adversary->answer(*sender, *parcel->message))
        transmit(to, lie);
    if (const auto entry = adversary->slip()) {
        // Its own workers say that they checked it.
        const auto lie = [](const SealedEntry&) { return true; };
        const Verified verified =
            verify_entries(std::span(&*entry, 1), config_.chain, application(), lie);
        to.take(Submitted{{*entry}, verified});
    }
    std::size_t& seen = adversary_entries_[to.key()];
    for (; seen < adversary->made().size(); ++seen)
        chain_.on_made(adversary->made()[seen]);
}

void Cluster::observe(const Host& from, const Message& message) {
    const Image& disk = from.disk().durable();
    const auto on_vote = [&](const Vote& vote) {
        // A block's body is to be durable no later than the vote for it.
        const bool durable =
            disk.holds(vote) && (vote.kind != VoteKind::notar ||
                                 disk.is_past(vote.epoch, vote.view) || disk.holds_body(vote.hash));
        votes_.on_vote(vote, durable);
        if (!membership_) return;
        voted_.insert({vote.epoch, from.key()});
        const auto members = membership_->members(vote.epoch);
        if (vote.signer >= members.size() || members[vote.signer] != from.key())
            outcome_.report.violation("S12", "process " + std::to_string(from.address()) +
                                                 " votes in epoch " + std::to_string(vote.epoch) +
                                                 ", where it is no member");
    };
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        const Header& header = proposal->block->header;
        if (header.closing && (header.count > 0 || !header.next_validators.is_zero()))
            outcome_.report.violation("S12", "a closing block is not empty");
        on_vote(proposal->vote);
    }
    if (const auto* vote = std::get_if<Vote>(&message)) on_vote(*vote);
    if (const auto* cert = std::get_if<Cert>(&message)) certificates_.on_certificate(*cert);
}

void Cluster::written(Host& host, const Outputs& outputs) {
    if (!host.honest()) return;
    for (const Write& write : outputs.persist)
        if (const auto* proof = std::get_if<EpochProof>(&write)) epoch_ended(*proof);
}

void Cluster::epoch_ended(const EpochProof& proof) {
    certificates_.on_epoch(proof.end.header.epoch + 1, proof.next);
    processes_.on_epoch(proof.end.header.epoch + 1, proof.next);
    chain_.on_epoch_proof(proof);
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
                if (host->key() == to) host->take(Submitted{{submission.entry}});
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

void Cluster::prune(Host& host) {
    if (archives_.contains(host.address())) return;
    const std::size_t before = host.disk().durable().chain().size();
    host.disk().prune();
    if (host.disk().durable().chain().size() < before) ++outcome_.prunings;
    schedule_.after(exponential(member_prng_, options_.membership.prune_mean) + 1,
                    [this, &host] { prune(host); });
}

void Cluster::change_members() {
    const Epoch epoch = chain_.epoch();
    retire_who_left();
    for (const EntryPtr& entry : membership_->submit(epoch, genesis_ms + schedule_.now() / ms)) {
        const std::uint64_t first = member_prng_.below(hosts_.size());
        const bool everywhere = member_prng_.chance(0.3) || healed_;
        for (const auto& host : hosts_)
            if (everywhere || host->address() == first) host->take(Submitted{{entry}});
    }
    for (; operators_entries_ < membership_->made().size(); ++operators_entries_)
        chain_.on_made(membership_->made()[operators_entries_]);
    if (membership_->complete(epoch) && healed_) return;
    schedule_.after(exponential(member_prng_, options_.membership.pause_mean) + 1,
                    [this] { change_members(); });
}

/// Joiners that waited for their epoch start; some of those that left are switched off.
void Cluster::retire_who_left() {
    for (const auto& host : hosts_) {
        const auto& joiners = membership_->joiners();
        const bool joiner = std::find(joiners.begin(), joiners.end(), host->key()) != joiners.end();
        if (is_member(*host) || !host->up()) {
            if (joiner && is_member(*host)) (void)host->boot();
            continue;
        }
        bool was = !joiner;
        for (Epoch past = 0; past < chain_.epoch(); ++past) {
            const auto& set = membership_->members(past);
            was = was || std::find(set.begin(), set.end(), host->key()) != set.end();
        }
        // Not before enough of the new members know that the epoch has ended: nobody else might prove it to them.
        if (!was || !epoch_is_known() || !member_prng_.chance(0.3 * options_.membership.retires))
            continue;
        retired_.insert(host->address());
        liveness_.excuse(host->address());
        host->kill();
    }
}

bool Cluster::epoch_is_known() const {
    const auto in_it = std::count_if(hosts_.begin(), hosts_.end(), [&](const auto& host) {
        return counts(*host) && is_member(*host) && host->up() &&
               host->replica().epoch() == chain_.epoch();
    });
    return static_cast<std::size_t>(in_it) > chain_.validators().faults();
}

bool Cluster::joiners_voted() const {
    if (!membership_) return true;
    return std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& host) {
        const auto& joiners = membership_->joiners();
        if (std::find(joiners.begin(), joiners.end(), host->key()) == joiners.end() ||
            !counts(*host) || !is_member(*host))
            return true;
        return voted_.contains({chain_.epoch(), host->key()});
    });
}

void Cluster::heal() {
    healed_ = true;
    outcome_.entries_before_heal = chain_.entries();
    network_->heal();
    for (const auto& host : hosts_) {
        host->clock().heal();
        if (!counts(*host) || slow_.contains(host->address())) liveness_.excuse(host->address());
        if (dead_.contains(host->address()) || retired_.contains(host->address())) {
            host->kill();
            continue;
        }
        host->resume();
        (void)host->boot();
        if (counts(*host) && host->up() && !membership_)
            liveness_.on_view(host->address(), host->status().view, schedule_.now());
    }
    look();
}

bool Cluster::stirred() const {
    return !adversaries_.empty() &&
           (!options_.byzantine_heals ||
            options_.behaviours.test(static_cast<std::size_t>(Behaviour::bad_entries)));
}

Height Cluster::height_due(const Host& host) const {
    constexpr Height under_way = 2;  // blocks that one has and another not yet
    Height due = chain_.height();
    // Blocks without entries may be final at one that died alone: there is nothing in them to work for.
    while (due > 0 && chain_.empty(due) &&
           std::none_of(hosts_.begin(), hosts_.end(), [&](const auto& other) {
               return counts(*other) && other->up() && other->status().final_height >= due;
           }))
        --due;
    if (!stirred()) return due;
    if (is_member(host)) return due - std::min(due, under_way);
    // Who only follows asks every standstill period.
    const UnixMs heard = genesis_ms + schedule_.now() / ms - 2 * options_.parameters.standstill_ms;
    while (due > 0 && chain_.time_of(due) > heard)
        --due;
    return due;
}

bool Cluster::settled(const Host& host) const {
    return host.up() && (stirred() || !host.status().has_work) &&
           host.status().final_height >= height_due(host);
}

bool Cluster::done() const {
    return clients_.waiting().empty() && (!membership_ || membership_->complete(chain_.epoch())) &&
           std::all_of(hosts_.begin(), hosts_.end(),
                       [&](const auto& host) { return !counts(*host) || settled(*host); });
}

std::vector<Host*> Cluster::working_members() const {
    std::vector<Host*> out;
    for (const auto& host : hosts_)
        if (counts(*host) && is_member(*host) && host->up()) out.push_back(host.get());
    return out;
}

void Cluster::look() {
    if (done() && !joiners_voted() && probes_ < probes_max) {
        // Something to vote for.
        ++probes_;
        const EntryPtr probe = clients_.probe(genesis_ms + schedule_.now() / ms);
        chain_.on_made(probe);
        // Who left cannot put it on the log, and a silent one does not pass it on.
        if (const auto members = working_members(); !members.empty())
            members[probes_ % members.size()]->take(Submitted{{probe}});
        schedule_.after(probe_pause, [this] { look(); });
        return;
    }
    if (done()) {
        schedule_.after(quiet_before, [this] { done() ? be_quiet() : look(); });
        return;
    }
    const auto insisted = clients_.insist();
    hand_in(insisted);
    // Those whom the clients knew first may all have left.
    if (membership_)
        for (Host* member : working_members())
            for (const auto& submission : insisted)
                if (std::find(submission.to.begin(), submission.to.end(), member->key()) ==
                    submission.to.end())
                    member->take(Submitted{{submission.entry}});
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

void Cluster::begin_changes() {
    for (const auto& host : hosts_) {
        schedule_.after(static_cast<Micros>(member_prng_.below(options_.break_ms)) * ms,
                        [this, &host = *host] { prune(host); });
        // A learner first, unless it waits for its epoch.
        if (host->address() >= first_joiner_ && !member_prng_.chance(options_.membership.late))
            schedule_.after(static_cast<Micros>(member_prng_.below(options_.break_ms)) * ms,
                            [&host = *host] { (void)host.boot(); });
    }
    schedule_.after(exponential(member_prng_, options_.membership.pause_mean) + 100 * ms,
                    [this] { change_members(); });
}

Outcome Cluster::run() {
    for (const auto& host : hosts_) {
        if (host->address() >= first_joiner_) continue;
        schedule_.after(static_cast<Micros>(process_prng_.below(200)) * ms,
                        [&host = *host] { (void)host.boot(); });
    }
    if (membership_) begin_changes();
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
        if (membership_ && !membership_->complete(chain_.epoch()))
            outcome_.report.violation("L8", "a change of members did not come about");
        if (!joiners_voted()) outcome_.report.violation("L8", "who joined does not vote");
        for (const auto& host : hosts_)
            if (counts(*host) && host->up())
                for (const EntryId& id : clients_.receipts())
                    if (!application().contains(*host->replica().state(), id))
                        outcome_.report.violation("S13", "process " +
                                                             std::to_string(host->address()) +
                                                             " lost an entry with a receipt");
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
        outcome_.places.push_back(host->up()
                                      ? "epoch " + std::to_string(host->replica().epoch()) +
                                            " place " + std::to_string(host->replica().index())
                                      : std::string());
    }
    outcome_.chain_id = config_.chain;
    outcome_.validators = config_.validators;
    for (const auto& [key, adversary] : adversaries_)
        outcome_.byzantine.insert(static_cast<ReplicaIndex>(key));
    outcome_.trace = trace_.hash();
    outcome_.height = chain_.height();
    outcome_.entries = chain_.entries();
    outcome_.accusations = processes_.accusations();
    outcome_.accused_on_log = chain_.evidence();
    outcome_.epochs = chain_.epoch();
    outcome_.steps = schedule_.steps();
    outcome_.ended = schedule_.now();
    return std::move(outcome_);
}

Outcome run(const Options& options) {
    crypto::initialise();
    return Cluster(options).run();
}

}  // namespace kilter::consensus::simulation
