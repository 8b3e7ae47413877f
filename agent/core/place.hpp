/// This home's place on one roster: which party it is, on which net, and the secrets it shares with everyone it may meet
/// in a session there.
#pragma once

#include <map>

#include "common/crypto/identity.hpp"
#include "common/crypto/mask.hpp"
#include "common/settlement/directory.hpp"

namespace kilter::agent {

struct Place {
    settlement::DirectoryPtr directory;
    PartyId self;
    NetId net;
    /// The feeder's coordinators and the other homes of the net; one whose key is not usable is missing.
    std::map<crypto::PublicKey, crypto::SharedSecret> secrets;

    /// Error: the roster does not name this key as a home.
    static Result<Place> on(settlement::Roster roster, const crypto::Identity& identity);
};

}  // namespace kilter::agent
