#include "tests/simulator/table.hpp"

#include <algorithm>
#include <numeric>

namespace kilter::consensus::simulation {

namespace {
std::vector<ReplicaIndex> one_each(std::size_t replicas) {
    std::vector<ReplicaIndex> keys(replicas);
    std::iota(keys.begin(), keys.end(), ReplicaIndex{0});
    return keys;
}
}  // namespace

Table::Table(std::size_t replicas, Parameters parameters)
    : Table(replicas, one_each(replicas), parameters) {}

Table::Table(std::size_t replicas, std::vector<ReplicaIndex> keys, Parameters parameters) {
    crypto::initialise();
    config_.genesis_ms = genesis_ms;
    config_.chain.bytes[0] = 7;
    config_.parameters = parameters;
    for (std::size_t i = 0; i < replicas; ++i)
        config_.validators.validators.push_back({identity_of(i).public_key(), ""});
    for (const ReplicaIndex key : keys)
        seats_.push_back({key, Disk(config_, ledger_), std::nullopt, {}});
}

void Table::start(Address address) {
    Seat& seat = seats_[address];
    auto image = seat.disk.durable().load();
    KILTER_CHECK(image.has_value(), "what a replica wrote leads to its state");
    seat.replica.emplace(config_, identity_of(seat.key), ledger_, *std::move(image));
    step(address, Started{});
}

void Table::crash(Address address) {
    seats_[address].replica.reset();
    seats_[address].timers.clear();
}

void Table::submit(Address address, const EntryPtr& entry) {
    step(address, Submitted{{entry}});
}

void Table::step(Address address, const Input& input) {
    if (up(address)) carry_out(address, seats_[address].replica->step(input, wall()));
}

void Table::carry_out(Address address, const Outputs& outputs) {
    Seat& seat = seats_[address];
    seat.disk.write(outputs.persist);
    KILTER_CHECK(seat.disk.sync(), "a replica's writes fit its store");
    if (onlooker_ != nullptr) onlooker_->turned(address, outputs);
    for (const Send& send : outputs.send)
        put(address, send.to, send.message);
    for (const Serve& serve : outputs.serve)
        if (auto answer = seat.disk.durable().answer(serve.ask))
            put(address, config_.validators.index_of(serve.to), *std::move(answer));
    for (const Arm& arm : outputs.arm)
        seat.timers[arm.timer.kind] = {arm.timer, now_ms_ + arm.delay_ms};
}

void Table::put(Address from, std::optional<ReplicaIndex> to, const Message& message) {
    for (Address address = 0; address < seats_.size(); ++address)
        if (seats_[address].key != seats_[from].key && (!to || seats_[address].key == *to))
            packets_.push_back({from, address, message, now_ms_ + latency_ms_});
}

void Table::forge(Address from, Address to, Message message) {
    packets_.push_back({from, to, std::move(message), now_ms_ + latency_ms_});
}

bool Table::expire(Address address, TimerKind kind) {
    auto& timers = seats_[address].timers;
    const auto found = timers.find(kind);
    if (found == timers.end()) return false;
    const Timer timer = found->second.timer;
    now_ms_ = std::max(now_ms_, found->second.at_ms);
    timers.erase(found);
    step(address, TimerElapsed{timer});
    return true;
}

void Table::deliver(const std::function<bool(const Packet&)>& lost) {
    while (!packets_.empty()) {
        const Packet packet = std::move(packets_.front());
        packets_.pop_front();
        if (lost && lost(packet)) continue;
        step(packet.to, MessageReceived{seats_[packet.from].key, packet.message});
    }
}

void Table::run(std::int64_t for_ms, std::int64_t latency_ms) {
    const std::int64_t end = now_ms_ + for_ms;
    latency_ms_ = latency_ms;
    for (;;) {
        // Packets lie in order of arrival: the latency is the same for all of a run.
        std::int64_t next = packets_.empty() ? end + 1 : packets_.front().at_ms;
        std::optional<std::pair<Address, TimerKind>> timer;
        for (Address address = 0; address < seats_.size(); ++address)
            for (const auto& [kind, due] : seats_[address].timers)
                if (due.at_ms < next) {
                    next = due.at_ms;
                    timer = {address, kind};
                }
        if (next > end) break;
        now_ms_ = std::max(now_ms_, next);
        if (timer) {
            expire(timer->first, timer->second);
            continue;
        }
        const Packet packet = std::move(packets_.front());
        packets_.pop_front();
        step(packet.to, MessageReceived{seats_[packet.from].key, packet.message});
    }
    now_ms_ = end;
}

}  // namespace kilter::consensus::simulation
