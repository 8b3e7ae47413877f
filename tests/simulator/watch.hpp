/// The checkers that make sense at a table: agreement, voting rules, certificates, accusations.
#pragma once

#include <map>
#include <set>

#include "tests/simulator/checkers/certificates.hpp"
#include "tests/simulator/checkers/votes.hpp"
#include "tests/simulator/table.hpp"

namespace kilter::consensus::simulation {

class Watch final : public Onlooker {
  public:
    Watch(Table& table, std::set<ReplicaIndex> byzantine);

    void turned(Address address, const Outputs& outputs) override;

    [[nodiscard]] const Report& report() const { return report_; }

    [[nodiscard]] std::size_t accusations() const { return accusations_; }

  private:
    Table& table_;
    std::set<ReplicaIndex> byzantine_;
    Report report_;
    VoteChecker votes_;
    CertificateChecker certificates_;
    std::map<Height, BlockHash> chain_;
    std::size_t accusations_ = 0;
};

}  // namespace kilter::consensus::simulation
