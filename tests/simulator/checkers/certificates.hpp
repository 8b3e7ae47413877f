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
    /// `bodies_on_disk`: on how many honest disks the body of the certificate's block is durable now.
    CertificateChecker(Report& report,
                       ChainId chain,
                       ValidatorSet validators,
                       std::function<std::size_t(const Cert&)> bodies_on_disk);

    /// This epoch has begun, with these members.
    void on_epoch(Epoch epoch, const ValidatorSet& members) { epochs_.try_emplace(epoch, members); }

    void on_certificate(const Cert& cert);

  private:
    Report& report_;
    ChainId chain_;
    std::map<Epoch, ValidatorSet> epochs_;
    std::function<std::size_t(const Cert&)> bodies_on_disk_;

    struct Known {
        std::set<BlockHash> notarised, finalised;
        bool skipped = false;
    };

    std::map<std::pair<Epoch, View>, Known> views_;
};

}  // namespace kilter::consensus::simulation
