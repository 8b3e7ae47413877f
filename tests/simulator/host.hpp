/// One process: the real replica, its disk, its clocks, and the loop around them (replica.hpp shows it). A turn takes what
/// has arrived, steps the core, writes and synchronises once, and only then sends. It can die at every point between.
#pragma once

#include <deque>
#include <memory>
#include <variant>

#include "tests/simulator/clock.hpp"
#include "tests/simulator/disk.hpp"
#include "tests/simulator/network.hpp"

namespace kilter::consensus::simulation {

class Host;

/// What a process can die between: written but not synchronised, synchronised but not sent, some of it sent.
enum class Point : std::uint8_t { before_write, before_sync, before_send, between_sends };

/// What is around a process.
class World {
  public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    virtual Schedule& schedule() = 0;
    [[nodiscard]] virtual const Config& config() const = 0;
    [[nodiscard]] virtual const Application& application() const = 0;

    /// `send.to` is a place in the sender's current set.
    virtual void send(Host& from, const Send& send) = 0;
    /// To a coordinator that is no member there.
    virtual void post(Host& from, const PublicKey& to, const Message& message) = 0;
    /// What the process wrote is durable; nothing has been sent yet.
    virtual void written(Host& host, const Outputs& outputs) = 0;
    virtual bool dies_at(Host& host, Point point) = 0;
    virtual bool write_fails(Host& host) = 0;
    /// Whether a power cut leaves a turn on the disk that was written but not synchronised.
    virtual bool cache_survives(Host& host) = 0;
    /// Likewise a snapshot that came with it.
    virtual bool snapshot_survives(Host& host) = 0;
    /// The writes of a process do not fit its store.
    virtual void store_contradicts(Host& host) = 0;
    virtual Micros sync_time(Host& host) = 0;
    virtual Micros computing_time(Host& host, std::size_t inputs) = 0;
    /// The process ended by itself or was killed; whoever restarts it is asked here.
    virtual void ended(Host& host) = 0;
    /// Its loop has carried out one turn completely.
    virtual void turned(Host& host, const Outputs& outputs) = 0;
    virtual void booted(Host& host) = 0;
};

class Host {
  public:
    /// `key`: the number of its identity, which says nothing about its place in a set.
    Host(World& world, Address address, std::uint64_t key, bool honest, Clock clock);

    /// Starts the process on what its disk holds. False: the store refuses to open.
    bool boot();
    /// kill -9 or a power cut.
    void kill();
    void pause();
    void resume();
    /// One input for the next turn.
    void take(Input input);
    /// A message from the holder of this key: a member, or an outsider.
    void hear(const PublicKey& from, Message message);

    [[nodiscard]] bool up() const { return replica_.has_value(); }

    [[nodiscard]] Address address() const { return address_; }

    [[nodiscard]] std::uint64_t key() const { return key_; }

    [[nodiscard]] const PublicKey& public_key() const { return public_key_; }

    /// REQUIRES: up().
    [[nodiscard]] const Replica& replica() const { return *replica_; }

    /// Runs the protocol on a store that never lost anything.
    [[nodiscard]] bool honest() const { return honest_; }

    void becomes_faulty() { honest_ = false; }

    [[nodiscard]] ReplicaStatus status() const { return replica_->status(); }

    [[nodiscard]] Disk& disk() { return disk_; }

    [[nodiscard]] const Disk& disk() const { return disk_; }

    [[nodiscard]] Clock& clock() { return clock_; }

    [[nodiscard]] UnixMs wall() const { return clock_.wall(world_.schedule().now()); }

    /// A timer that will still be listened to is under way, or has just elapsed.
    [[nodiscard]] bool timer_runs() const { return !timers_.empty() || !inbox_.empty(); }

  private:
    void wake();
    void turn();
    [[nodiscard]] Input placed(Input input) const;
    void synchronise(std::shared_ptr<Outputs> outputs);
    void carry_out(const Outputs& outputs);
    void end(bool cache_survives);
    void arm(const Arm& arm);

    World& world_;
    Address address_;
    std::uint64_t key_;
    PublicKey public_key_;
    bool honest_;
    Clock clock_;
    Disk disk_;
    std::optional<Replica> replica_;
    std::deque<Input> inbox_;  // of messages, whoever they are from
    std::map<TimerKind, std::uint64_t> timers_;
    std::uint64_t incarnation_ = 0;
    bool busy_ = false;
    bool paused_ = false;
};

crypto::Identity identity_of(std::uint64_t number);

}  // namespace kilter::consensus::simulation
