/// One run: a whole cluster in one thread, made of Options. First everything breaks, then the network heals and all that
/// was asked for must become final everywhere; checkers watch throughout.
#pragma once

#include <memory>
#include <set>

#include "tests/simulator/adversary.hpp"
#include "tests/simulator/checkers/certificates.hpp"
#include "tests/simulator/checkers/chain.hpp"
#include "tests/simulator/checkers/liveness.hpp"
#include "tests/simulator/checkers/processes.hpp"
#include "tests/simulator/checkers/votes.hpp"
#include "tests/simulator/clients.hpp"
#include "tests/simulator/host.hpp"
#include "tests/simulator/trace.hpp"

namespace kilter::consensus::simulation {

struct Outcome {
    Report report;            ///< clean: every invariant held
    std::uint64_t trace = 0;  ///< Trace::hash
    Height height = 0;
    std::size_t entries = 0;              ///< final
    std::size_t entries_before_heal = 0;  ///< of them
    std::size_t restarts = 0;
    std::size_t accusations = 0;  ///< evidence against Byzantine keys
    std::uint64_t steps = 0;      ///< events
    std::uint64_t points = 0;     ///< between the steps of turns at which a process could have died
    Micros ended = 0;             ///< simulated
    std::vector<Image> disks;     ///< of the honest replicas, at the end
    ChainId chain_id;
    ValidatorSet validators;
    std::set<ReplicaIndex> byzantine;
    /// Where each process ended; none: it is down.
    std::vector<std::optional<ReplicaStatus>> status;
};

class Cluster final : public World {
  public:
    explicit Cluster(const Options& options);
    ~Cluster() override;

    Outcome run();

    // World
    Schedule& schedule() override { return schedule_; }

    [[nodiscard]] const Config& config() const override { return config_; }

    [[nodiscard]] const Application& application() const override { return ledger_; }

    void send(Host& from, const Send& send) override;
    bool dies_at(Host& host, Point point) override;
    bool write_fails(Host& host) override;
    bool cache_survives(Host& host) override;
    void store_contradicts(Host& host) override;
    Micros sync_time(Host& host) override;
    Micros computing_time(Host& host, std::size_t inputs) override;
    void ended(Host& host) override;
    void turned(Host& host, const Outputs& outputs) override;
    void booted(Host& host) override;

  private:
    struct Parcel;

    [[nodiscard]] bool breaking() const { return schedule_.now() < options_.break_ms * ms; }

    void transmit(Host& from, const Send& send);
    void deliver(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel);
    void observe(const Host& from, const Message& message);
    void every_second();
    void weather();
    void submit();
    void hand_in(const std::vector<Clients::Submission>& submissions);
    void damage();
    void heal();
    void look();
    void be_quiet();
    [[nodiscard]] bool done() const;
    /// A Byzantine leader goes on proposing what others must refuse: there is always work, and never quiet.
    [[nodiscard]] bool stirred() const;
    [[nodiscard]] bool settled(const Host& host) const;
    [[nodiscard]] bool counts(const Host& host) const;

    Options options_;
    Config config_;
    SmallLedger ledger_;
    Schedule schedule_;
    Prng process_prng_, disk_prng_, clock_prng_;
    std::optional<Network> network_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<ReplicaIndex, Adversary> adversaries_;
    std::map<ReplicaIndex, std::size_t> adversary_entries_;
    std::set<Address> slow_, late_, dead_;
    Clients clients_;
    std::set<EntryId> told_final_;

    Outcome outcome_;
    Trace trace_;
    VoteChecker votes_;
    CertificateChecker certificates_;
    ChainChecker chain_;
    ProcessChecker processes_;
    LivenessChecker liveness_;
    UnixMs clock_max_ = 0;
    bool healed_ = false;
    bool over_ = false;
};

Outcome run(const Options& options);

}  // namespace kilter::consensus::simulation
