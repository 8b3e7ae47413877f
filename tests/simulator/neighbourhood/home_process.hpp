/// One home's process: the real gateway, its devices, its memory on disk, its clock, and the loop around them. It can die
/// before its writes are durable, before anything is sent, and between any two messages.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "agent/core/gateway.hpp"
#include "agent/drivers/simulated.hpp"
#include "tests/simulator/neighbourhood/checker.hpp"
#include "tests/simulator/neighbourhood/liar.hpp"
#include "tests/simulator/schedule.hpp"

namespace kilter::simulation {

using consensus::simulation::Address;
using consensus::simulation::Clock;
using consensus::simulation::Schedule;

/// What is around a market process.
class Street {
  public:
    Street() = default;
    Street(const Street&) = delete;
    Street& operator=(const Street&) = delete;
    virtual ~Street() = default;

    virtual Schedule& time() = 0;
    virtual Checker& checker() = 0;
    virtual void post(Address from, const wire::Outgoing& letter) = 0;
    /// Asked at every point between the steps of a turn.
    virtual bool dies_here() = 0;
    virtual void home_ended(Address address) = 0;
    /// After how many of these letters Options::strike meets the coordinator that sends them; nothing: not now.
    virtual std::optional<std::size_t> strikes(const coordinator::Outputs& outputs) = 0;
    /// Whether it then only stands still, from now on.
    virtual bool stands_still(Address address) = 0;
};

class HomeProcess {
  public:
    /// `number`: among the residents. Everything given must outlive the process.
    HomeProcess(Street& street,
                Address address,
                std::size_t number,
                const crypto::Identity& identity,
                const settlement::Genesis& genesis,
                topology::HomeSpec spec,
                Clock clock,
                const Options& options);

    void boot();
    void kill();

    /// A backup of what it remembers, in place of the one before.
    void back_up() { backup_ = disk_; }

    /// What it remembers is what the backup holds, the devices' state aside. REQUIRES: !up().
    void put_back();

    void pause() { paused_ = true; }

    void resume();
    void hear(const crypto::PublicKey& from, wire::Message message);

    [[nodiscard]] bool up() const { return gateway_.has_value(); }

    [[nodiscard]] bool honest() const { return !liar_; }

    [[nodiscard]] Clock& clock() { return clock_; }

    /// REQUIRES: up().
    [[nodiscard]] const agent::Gateway& gateway() const { return *gateway_; }

    /// Newest interval whose record the home has accepted.
    [[nodiscard]] std::optional<IntervalIndex> certified() const;

    void becomes_liar(Lie lie, Prng prng) { liar_.emplace(lie, prng); }

    [[nodiscard]] const std::deque<Event>& events() const { return events_; }

  private:
    void step(agent::Input input);
    void turn(const agent::Input& input);
    void keep(const agent::Outputs& out);
    void send(const wire::Outgoing& letter);
    void arm(const agent::ArmTimer& arm);

    [[nodiscard]] UnixMs wall() const { return clock_.wall(street_.time().now()); }

    Street& street_;
    Address address_;
    std::size_t number_;
    const crypto::Identity& identity_;
    const settlement::Genesis& genesis_;
    topology::HomeSpec spec_;
    Clock clock_;
    Sabotage sabotage_;
    std::optional<Liar> liar_;
    agent::Memory disk_;
    agent::Memory backup_;
    std::optional<drivers::SimulatedHome> devices_;
    std::optional<agent::Gateway> gateway_;
    std::deque<agent::Input> waiting_;  // while it is paused
    std::map<agent::Timer, std::uint64_t> timers_;
    std::uint64_t armed_ = 0;
    std::uint64_t incarnation_ = 0;
    bool paused_ = false;
    std::deque<Event> events_;  // the newest
};

}  // namespace kilter::simulation
