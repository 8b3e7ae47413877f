/// The docket in the ledger's state, and how an entry moves it. The state's keys:
///   "docket"            -> the docket with its live cases; absent until the first proposal
///   "case" number u32   -> a closed case
#pragma once

#include "common/crypto/merkle_map.hpp"
#include "common/settlement/governance_entries.hpp"

namespace kilter::settlement {

/// Proved to light clients (consensus/state_proof.hpp).
Bytes docket_key();

/// As genesis says if nothing was ever proposed.
governance::Docket docket_in(const crypto::MerkleMap& map, const Genesis& genesis);
/// Null: not closed.
std::optional<governance::Case> closed_case(const crypto::MerkleMap& map, std::uint32_t number);

/// Executes a proposal or statement. Error: why it is refused; the map has not changed.
/// `offices`: what the author holds at this place.
Result<void> move_docket(crypto::MerkleMap& map,
                         const Genesis& genesis,
                         const consensus::SealedEntry& sealed,
                         governance::Offices offices,
                         governance::Place place);

}  // namespace kilter::settlement
