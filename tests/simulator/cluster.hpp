/// One run: a whole cluster in one thread, made of Options. First everything breaks, then the network heals and all that
/// was asked for must become final everywhere; checkers watch throughout. Processes are in cluster.cpp, messages in
/// cluster_messages.cpp, what happens to all of them and when it ends in cluster_phases.cpp.
#pragma once

#include <memory>
#include <set>

#include "tests/common/consensus/toy_ledger.hpp"
#include "tests/simulator/adversary.hpp"
#include "tests/simulator/checkers/certificates.hpp"
#include "tests/simulator/checkers/chain.hpp"
#include "tests/simulator/checkers/liveness.hpp"
#include "tests/simulator/checkers/processes.hpp"
#include "tests/simulator/checkers/votes.hpp"
#include "tests/simulator/clients.hpp"
#include "tests/simulator/host.hpp"
#include "tests/simulator/membership.hpp"
#include "tests/simulator/trace.hpp"

namespace kilter::consensus::simulation {

struct Outcome {
    Report report;            ///< clean: every invariant held
    std::uint64_t trace = 0;  ///< Trace::hash
    Height height = 0;
    std::size_t entries = 0;              ///< final
    std::size_t entries_before_heal = 0;  ///< of them
    std::size_t restarts = 0;
    std::size_t accusations = 0;     ///< evidence against Byzantine keys
    std::size_t accused_on_log = 0;  ///< of it, entries of the log
    Epoch epochs = 0;                ///< that ended
    std::size_t transfers = 0;       ///< states taken over from others
    std::size_t prunings = 0;
    std::uint64_t steps = 0;   ///< events
    std::uint64_t points = 0;  ///< between the steps of turns at which a process could have died
    Micros ended = 0;          ///< simulated
    std::vector<Image> disks;  ///< of the honest replicas, at the end
    ChainId chain_id;
    ValidatorSet validators;
    std::set<ReplicaIndex> byzantine;  ///< by their numbers: places in the first set
    /// Where each process ended; none: it is down.
    std::vector<std::optional<ReplicaStatus>> status;
    std::vector<std::string> places;  ///< likewise: epoch, and place in its set
};

class Cluster final : public World {
  public:
    explicit Cluster(const Options& options);
    ~Cluster() override;

    Outcome run();

    // World
    Schedule& schedule() override { return schedule_; }

    [[nodiscard]] const Config& config() const override { return config_; }

    [[nodiscard]] const Application& application() const override {
        return options_.membership.checkpoint_heights > 0
                   ? static_cast<const Application&>(map_ledger_)
                   : small_ledger_;
    }

    void send(Host& from, const Send& send) override;
    void post(Host& from, const PublicKey& to, const Message& message) override;
    void written(Host& host, const Outputs& outputs) override;
    bool dies_at(Host& host, Point point) override;
    bool write_fails(Host& host) override;
    bool cache_survives(Host& host) override;
    bool snapshot_survives(Host& host) override;
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
    void carry(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel);
    [[nodiscard]] std::shared_ptr<Parcel> pack(const Host& from, const Message& message);
    /// Null: it has none, or it is not a member now and behaves.
    [[nodiscard]] Adversary* adversary_of(const Host& host);
    void deliver(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel);
    void observe(const Host& from, const Message& message);
    void every_second();
    void weather();
    void submit();
    void epoch_ended(const EpochProof& proof);
    void hand_in(const std::vector<Clients::Submission>& submissions);
    void damage();
    void prune(Host& host);
    void begin_changes();
    void change_members();
    void retire_who_left();
    [[nodiscard]] bool is_member(const Host& host) const;
    [[nodiscard]] bool epoch_is_known() const;
    /// Everyone who joined has voted in the newest epoch, or is not expected to.
    [[nodiscard]] bool joiners_voted() const;
    [[nodiscard]] Host* host_of(std::uint64_t key);
    void heal();
    void look();
    void be_quiet();
    [[nodiscard]] bool done() const;
    /// A Byzantine leader goes on proposing what others must refuse: there is always work, and never quiet.
    [[nodiscard]] bool stirred() const;
    /// Where the host's final chain must have got to by now, once healed.
    [[nodiscard]] Height height_due(const Host& host) const;
    [[nodiscard]] bool settled(const Host& host) const;
    [[nodiscard]] bool counts(const Host& host) const;
    /// Honest, in force and up.
    [[nodiscard]] std::vector<Host*> working_members() const;

    Options options_;
    Config config_;
    SmallLedger small_ledger_;
    ToyLedger map_ledger_;
    Schedule schedule_;
    Prng process_prng_, disk_prng_, clock_prng_, member_prng_;
    std::optional<Network> network_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<std::uint64_t, Adversary> adversaries_;
    std::map<std::uint64_t, std::size_t> adversary_entries_;
    std::set<Address> slow_, late_, dead_;
    std::optional<Membership> membership_;
    std::set<Address> archives_, retired_;
    Address first_joiner_ = ~Address{0};
    std::set<std::pair<Epoch, std::uint64_t>> voted_;  // keys
    std::size_t probes_ = 0;
    std::size_t operators_entries_ = 0;
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
