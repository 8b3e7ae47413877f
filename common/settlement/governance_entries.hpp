/// The two entries that governance is made of: a proposal, and what somebody says about one. Authors: holders of an
/// office; which, the constitution says.
#pragma once

#include "common/governance/docket.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType proposal_entry = 10;
inline constexpr consensus::EntryType statement_entry = 11;

/// A statement's semantic key: a key says one thing about one proposal once. A proposal has none: its id names it.
Bytes statement_key(const governance::Statement& statement, const PublicKey& author);

/// Signed, ready to submit.
consensus::EntryPtr make_entry(const governance::Proposal& proposal,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);
consensus::EntryPtr make_entry(const governance::Statement& statement,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);

/// What needs no state. REQUIRES: the entry is of one of these types.
Result<void> check_governance(const consensus::Entry& entry);

}  // namespace kilter::settlement
