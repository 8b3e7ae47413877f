/// S5, S9: which certificates may exist together, and what a final one promises. Sees every certificate an honest process
/// lets out.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "common/consensus/vote.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class CertificateChecker {
  public:
    /// `bodies_on_disk`: on how many honest disks the body of a block is durable now.
    CertificateChecker(Report& report,
                       ChainId chain,
                       ValidatorSet validators,
                       std::function<std::size_t(const BlockHash&)> bodies_on_disk);

    void on_certificate(const Cert& cert);

  private:
    Report& report_;
    ChainId chain_;
    ValidatorSet validators_;
    std::function<std::size_t(const BlockHash&)> bodies_on_disk_;

    struct Known {
        std::set<BlockHash> notarised, finalised;
        bool skipped = false;
    };

    std::map<std::pair<Epoch, View>, Known> views_;
};

}  // namespace kilter::consensus::simulation
