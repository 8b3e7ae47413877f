/// The ledger's rules for corrections of reads and bills (corrected_reads.hpp).
///
/// - Corrected reads: by a home, or a meter of its service point, on the newest roster; the case they name is in force and
///   decides exactly them; the reads entry it names is on the log; all their intervals are.
/// - Bill correction: by a home on the newest roster; the bill it names is its own and on the log; corrections of one bill
///   are numbered without gap.
///
/// Whether the sums follow from the commitments, an audit says.
#pragma once

#include "common/settlement/corrected_reads.hpp"
#include "common/settlement/neighbour_rules.hpp"

namespace kilter::settlement {

/// What can be said of the entry alone; nothing: its type is not one of these.
std::optional<Result<void>> check_correction(const consensus::Entry& entry);

/// A case by its number; nothing: there is none.
using CaseOfNumber = std::function<std::optional<governance::Case>(std::uint32_t number)>;

/// Nothing: not one of these types. Changes no state but what the ledger notes of every entry. REQUIRES: check_correction()
/// has passed it.
std::optional<consensus::Verdict> judge_correction(const consensus::Entry& entry,
                                                   const Roster& newest,
                                                   const EntryOfKey& held,
                                                   const CaseOfNumber& decided,
                                                   consensus::Height height,
                                                   UnixMs time_ms,
                                                   const crypto::MerkleMap& map);

}  // namespace kilter::settlement
