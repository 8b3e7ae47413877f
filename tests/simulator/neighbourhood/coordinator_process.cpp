#include "tests/simulator/neighbourhood/coordinator_process.hpp"

namespace kilter::simulation {

namespace {

constexpr std::size_t coordinator_events_max = 200;
constexpr UnixMs record_life_ms = 3'600'000;

}  // namespace

CoordinatorProcess::CoordinatorProcess(Street& street,
                                       consensus::simulation::Host& log,
                                       const crypto::Identity& identity,
                                       const settlement::Genesis& genesis,
                                       const model::Network& network,
                                       coordinator::Pace pace,
                                       Receipts& receipts)
    : street_(street),
      log_(log),
      identity_(identity),
      genesis_(genesis),
      network_(network),
      pace_(pace),
      receipts_(receipts) {}

void CoordinatorProcess::boot() {
    auto feeder = coordinator::FeederHost::create(identity_, genesis_, network_, pace_, disk_);
    KILTER_CHECK(feeder.ok(), "the feeder's host");
    feeder_.emplace(std::move(*feeder));
    directory_.reset();
    roster_ = {};
    newest_record_.clear();
    for (const consensus::BlockPtr& block : log_.disk().durable().chain())
        for (const consensus::EntryPtr& entry : block->entries)
            learn(*entry);
    step(coordinator::Started{});
}

void CoordinatorProcess::end() {
    feeder_.reset();
    waiting_.clear();
    late_.clear();
    handed_in_.clear();
    timers_.clear();
    ++incarnation_;
    paused_ = false;
}

void CoordinatorProcess::resume() {
    paused_ = false;
    for (const wire::Outgoing& letter : std::exchange(late_, {}))
        send(letter);
    for (coordinator::Input& input : std::exchange(waiting_, {}))
        step(std::move(input));
}

bool CoordinatorProcess::chairs() const {
    return up() && feeder_->explain().find("session") != std::string::npos;
}

void CoordinatorProcess::learn(const consensus::SealedEntry& sealed) {
    const consensus::Entry& entry = sealed.entry;
    if (entry.type == settlement::roster_change_entry) {
        const auto change = settlement::decode_roster_change(entry.body);
        roster_ = *settlement::apply(roster_, *change);
        directory_.emplace(roster_);
        step(coordinator::RosterFinal{roster_});
    } else if (entry.type == settlement::cleared_net_entry) {
        const auto record = settlement::decode_cleared_net(entry.body);
        auto& newest = newest_record_[record->net];
        if (record->interval >= newest.first) newest = {record->interval, entry.key};
        step(coordinator::ClearedNetFinal{*record, entry.author});
    }
}

void CoordinatorProcess::on_final(const consensus::Finalised& final) {
    for (std::size_t i = 0; i < final.block->entries.size(); ++i) {
        const consensus::SealedEntry& sealed = *final.block->entries[i];
        receipts_.by_key.try_emplace(
            sealed.entry.key, Receipts::One{consensus::encode(consensus::make_receipt(final, i)),
                                            final.block->header.height});
        if (!up()) continue;
        learn(sealed);
        const bool handed_in = handed_in_.erase(sealed.id) > 0;
        if ((sealed.entry.author != identity_.public_key() && !handed_in) || !up()) continue;
        if (const auto record = settlement::decode_cleared_net(sealed.entry.body))
            for (const auto& member : record->members)
                certify(member.key, sealed.entry.key);
    }
}

void CoordinatorProcess::hear(const crypto::PublicKey& from, const wire::Message& message) {
    if (!up()) return;
    if (const auto* hello = std::get_if<wire::Hello>(&message)) on_hello(from, *hello);
    if (const auto* submit = std::get_if<wire::Submit>(&message)) return on_submit(from, *submit);
    step(coordinator::MessageReceived{from, message});
}

void CoordinatorProcess::on_hello(const crypto::PublicKey& from, const wire::Hello& hello) {
    if (genesis_.validators.index_of(from)) return;
    if (hello.roster_epoch < roster_.epoch) {
        const auto receipt = receipts_.by_key.find(settlement::roster_key(roster_.epoch));
        if (receipt != receipts_.by_key.end())
            send({from, wire::RosterUpdate{receipt->second.receipt, settlement::encode(roster_)}});
    }
    if (!directory_) return;
    const auto party = directory_->find(from);
    if (!party) return;
    const auto record = newest_record_.find(directory_->at(*party).net);
    if (record != newest_record_.end()) certify(from, record->second.second);
}

void CoordinatorProcess::on_submit(const crypto::PublicKey& from, const wire::Submit& submit) {
    const auto entry = consensus::decode_sealed(submit.entry);
    if (!entry) return;
    const Bytes& key = (*entry)->entry.key;
    if (receipts_.by_key.contains(key)) return certify(from, key);
    handed_in_.insert((*entry)->id);
    log_.take(consensus::Submitted{{*entry}});
}

void CoordinatorProcess::certify(const crypto::PublicKey& to, const Bytes& key) {
    const auto receipt = receipts_.by_key.find(key);
    if (receipt != receipts_.by_key.end())
        send({to, wire::CertifiedEntry{receipt->second.receipt}});
}

void CoordinatorProcess::step(coordinator::Input input) {
    if (!up()) return;
    if (paused_)
        waiting_.push_back(std::move(input));
    else
        turn(input);
}

void CoordinatorProcess::turn(const coordinator::Input& input) {
    coordinator::Outputs out = feeder_->step(input, wall());
    if (street_.dies_here()) return log_.kill();
    if (out.persist) {
        disk_ = *out.persist;
        if (street_.dies_here()) return log_.kill();
    }
    const std::uint64_t incarnation = incarnation_;
    const auto struck_after = street_.strikes(out);
    std::size_t sent = 0;
    for (const wire::Outgoing& letter : out.send) {
        if (struck_after && sent == *struck_after) break;
        send(letter);
        ++sent;
        if (street_.dies_here()) return log_.kill();
    }
    if (struck_after) {
        late_.assign(out.send.begin() + static_cast<std::ptrdiff_t>(sent), out.send.end());
        if (!street_.stands_still(log_.address())) return log_.kill();
    }
    for (const coordinator::ArmTimer& timer : out.timers)
        arm(timer);
    for (const settlement::ClearedNet& record : out.submit) {
        const consensus::EntryPtr entry = settlement::make_entry(
            record, genesis_.chain_id(), record.opening, wall() + record_life_ms, identity_);
        street_.checker().on_submitted(entry->entry);
        log_.take(consensus::Submitted{{entry}});
    }
    for (Event& event : out.events) {
        street_.checker().on_event("coordinator " + std::to_string(log_.address()), event);
        events_.push_back(std::move(event));
        if (events_.size() > coordinator_events_max) events_.pop_front();
    }
    if (incarnation_ != incarnation || !out.report) return;
    street_.checker().on_report(*out.report);
    reports_.push_back(std::move(*out.report));
}

void CoordinatorProcess::send(const wire::Outgoing& letter) {
    street_.checker().on_sent(identity_.public_key(), letter.message);
    street_.post(log_.address(), letter);
}

void CoordinatorProcess::arm(const coordinator::ArmTimer& arm) {
    if (arm.delay_ms == 0) {
        timers_.erase(arm.timer);
        return;
    }
    timers_[arm.timer] = ++armed_;
    street_.time().after(log_.clock().timer(arm.delay_ms), [this, timer = arm.timer, armed = armed_,
                                                            incarnation = incarnation_] {
        const auto due = timers_.find(timer);
        if (incarnation_ != incarnation || due == timers_.end() || due->second != armed) return;
        timers_.erase(due);
        step(coordinator::TimerElapsed{timer});
    });
}

}  // namespace kilter::simulation
