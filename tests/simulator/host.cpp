#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t inputs_per_turn = 256;
}  // namespace

crypto::Identity identity_of(std::uint64_t number) {
    crypto::Seed seed;
    seed.bytes[0] = static_cast<std::uint8_t>(number + 1);
    seed.bytes[1] = static_cast<std::uint8_t>((number + 1) >> 8);
    return crypto::Identity::from_seed(seed);
}

Host::Host(World& world, Address address, std::uint64_t key, bool honest, Clock clock)
    : world_(world),
      address_(address),
      key_(key),
      public_key_(identity_of(key).public_key()),
      honest_(honest),
      clock_(clock),
      disk_(world.config(), world.application()) {}

bool Host::boot() {
    if (replica_) return true;
    if (!disk_.opens()) return false;
    auto image = disk_.durable().load();
    if (!image) {
        world_.store_contradicts(*this);
        return false;
    }
    replica_.emplace(world_.config(), identity_of(key_), world_.application(), *std::move(image));
    ++incarnation_;
    busy_ = true;
    Outputs outputs = replica_->step(Started{}, wall());
    world_.booted(*this);
    synchronise(std::make_shared<Outputs>(std::move(outputs)));
    return true;
}

void Host::end(bool cache_survives) {
    replica_.reset();
    inbox_.clear();
    timers_.clear();
    ++incarnation_;
    busy_ = false;
    paused_ = false;
    if (!disk_.power_cut(cache_survives, world_.snapshot_survives(*this)))
        world_.store_contradicts(*this);
    world_.ended(*this);
}

void Host::kill() {
    if (replica_) end(world_.cache_survives(*this));
}

void Host::pause() {
    paused_ = true;
}

void Host::resume() {
    paused_ = false;
    wake();
}

void Host::take(Input input) {
    if (!replica_) return;
    inbox_.push_back(std::move(input));
    wake();
}

void Host::hear(const PublicKey& from, Message message) {
    take(OutsiderSaid{from, std::move(message)});
}

void Host::wake() {
    if (!replica_ || busy_ || paused_ || inbox_.empty()) return;
    busy_ = true;
    const std::size_t inputs = std::min(inbox_.size(), inputs_per_turn);
    world_.schedule().after(world_.computing_time(*this, inputs),
                            [this, incarnation = incarnation_] {
                                if (incarnation_ == incarnation) turn();
                            });
}

void Host::turn() {
    auto outputs = std::make_shared<Outputs>();
    for (std::size_t i = 0; i < inputs_per_turn && !inbox_.empty(); ++i) {
        Input next = std::move(inbox_.front());
        inbox_.pop_front();
        outputs->append(replica_->step(placed(std::move(next)), wall()));
    }
    synchronise(std::move(outputs));
}

/// Who is no member when its message is looked at is an outsider. What it was given for the log is as good as a client's.
Input Host::placed(Input input) const {
    auto* said = std::get_if<OutsiderSaid>(&input);
    if (said == nullptr) return input;
    if (const auto index = replica_->validators().index_of(said->from))
        return MessageReceived{*index, std::move(said->message)};
    if (auto* submit = std::get_if<Submit>(&said->message))
        return Submitted{std::move(submit->entries)};
    return input;
}

void Host::synchronise(std::shared_ptr<Outputs> outputs) {
    if (world_.dies_at(*this, Point::before_write)) return end(false);
    if (outputs->persist.empty()) return carry_out(*outputs);
    disk_.write(outputs->persist);
    // A write that fails ends the process, as it must: whether any of it reached the disk is open.
    if (world_.write_fails(*this) || world_.dies_at(*this, Point::before_sync)) return kill();
    world_.schedule().after(world_.sync_time(*this),
                            [this, incarnation = incarnation_, outputs = std::move(outputs)] {
                                if (incarnation_ != incarnation) return;
                                if (!disk_.sync()) world_.store_contradicts(*this);
                                if (world_.dies_at(*this, Point::before_send)) return end(true);
                                carry_out(*outputs);
                            });
}

void Host::carry_out(const Outputs& outputs) {
    const std::uint64_t incarnation = incarnation_;
    world_.written(*this, outputs);
    for (const Send& send : outputs.send) {
        world_.send(*this, send);
        if (world_.dies_at(*this, Point::between_sends)) return end(true);
    }
    for (const Letter& letter : outputs.letters)
        world_.post(*this, letter.to, letter.message);
    for (const Serve& serve : outputs.serve) {
        auto answer = disk_.durable().answer(serve.ask);
        if (!answer) continue;
        if (const auto index = replica_->validators().index_of(serve.to))
            world_.send(*this, {*index, *std::move(answer)});
        else
            world_.post(*this, serve.to, *answer);
    }
    for (const Arm& timer : outputs.arm)
        arm(timer);
    world_.turned(*this, outputs);
    if (incarnation_ != incarnation) return;
    busy_ = false;
    wake();
}

void Host::arm(const Arm& arm) {
    timers_[arm.timer.kind] = arm.timer.generation;
    world_.schedule().after(clock_.timer(arm.delay_ms),
                            [this, incarnation = incarnation_, timer = arm.timer] {
                                const auto armed = timers_.find(timer.kind);
                                if (incarnation_ != incarnation || armed == timers_.end() ||
                                    armed->second != timer.generation)
                                    return;
                                timers_.erase(armed);
                                take(TimerElapsed{timer});
                            });
}

}  // namespace kilter::consensus::simulation
