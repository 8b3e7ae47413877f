/// S7, S15, S17, L3: what must hold of one honest process at any time.
#pragma once

#include <map>

#include "tests/simulator/disk.hpp"
#include "tests/simulator/network.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class ProcessChecker {
  public:
    ProcessChecker(Report& report, ChainId chain, ValidatorSet validators, std::size_t addresses);

    /// This epoch has begun, with these members.
    void on_epoch(Epoch epoch, const ValidatorSet& members) { epochs_.try_emplace(epoch, members); }

    /// After a turn whose writes are durable. `timer`: a timer of the process runs.
    void on_turn(Address address,
                 const ReplicaStatus& status,
                 bool timer,
                 const Image& disk,
                 Epoch epoch = 0);
    void on_boot(Address address, const ReplicaStatus& status, Epoch epoch = 0);
    void on_evidence(const Evidence& evidence, bool signer_is_honest);
    void on_halt(Address address, const std::string& reason);

    [[nodiscard]] std::size_t accusations() const { return accusations_; }

  private:
    void complain(std::string_view invariant, Address address, const std::string& what);

    Report& report_;
    ChainId chain_;

    /// A later epoch may begin in an earlier view: those in which the one before closed do not count.
    struct Place {
        Epoch epoch = 0;
        ReplicaStatus status;
    };

    void go_on(Address address, Epoch epoch, const ReplicaStatus& status, const char* when);

    std::map<Epoch, ValidatorSet> epochs_;
    std::vector<Place> last_;
    std::size_t accusations_ = 0;
};

}  // namespace kilter::consensus::simulation
