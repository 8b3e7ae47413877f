#include <algorithm>

#include "tests/simulator/cluster.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr Micros client_patience = 1'500 * ms;
constexpr Micros quiet_before =
    12 * second;  // the last stragglers catch up with the first keep-alives
constexpr Micros quiet_watched = 22 * second;  // two rounds of keep-alives
constexpr std::int64_t submissions_after_heal_ms = 500;
constexpr std::size_t probes_max = 60;
constexpr Micros probe_pause = 300 * ms;
}  // namespace

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
