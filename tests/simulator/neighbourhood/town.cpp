#include "tests/simulator/neighbourhood/town.hpp"

#include <algorithm>
#include <cmath>

#include "common/settlement/feeder_number.hpp"
#include "common/topology/generated.hpp"

namespace kilter::simulation {

namespace {

using consensus::simulation::genesis_ms;
using consensus::simulation::ms;
using consensus::simulation::second;
using consensus::simulation::stream;

constexpr std::uint32_t interval_s = 180;
constexpr std::uint64_t operator_number = 900;
constexpr std::uint64_t first_home_number = 1'000;
constexpr Micros enrolment_patience = 2 * second;
// From the healing on: records that were lost are given up, sessions under way end, everyone is back.
constexpr Micros recovery = 80 * second;
// Until a liar is found: three doubtful intervals at most, each home of its net in turn, and who was out of one that cleared.
// Until two are: each pair as well.
constexpr IntervalIndex intervals_with_a_liar_max = 12;
constexpr IntervalIndex intervals_with_two_max = 26;
constexpr Micros putting_back = 10 * second;   // takes somebody's hands
constexpr double back_up = 0.05;               // chance per home and second
constexpr Micros verdict_after = 10 * second;  // of the start of the interval that must clear

market::Parameters parameters_of(const Options& options) {
    market::Parameters out;
    out.interval_s = interval_s;
    out.horizon = options.horizon;
    out.rho_eur_per_kw2 = options.rho_factor * 0.03 * 900 / interval_s / 20;
    out.method = options.method;
    out.primal_tolerance_kw = 0.01;
    out.dual_tolerance = 0.01;
    out.iterations_max = 120;
    out.silence_ms = 1'000;
    out.session_ms = 15'000;
    out.privacy_members_min = options.privacy_members_min;
    return out;
}

coordinator::Pace pace() {
    coordinator::Pace out;
    out.lead_ms = 100'000;
    out.gather_ms = 4'000;
    out.takeover_ms = 3'000;
    return out;
}

// Quarter hours told as the run's shorter intervals.
void stretch(std::vector<double>& series) {
    if (series.empty()) return;
    constexpr std::size_t intervals = 86'400 / interval_s;
    std::vector<double> out(intervals);
    for (std::size_t i = 0; i < intervals; ++i)
        out[i] = series[i * series.size() / intervals];
    series = std::move(out);
}

const topology::Profiles& profiles() {
    static const topology::Profiles all = topology::generated_profiles(1);
    return all;
}

}  // namespace

struct Town::Coordinator {
    crypto::Identity identity;
    consensus::simulation::Host log;
    std::optional<CoordinatorProcess> market;
};

Town::Town(const Options& options)
    : options_(options),
      process_prng_(stream(options.seed, "processes")),
      disk_prng_(stream(options.seed, "disks")),
      clock_prng_(stream(options.seed, "clocks")),
      backup_prng_(stream(options.seed, "backups")),
      parameters_(parameters_of(options)),
      operator_(consensus::simulation::identity_of(operator_number)),
      break_until_(options.break_intervals * interval_s * second) {
    build();
}

Town::~Town() = default;

void Town::add_feeder(const std::vector<std::size_t>& homes) {
    const auto number = static_cast<settlement::FeederNumber>(feeders_.size());
    topology::FeederOptions feeder;
    feeder.buses = homes.size() + 1;
    feeder.homes_per_net = *std::max_element(homes.begin(), homes.end());
    if (options_.v_min_pu > 0) feeder.v_min_pu = options_.v_min_pu;
    feeder.v_max_pu = std::max(feeder.v_max_pu, feeder.v_min_pu + 0.1);
    auto generated = topology::generate_feeder(feeder, options_.seed + number, profiles());
    model::Network& network = feeders_.emplace_back(std::move(generated.network));
    network.number = number;
    network.name += std::string(number, '\'');
    stretch(network.daily_shape);
    stretch(network.tie.price_eur_per_kwh);
    for (std::size_t net = 0; net < homes.size(); ++net)
        nets_.push_back(settlement::net_id(number, net));
    std::map<NetId, std::size_t> room;
    const std::size_t before = specs_.size();
    for (topology::HomeSpec& home : generated.homes) {
        if (room[home.net]++ >= homes[home.net.value]) continue;
        home.net = settlement::net_id(number, home.net.value);
        home.interval_s = interval_s;
        stretch(home.load_kw);
        stretch(home.pv_kw);
        specs_.push_back(std::move(home));
    }
    if (options_.import_max_kw_per_home > 0)
        network.tie.import_max_kw =
            options_.import_max_kw_per_home * static_cast<double>(specs_.size() - before);
}

std::map<std::size_t, Lie> Town::draw_liars() {
    std::map<std::size_t, Lie> out;
    if (options_.lie == Lie::none) return out;
    const std::size_t first = process_prng_.below(specs_.size());
    out[first] = options_.lie;
    if (options_.second_lie == Lie::none) return out;
    for (std::size_t i = 0; i < specs_.size(); ++i)
        if (i != first && specs_[i].net == specs_[first].net) {
            out[i] = options_.second_lie;
            break;
        }
    return out;
}

void Town::build() {
    add_feeder(options_.homes);
    if (!options_.homes_elsewhere.empty()) add_feeder(options_.homes_elsewhere);
    hosted_ = feeders_;
    if (options_.sabotage == Sabotage::any_import)
        for (model::Network& feeder : hosted_)
            feeder.tie.import_max_kw *= 100;

    genesis_.time_ms = genesis_ms;
    genesis_.operator_key = operator_.public_key();
    genesis_.market_parameters = parameters_.encode();
    genesis_.begin_with(settlement::newest_ledger());
    std::vector<settlement::RosterMember> members;
    for (std::size_t i = 0; i < options_.coordinators; ++i) {
        const auto key = consensus::simulation::identity_of(i).public_key();
        genesis_.validators.validators.push_back({key, ""});
        const model::Network& feeder = feeders_[i % feeders_.size()];
        members.push_back({key, settlement::Role::coordinator, settlement::net_id(feeder.number, 0),
                           1'000, "", feeder.name});
    }
    const auto liars = draw_liars();
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        identities_.push_back(consensus::simulation::identity_of(first_home_number + i));
        settlement::ServicePoint point;
        point.bytes[0] = static_cast<std::uint8_t>(i + 1);
        const double weight = parameters_.home_weight(specs_[i].flexibility());
        members.push_back({identities_[i].public_key(), settlement::Role::home, specs_[i].net,
                           static_cast<std::uint32_t>(std::lround(weight * 1'000)), "",
                           feeders_[settlement::feeder_of(specs_[i].net)].name, point});
        residents_.push_back({identities_[i].public_key(), specs_[i].net, !liars.contains(i)});
    }
    ledger_.emplace(genesis_);
    config_ = settlement::config_of(genesis_);
    for (const settlement::RosterChange& change : settlement::first_changes(members))
        enrolment_.push_back(settlement::make_entry(change, genesis_.chain_id(), change.epoch,
                                                    genesis_ms + 3'600'000, operator_));
    checker_.emplace(outcome_.report, options_, parameters_, feeders_, residents_);

    const std::size_t addresses = options_.coordinators + specs_.size();
    links_.emplace(options_.network, stream(options_.seed, "network"), addresses);
    for (Address address = 0; address < options_.coordinators; ++address) {
        coordinators_.push_back(std::make_unique<Coordinator>(
            Coordinator{consensus::simulation::identity_of(address),
                        {*this, address, address, true, Clock(options_.clock, clock_prng_)},
                        {}}));
        Coordinator& one = *coordinators_.back();
        one.market.emplace(*this, one.log, one.identity, genesis_,
                           hosted_[address % hosted_.size()], pace(), receipts_);
        addresses_[one.identity.public_key()] = address;
    }
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const Address address = options_.coordinators + i;
        homes_.push_back(
            std::make_unique<HomeProcess>(*this, address, i, identities_[i], genesis_, specs_[i],
                                          Clock(options_.clock, clock_prng_), options_));
        if (const auto lie = liars.find(i); lie != liars.end())
            homes_.back()->becomes_liar(lie->second, stream(options_.seed + i, "liar"));
        addresses_[identities_[i].public_key()] = address;
    }
    outcome_.homes = specs_.size();
}

// ---- messages ------------------------------------------------------------------------------------------------------

const crypto::PublicKey& Town::key_of(Address address) const {
    return is_coordinator(address) ? coordinators_[address]->identity.public_key()
                                   : residents_[address - coordinators_.size()].key;
}

void Town::post(Address from, const wire::Outgoing& letter) {
    const auto to = addresses_.find(letter.to);
    if (to == addresses_.end()) return;
    if (options_.sabotage == Sabotage::deaf && healed_ && is_coordinator(to->second) &&
        !is_coordinator(from))
        return;
    carry(from, to->second, letter.message);
}

void Town::send(consensus::simulation::Host& from, const consensus::Send& send) {
    const wire::Message message = wire::ConsensusMessage{consensus::encode(send.message)};
    for (Address to = 0; to < coordinators_.size(); ++to)
        if (to != from.address() && (!send.to || *send.to == to))
            carry(from.address(), to, message);
}

void Town::post(consensus::simulation::Host& from,
                const crypto::PublicKey& to,
                const consensus::Message& message) {
    carry(from.address(), addresses_.at(to), wire::ConsensusMessage{consensus::encode(message)});
}

void Town::carry(Address from, Address to, const wire::Message& message) {
    if (const auto* sent = std::get_if<wire::Share>(&message);
        sent != nullptr && options_.sabotage == Sabotage::cut_words && !is_coordinator(from) &&
        sent->share.words.size() > 2) {
        wire::Share cut = *sent;
        cut.share.words.pop_back();
        return transport(from, to, cut);
    }
    transport(from, to, message);
}

void Town::transport(Address from, Address to, const wire::Message& message) {
    ++outcome_.messages;
    if (auto sound = wire::check(message); !sound) {
        outcome_.report.violation(
            "N12", "an honest process sent what no codec takes: " + sound.error().message);
        return;
    }
    const auto bytes = std::make_shared<const Bytes>(wire::encode(message));
    for (const Micros delay : links_->send(from, to, schedule_.now()))
        schedule_.after(delay, [this, from, to, bytes] {
            links_->arrived(from, to);
            deliver(from, to, *bytes);
        });
}

void Town::deliver(Address from, Address to, const Bytes& bytes) {
    trace_.note(static_cast<std::uint64_t>(schedule_.now()) ^ (from << 48) ^ (to << 56));
    trace_.note(bytes);
    auto message = wire::decode(bytes);
    if (!message) {
        outcome_.report.violation("N12",
                                  "what was encoded does not decode: " + message.error().message);
        return;
    }
    if (!is_coordinator(to))
        return homes_[to - coordinators_.size()]->hear(key_of(from), std::move(*message));
    Coordinator& one = *coordinators_[to];
    if (const auto* payload = std::get_if<wire::ConsensusMessage>(&*message)) {
        if (auto inner = consensus::decode(payload->payload))
            one.log.hear(key_of(from), std::move(*inner));
        return;
    }
    one.market->hear(key_of(from), *message);
}

// ---- processes -----------------------------------------------------------------------------------------------------

bool Town::dies_here() {
    ++outcome_.points;
    return breaking() && process_prng_.chance(options_.crash_at_point);
}

bool Town::dies_at(consensus::simulation::Host& /*host*/, consensus::simulation::Point /*point*/) {
    return dies_here();
}

bool Town::write_fails(consensus::simulation::Host& /*host*/) {
    return false;
}

bool Town::cache_survives(consensus::simulation::Host& /*host*/) {
    return disk_prng_.chance(0.5);
}

bool Town::snapshot_survives(consensus::simulation::Host& /*host*/) {
    return true;
}

void Town::store_contradicts(consensus::simulation::Host& host) {
    outcome_.report.violation("S6", "coordinator " + std::to_string(host.address()) +
                                        ": its writes do not fit its store");
}

Micros Town::sync_time(consensus::simulation::Host& /*host*/) {
    return 100 + static_cast<Micros>(disk_prng_.below(2 * ms));
}

Micros Town::computing_time(consensus::simulation::Host& /*host*/, std::size_t inputs) {
    return static_cast<Micros>(inputs) * 50;
}

void Town::written(consensus::simulation::Host& /*host*/, const consensus::Outputs& /*outputs*/) {}

void Town::turned(consensus::simulation::Host& host, const consensus::Outputs& outputs) {
    if (outputs.halt)
        outcome_.report.violation(
            "S1", "coordinator " + std::to_string(host.address()) + " halted: " + *outputs.halt);
    for (const consensus::Finalised& final : outputs.finalised)
        checker_->on_block(final.block->header.height, *final.block, final.block->hash);
    for (const consensus::SubmissionAnswer& answer : outputs.answers)
        if (answer.status == consensus::SubmissionStatus::refused)
            outcome_.story.push_back("coordinator " + std::to_string(host.address()) +
                                     " refused an entry: " + answer.reason);
    for (const consensus::Finalised& final : outputs.finalised)
        coordinators_[host.address()]->market->on_final(final);
}

void Town::booted(consensus::simulation::Host& host) {
    trace_.note(0xB007 + host.address());
    schedule_.after(0, [this, &host] {
        CoordinatorProcess& market = *coordinators_[host.address()]->market;
        if (host.up() && !market.up()) market.boot();
    });
}

void Town::ended(consensus::simulation::Host& host) {
    coordinators_[host.address()]->market->end();
    restart(host.address());
}

void Town::home_ended(Address address) {
    restart(address);
}

void Town::restart(Address address) {
    ++outcome_.restarts;
    trace_.note(0xDEAD + address);
    if (breaking() && process_prng_.chance(options_.restart_late)) return;
    if (!is_coordinator(address) && breaking() && backup_prng_.chance(options_.put_back))
        return schedule_.after(putting_back, [this, address] { put_back(address); });
    schedule_.after(
        50 * ms + static_cast<Micros>(process_prng_.below(healed_ ? second : options_.down_max)),
        [this, address] { start(address); });
}

void Town::start(Address address) {
    if (is_coordinator(address))
        (void)coordinators_[address]->log.boot();
    else
        homes_[address - coordinators_.size()]->boot();
}

void Town::put_back(Address address) {
    HomeProcess& home = *homes_[address - coordinators_.size()];
    if (!home.up()) home.put_back();
    home.boot();
}

std::optional<std::size_t> Town::strikes(const coordinator::Outputs& outputs) {
    if (struck_ || options_.strike.iteration == 0) return std::nullopt;
    for (const wire::Outgoing& letter : outputs.send)
        if (const auto* sent = std::get_if<wire::Share>(&letter.message);
            sent != nullptr && sent->share.iteration == options_.strike.iteration) {
            struck_ = true;
            if (options_.misset.at == 0) misset_clock();
            return outputs.send.size() * options_.strike.permille / 1'000;
        }
    return std::nullopt;
}

bool Town::stands_still(Address address) {
    if (options_.strike.still == 0) return false;
    pause(address, options_.strike.still);
    return true;
}

void Town::pause(Address address) {
    pause(address, static_cast<Micros>(process_prng_.below(200 * second)));
}

void Town::pause(Address address, Micros time) {
    const auto resume = [this, address] {
        if (is_coordinator(address)) {
            coordinators_[address]->log.resume();
            coordinators_[address]->market->resume();
        } else {
            homes_[address - coordinators_.size()]->resume();
        }
    };
    if (is_coordinator(address)) {
        coordinators_[address]->log.pause();
        coordinators_[address]->market->pause();
    } else {
        homes_[address - coordinators_.size()]->pause();
    }
    schedule_.after(time, resume);
}

// ---- what goes wrong -------------------------------------------------------------------------------------------------

void Town::weather() {
    if (const Micros next = links_->change_weather(schedule_.now()); next > 0)
        schedule_.after(next, [this] { weather(); });
}

void Town::every_second() {
    if (!breaking()) return;
    const bool all = process_prng_.chance(options_.crash_all);
    for (const auto& one : coordinators_) {
        one->log.clock().weather(options_.clock, clock_prng_, schedule_.now());
        if (all || process_prng_.chance(options_.crash) ||
            (one->market->chairs() && process_prng_.chance(options_.kill_chair)))
            one->log.kill();
        if (process_prng_.chance(options_.pause)) pause(one->log.address());
    }
    for (std::size_t i = 0; i < homes_.size(); ++i) {
        homes_[i]->clock().weather(options_.clock, clock_prng_, schedule_.now());
        if (options_.put_back > 0 && backup_prng_.chance(back_up)) homes_[i]->back_up();
        if (process_prng_.chance(options_.crash)) homes_[i]->kill();
        if (process_prng_.chance(options_.pause)) pause(coordinators_.size() + i);
    }
    schedule_.after(second, [this] { every_second(); });
}

void Town::misset_clock() {
    for (std::size_t i = 0; i < options_.misset.processes; ++i) {
        const Address address = options_.misset.process + i;
        Clock& clock = is_coordinator(address) ? coordinators_[address]->log.clock()
                                               : homes_[address - coordinators_.size()]->clock();
        clock.jump(options_.misset.by_ms);
    }
}

void Town::enrol() {
    bool done = true;
    for (const consensus::EntryPtr& entry : enrolment_)
        done = done && receipts_.by_key.contains(entry->entry.key);
    if (done) return;
    for (const auto& one : coordinators_)
        one->log.take(consensus::Submitted{enrolment_});
    schedule_.after(enrolment_patience, [this] { enrol(); });
}

void Town::heal() {
    healed_ = true;
    links_->heal();
    for (const auto& one : coordinators_) {
        one->log.clock().heal();
        one->log.resume();
        one->market->resume();
        (void)one->log.boot();
    }
    for (const auto& home : homes_) {
        home->clock().heal();
        home->resume();
        home->boot();
    }
    const UnixMs gate_after = genesis_ms + (schedule_.now() + recovery) / ms + pace().lead_ms;
    goal_ = interval_at(gate_after, interval_s) + 1;
    const Micros starts = (interval_start(goal_, interval_s) - genesis_ms) * ms;
    schedule_.after(starts + verdict_after - schedule_.now(), [this] { judge(); });
}

bool Town::has_to_clear(NetId net) const {
    std::size_t speaking = 0;
    bool lied_to = false;
    for (const Resident& home : residents_) {
        if (home.net != net) continue;
        speaking += home.honest ? 1 : 0;
        lied_to = lied_to || !home.honest;
    }
    // Where somebody lies about values, or keeps silent to some, there may be nothing to agree on.
    return speaking >= options_.privacy_members_min && !lied_to;
}

std::vector<std::size_t> Town::lied_to() const {
    std::vector<std::size_t> out;
    const auto liar = std::ranges::find(residents_, false, &Resident::honest);
    for (std::size_t i = 0; liar != residents_.end() && i < residents_.size(); ++i)
        if (residents_[i].net == liar->net && residents_[i].honest) out.push_back(i);
    return out.size() < options_.privacy_members_min ? std::vector<std::size_t>{} : out;
}

IntervalIndex Town::lied_to_max() const {
    return options_.second_lie == Lie::none ? intervals_with_a_liar_max : intervals_with_two_max;
}

void Town::judge_lied_to() {
    const auto homes = lied_to();
    for (IntervalIndex interval = goal_; interval <= judged_; ++interval)
        if (std::ranges::all_of(homes, [&](std::size_t home) {
                return checker_->recorded(interval, residents_[home]);
            })) {
            over_ = true;
            return;
        }
    if (judged_ - goal_ >= lied_to_max()) {
        over_ = true;
        outcome_.report.violation("N10", "the homes beside who lies have not cleared any of " +
                                             std::to_string(lied_to_max()) +
                                             " intervals after the healing, all of them together");
        return;
    }
    ++judged_;
    schedule_.after(interval_s * second, [this] { judge_lied_to(); });
}

void Town::judge() {
    judged_ = goal_;
    const auto recorded = checker_->recorded(goal_);
    for (const NetId id : nets_) {
        if (has_to_clear(id) && !recorded.contains(id))
            outcome_.report.violation("N10", "net " + settlement::name_of(id) +
                                                 " has not cleared interval " +
                                                 std::to_string(goal_) + " after the healing");
    }
    for (std::size_t i = 0; i < homes_.size(); ++i) {
        if (!has_to_clear(residents_[i].net)) continue;
        const std::string who = "home " + std::to_string(i);
        if (!checker_->recorded(goal_, residents_[i]))
            outcome_.report.violation("N10", who + " is not in the record of interval " +
                                                 std::to_string(goal_) + " after the healing");
        else if (homes_[i]->certified() != goal_)
            outcome_.report.violation("N10", who + " has not heard that interval " +
                                                 std::to_string(goal_) + " is on the log");
    }
    const auto& first = coordinators_.front()->log;
    for (const auto& one : coordinators_)
        if (!one->log.up() || !first.up() ||
            one->log.status().final_height != first.status().final_height)
            outcome_.report.violation("N10", "coordinator " + std::to_string(one->log.address()) +
                                                 " has another log than the first");
    judge_lied_to();
}

void Town::tell() {
    const auto note = [&](const std::string& who, const std::deque<Event>& events,
                          const std::string& doing) {
        outcome_.story.push_back(who + " is " + doing);
        const std::size_t from = events.size() > 12 ? events.size() - 12 : 0;
        for (std::size_t i = from; i < events.size(); ++i)
            outcome_.story.push_back("    " + events[i].text);
    };
    for (const auto& one : coordinators_)
        note("coordinator " + std::to_string(one->log.address()), one->market->events(),
             one->market->up() ? one->market->feeder().explain() : "down");
    for (std::size_t i = 0; i < homes_.size(); ++i)
        note("home " + std::to_string(i) + (homes_[i]->honest() ? "" : " (liar)") + " on net " +
                 settlement::name_of(residents_[i].net),
             homes_[i]->events(), homes_[i]->up() ? homes_[i]->gateway().explain() : "down");
}

Outcome Town::run() {
    for (Address address = 0; address < coordinators_.size() + homes_.size(); ++address)
        schedule_.after(static_cast<Micros>(process_prng_.below(2 * second)),
                        [this, address] { start(address); });
    schedule_.after(1, [this] { weather(); });
    schedule_.after(3 * second, [this] { enrol(); });
    schedule_.after(4 * second, [this] { every_second(); });
    if (options_.all_down > 0)
        schedule_.after(options_.all_down, [this] {
            for (const auto& one : coordinators_)
                one->log.kill();
        });
    if (options_.misset.at > 0) schedule_.after(options_.misset.at, [this] { misset_clock(); });
    schedule_.after(break_until_, [this] { heal(); });
    const Micros end = break_until_ + (6 + lied_to_max()) * interval_s * second;
    while (!over_ && outcome_.report.clean() && schedule_.step(end)) {
    }
    tell();
    outcome_.trace = trace_.hash();
    outcome_.records = checker_->records();
    outcome_.cleared = checker_->cleared();
    outcome_.logged = checker_->logged();
    outcome_.caught = checker_->caught();
    for (const auto& one : coordinators_)
        outcome_.sessions += one->market->reports().size();
    outcome_.steps = schedule_.steps();
    outcome_.ended = schedule_.now();
    return std::move(outcome_);
}

Outcome run(const Options& options) {
    crypto::initialise();
    return Town(options).run();
}

}  // namespace kilter::simulation
