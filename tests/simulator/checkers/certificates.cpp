#include "tests/simulator/checkers/certificates.hpp"

namespace kilter::consensus::simulation {

CertificateChecker::CertificateChecker(Report& report,
                                       ChainId chain,
                                       ValidatorSet validators,
                                       std::function<std::size_t(const Cert&)> bodies_on_disk)
    : report_(report),
      chain_(chain),
      epochs_{{0, std::move(validators)}},
      bodies_on_disk_(std::move(bodies_on_disk)) {}

void CertificateChecker::on_certificate(const Cert& cert) {
    Known& known = views_[{cert.epoch, cert.view}];
    const bool fresh = cert.kind == VoteKind::notar   ? known.notarised.insert(cert.hash).second
                       : cert.kind == VoteKind::final ? known.finalised.insert(cert.hash).second
                                                      : !std::exchange(known.skipped, true);
    if (!fresh) return;
    const auto complain = [&](std::string_view invariant, const std::string& what) {
        report_.violation(invariant, "view " + std::to_string(cert.view) + ": " + what);
    };
    const auto members = epochs_.find(cert.epoch);
    if (members == epochs_.end() || verify(cert, chain_, members->second) != CertVerdict::valid)
        complain("S5", "an honest replica vouches for a certificate that is none");
    if (known.notarised.size() > 1) complain("S5", "two notarised blocks");
    if (known.finalised.size() > 1) complain("S5", "two finalised blocks");
    if (known.skipped && !known.finalised.empty()) complain("S5", "both final and skipped");
    if (cert.kind != VoteKind::final || members == epochs_.end()) return;
    const std::size_t bodies = bodies_on_disk_(cert);
    if (bodies < members->second.faults() + 1)
        complain("S9", "final with its body on " + std::to_string(bodies) + " honest disks");
}

}  // namespace kilter::consensus::simulation
