/// Who hosts a feeder's device in a session, one after the other when each falls silent: the coordinators with a certificate
/// for that feeder, in the validators' order, from the one on whose number the opening is.
#pragma once

#include <vector>

#include "common/consensus/types.hpp"
#include "common/settlement/directory.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::settlement {

/// REQUIRES: validators not empty. Those the roster does not name are left out.
std::vector<PartyId> hosts_of(const Directory& directory,
                              const consensus::ValidatorSet& validators,
                              FeederNumber feeder,
                              std::uint32_t opening);

}  // namespace kilter::settlement
