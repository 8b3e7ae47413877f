/// One run: a feeder with its homes, its coordinators and their log in one thread, made of Options. First everything breaks,
/// then the network heals, and a whole market interval later every net has to have cleared with all of its homes; the
/// checker watches throughout.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "common/settlement/ledger.hpp"
#include "tests/simulator/neighbourhood/coordinator_process.hpp"
#include "tests/simulator/trace.hpp"

namespace kilter::simulation {

struct Outcome {
    Report report;            ///< clean: every invariant held
    std::uint64_t trace = 0;  ///< Trace::hash
    std::size_t homes = 0;
    std::size_t records = 0;
    std::size_t sessions = 0;  ///< that coordinators reported
    std::size_t restarts = 0;
    std::size_t messages = 0;
    std::size_t caught = 0;    ///< liars that coordinators have seen lie
    std::uint64_t steps = 0;   ///< events
    std::uint64_t points = 0;  ///< between the steps of turns at which a process could have died
    Micros ended = 0;          ///< simulated
    std::vector<settlement::ClearedNet> cleared;  ///< all records, by interval and net
    std::vector<settlement::ClearedNet> logged;   ///< the same in the order of the log
    std::vector<std::string> story;               ///< what the processes told, each its newest
};

class Town final : public consensus::simulation::World, public Street {
  public:
    explicit Town(const Options& options);
    ~Town() override;

    Outcome run();

    // Street
    Schedule& time() override { return schedule_; }

    Checker& checker() override { return *checker_; }

    void post(Address from, const wire::Outgoing& letter) override;
    bool dies_here() override;
    void home_ended(Address address) override;
    std::optional<std::size_t> strikes(const coordinator::Outputs& outputs) override;
    bool stands_still(Address address) override;

    // World
    Schedule& schedule() override { return schedule_; }

    [[nodiscard]] const consensus::Config& config() const override { return config_; }

    [[nodiscard]] const consensus::Application& application() const override { return *ledger_; }

    void send(consensus::simulation::Host& from, const consensus::Send& send) override;
    void post(consensus::simulation::Host& from,
              const crypto::PublicKey& to,
              const consensus::Message& message) override;
    void written(consensus::simulation::Host& host, const consensus::Outputs& outputs) override;
    bool dies_at(consensus::simulation::Host& host, consensus::simulation::Point point) override;
    bool write_fails(consensus::simulation::Host& host) override;
    bool cache_survives(consensus::simulation::Host& host) override;
    bool snapshot_survives(consensus::simulation::Host& host) override;
    void store_contradicts(consensus::simulation::Host& host) override;
    Micros sync_time(consensus::simulation::Host& host) override;
    Micros computing_time(consensus::simulation::Host& host, std::size_t inputs) override;
    void ended(consensus::simulation::Host& host) override;
    void turned(consensus::simulation::Host& host, const consensus::Outputs& outputs) override;
    void booted(consensus::simulation::Host& host) override;

  private:
    struct Coordinator;

    void build();
    /// The next feeder, with so many homes on each net.
    void add_feeder(const std::vector<std::size_t>& homes);
    /// In `specs_`: who lies, and how.
    [[nodiscard]] std::map<std::size_t, Lie> draw_liars();

    [[nodiscard]] bool breaking() const { return schedule_.now() < break_until_; }

    [[nodiscard]] bool is_coordinator(Address address) const {
        return address < coordinators_.size();
    }

    void carry(Address from, Address to, const wire::Message& message);
    void transport(Address from, Address to, const wire::Message& message);
    void deliver(Address from, Address to, const Bytes& bytes);
    [[nodiscard]] const crypto::PublicKey& key_of(Address address) const;
    void restart(Address address);
    void start(Address address);
    void put_back(Address address);
    void pause(Address address);
    void pause(Address address, Micros time);
    void weather();
    void every_second();
    void misset_clock();
    void enrol();
    void heal();
    void judge();
    /// Of the liars' net: that its other homes have cleared an interval, all of them together. Until intervals_max after the
    /// healing.
    void judge_lied_to();
    [[nodiscard]] IntervalIndex lied_to_max() const;
    [[nodiscard]] std::vector<std::size_t> lied_to() const;
    /// Whether a net of the healed town has to clear, with all of its homes that do not lie.
    [[nodiscard]] bool has_to_clear(NetId net) const;
    void tell();

    Options options_;
    Prng process_prng_, disk_prng_, clock_prng_, backup_prng_;
    market::Parameters parameters_;
    std::vector<model::Network> feeders_;  // by number
    std::vector<model::Network> hosted_;   // as coordinators have them: the same, unless sabotaged
    std::vector<NetId> nets_;
    std::vector<topology::HomeSpec> specs_;
    std::vector<crypto::Identity> identities_;  // of the homes
    crypto::Identity operator_;
    settlement::Genesis genesis_;
    std::optional<settlement::Ledger> ledger_;
    consensus::Config config_;
    std::vector<consensus::EntryPtr> enrolment_;
    Schedule schedule_;
    std::optional<consensus::simulation::Network> links_;
    Receipts receipts_;
    std::vector<std::unique_ptr<Coordinator>> coordinators_;
    std::vector<std::unique_ptr<HomeProcess>> homes_;
    std::map<crypto::PublicKey, Address> addresses_;
    std::vector<Resident> residents_;
    Outcome outcome_;
    std::optional<Checker> checker_;
    consensus::simulation::Trace trace_;
    Micros break_until_ = 0;
    IntervalIndex goal_ = 0;    // the interval that must clear
    IntervalIndex judged_ = 0;  // the newest that the liar's net was looked at in
    bool healed_ = false;
    bool struck_ = false;
    bool over_ = false;
};

Outcome run(const Options& options);

}  // namespace kilter::simulation
