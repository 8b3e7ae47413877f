#include "coordinator/log/held_certificates.hpp"

#include <algorithm>

namespace kilter::coordinator {

void HeldCertificates::heard(const crypto::PublicKey& from, const consensus::Message& message) {
    const auto* vote = std::get_if<consensus::Vote>(&message);
    if (vote == nullptr || vote->kind != consensus::VoteKind::final) return;
    Place& newest = newest_final_[from];
    newest = std::max(newest, Place{vote->epoch, vote->view});
}

std::vector<std::pair<consensus::ReplicaIndex, consensus::Cert>> HeldCertificates::take(
    const consensus::ValidatorSet& members, consensus::ReplicaIndex self) {
    std::vector<std::pair<consensus::ReplicaIndex, consensus::Cert>> out;
    for (const consensus::Cert& cert : std::exchange(held_, {}))
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto member = static_cast<consensus::ReplicaIndex>(i);
            const auto newest = newest_final_.find(members.validators[i].key);
            if (member == self ||
                (newest != newest_final_.end() && newest->second >= Place{cert.epoch, cert.view}))
                continue;
            out.emplace_back(member, cert);
        }
    return out;
}

}  // namespace kilter::coordinator
