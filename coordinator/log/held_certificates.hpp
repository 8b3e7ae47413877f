/// Notar certificates that the core passes on to everybody, held back for a moment: most members turn out to have formed the
/// same certificate from the same votes, and tell so by their final vote, which nobody casts without it. They are a third of
/// all messages of a block.
///
/// A member whose newest final vote is for that view or a later one needs the certificate neither to enter the next view nor
/// to build a block on. What a member says counts for itself alone, so one that lies harms nobody else. All others get the
/// certificate when the moment has passed: it is as late as over a slow link.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "common/consensus/message.hpp"
#include "common/consensus/validator_set.hpp"

namespace kilter::coordinator {

class HeldCertificates {
  public:
    void hold(consensus::Cert cert) { held_.push_back(std::move(cert)); }

    /// Every message, from whom the transport says it is. A key, not a place: that goes to another with the next set.
    void heard(const crypto::PublicKey& from, const consensus::Message& message);

    /// Whoever lacks a certificate, as far as heard, of `members` that are not `self`; in the order they were held. Afterwards
    /// none is held.
    std::vector<std::pair<consensus::ReplicaIndex, consensus::Cert>> take(
        const consensus::ValidatorSet& members, consensus::ReplicaIndex self);

  private:
    /// The last views of an epoch, which only close it, have numbers that the next one begins with.
    using Place = std::pair<consensus::Epoch, consensus::View>;

    std::vector<consensus::Cert> held_;
    std::map<crypto::PublicKey, Place> newest_final_;
};

}  // namespace kilter::coordinator
