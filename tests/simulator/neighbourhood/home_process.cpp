#include "tests/simulator/neighbourhood/home_process.hpp"

#include "agent/core/backlog.hpp"
#include "agent/core/memory.hpp"
#include "common/base/limits.hpp"
#include "common/consensus/light_client.hpp"

namespace kilter::simulation {

namespace {

constexpr const char* energy_key = "energy";
constexpr std::size_t home_events_max = 200;

}  // namespace

HomeProcess::HomeProcess(Street& street,
                         Address address,
                         std::size_t number,
                         const crypto::Identity& identity,
                         const settlement::Genesis& genesis,
                         topology::HomeSpec spec,
                         Clock clock,
                         const Options& options)
    : street_(street),
      address_(address),
      number_(number),
      identity_(identity),
      genesis_(genesis),
      spec_(std::move(spec)),
      clock_(clock),
      sabotage_(options.sabotage) {}

void HomeProcess::boot() {
    if (up()) return;
    std::optional<double> energy_kwh;
    if (const auto kept = disk_.find(energy_key); kept != disk_.end())
        energy_kwh = ByteReader(kept->second).f64();
    devices_.emplace(spec_, energy_kwh);
    auto gateway = agent::Gateway::create(
        identity_, genesis_,
        [this](IntervalIndex first, Eigen::Index intervals) {
            return devices_->horizon(first, intervals);
        },
        disk_);
    KILTER_CHECK(gateway.ok(), "a home does not start from what it wrote itself");
    gateway_.emplace(std::move(*gateway));
    ++incarnation_;
    step(agent::Started{});
}

void HomeProcess::kill() {
    if (!up()) return;
    gateway_.reset();
    waiting_.clear();
    timers_.clear();
    ++incarnation_;
    paused_ = false;
    street_.home_ended(address_);
}

void HomeProcess::put_back() {
    const auto kept = disk_.find(energy_key);
    const Bytes energy = kept == disk_.end() ? Bytes{} : kept->second;
    disk_ = backup_;
    if (!energy.empty()) disk_[energy_key] = energy;
    street_.checker().on_put_back(number_);
}

void HomeProcess::resume() {
    paused_ = false;
    for (agent::Input& input : std::exchange(waiting_, {}))
        step(std::move(input));
}

void HomeProcess::hear(const crypto::PublicKey& from, wire::Message message) {
    if (up()) step(agent::MessageReceived{from, std::move(message)});
}

std::optional<IntervalIndex> HomeProcess::certified() const {
    const auto kept = disk_.find(agent::certified_key);
    if (kept == disk_.end()) return std::nullopt;
    return ByteReader(kept->second).i64();
}

void HomeProcess::step(agent::Input input) {
    if (!up()) return;
    if (paused_)
        waiting_.push_back(std::move(input));
    else
        turn(input);
}

void HomeProcess::turn(const agent::Input& input) {
    agent::Outputs out = gateway_->step(input, wall());
    if (street_.dies_here()) return kill();
    if (out.setpoint) {
        devices_->dispatch(out.setpoint->interval, out.setpoint->consumption_kw);
        out.persist[energy_key] = ByteWriter{}.f64(devices_->energy_kwh()).bytes();
    }
    keep(out);
    if (!out.persist.empty() && street_.dies_here()) return kill();
    for (const wire::Outgoing& letter : out.send) {
        send(letter);
        if (street_.dies_here()) return kill();
    }
    for (const agent::ArmTimer& timer : out.timers)
        arm(timer);
    for (Event& event : out.events) {
        if (honest()) street_.checker().on_event("home " + std::to_string(number_), event);
        events_.push_back(std::move(event));
        if (events_.size() > home_events_max) events_.pop_front();
    }
    if (out.peers) step(agent::PeersConnected{});
}

void HomeProcess::keep(const agent::Outputs& out) {
    for (const auto& [key, value] : out.persist)
        disk_[key] = value;
    if (!honest()) return;
    if (const auto agreed = out.persist.find(agent::pending_key);
        agreed != out.persist.end() && !agreed->second.empty())
        street_.checker().on_agreed(number_, agent::Agreements::decode(agreed->second)->newest());
    if (const auto plans = out.persist.find(agent::plans_key); plans != out.persist.end())
        street_.checker().on_plans(number_, *agent::Plans::decode(plans->second));
    if (const auto base = out.persist.find(agent::base_key); base != out.persist.end())
        street_.checker().on_base(
            number_,
            *settlement::decode_cleared_net(consensus::decode_receipt(base->second)->entry.body));
    if (const auto accord = out.persist.find(agent::accord_key);
        accord != out.persist.end() && !accord->second.empty())
        street_.checker().on_accord(number_, *agent::Accord::decode(accord->second));
    if (const auto driven = out.persist.find(agent::driven_key); driven != out.persist.end())
        street_.checker().on_driven(
            number_, ByteReader(driven->second).i64(),
            consensus::simulation::genesis_ms + street_.time().now() / consensus::simulation::ms);
    for (auto at = out.persist.lower_bound(agent::backlog_prefix);
         at != out.persist.end() && at->first.starts_with(agent::backlog_prefix); ++at)
        if (!at->second.empty())
            street_.checker().on_interim(number_, *settlement::decode_cleared_net(at->second));
    if (out.setpoint) street_.checker().on_setpoint(number_, *out.setpoint);
}

void HomeProcess::send(const wire::Outgoing& letter) {
    if (liar_) {
        for (const wire::Outgoing& lie : liar_->alter(letter))
            street_.post(address_, lie);
        return;
    }
    wire::Outgoing sent = letter;
    if (auto* share = std::get_if<wire::Share>(&sent.message)) {
        if (sabotage_ == Sabotage::bare_words)
            for (std::uint64_t& word : share->share.words)
                word &= 0xFFFF;
        if (sabotage_ == Sabotage::long_words)
            share->share.words.resize(limits::share_words_max + 1);
        if (sabotage_ == Sabotage::lone_homes && share->share.members.size() > 2)
            share->share.members = {share->share.members.front(), share->share.from};
    }
    street_.checker().on_letter(identity_.public_key(), sent);
    street_.post(address_, sent);
}

void HomeProcess::arm(const agent::ArmTimer& arm) {
    if (arm.delay_ms == 0) {
        timers_.erase(arm.timer);
        return;
    }
    timers_[arm.timer] = ++armed_;
    street_.time().after(clock_.timer(arm.delay_ms), [this, timer = arm.timer, armed = armed_,
                                                      incarnation = incarnation_] {
        const auto due = timers_.find(timer);
        if (incarnation_ != incarnation || due == timers_.end() || due->second != armed) return;
        timers_.erase(due);
        step(agent::TimerElapsed{timer});
    });
}

}  // namespace kilter::simulation
