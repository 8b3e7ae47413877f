/// Who is to blame for a fork: the contradictory signed statements that two replicas' stores hold between them. Uses
/// nothing but what the files say, as an outsider would.
#pragma once

#include <set>

#include "tests/simulator/disk.hpp"

namespace kilter::consensus::simulation {

/// Signers of contradicting, properly signed votes in one view, in these two images together. Certificates that do not
/// verify are ignored.
std::set<ReplicaIndex> culprits(const Image& first,
                                const Image& other,
                                const ChainId& chain,
                                const ValidatorSet& validators);

/// The two chains differ at some height.
bool forked(const Image& first, const Image& other);

}  // namespace kilter::consensus::simulation
