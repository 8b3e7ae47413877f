/// The ledger's rules for what happens after clearing: reads, positions, bills, disclosures.
///
/// - Meter reads: by a meter that is on the newest roster, with a valid certificate, of its own net; they continue what the
///   log has of its service point: intervals that are on the log already are refused (a correction changes them), later
///   ones wait for those between; the first say that they begin, and again after a silence, once all before it is billed.
/// - Position: by a home on the newest roster. Disclosure: by a home on the newest roster.
/// - Bill: by a home on the newest roster; it waits until the log has all reads of the period; periods follow one another
///   without gap.
#pragma once

#include <optional>

#include "common/consensus/application.hpp"
#include "common/crypto/merkle_map.hpp"
#include "common/settlement/roster.hpp"

namespace kilter::settlement {

/// How far a service point's metering and billing have come. Intervals.
struct Metered {
    IntervalIndex from = 0;    ///< the first one read
    IntervalIndex until = 0;   ///< the first one not read yet
    IntervalIndex billed = 0;  ///< the first one not billed yet; `from` before the first bill
    bool operator==(const Metered&) const = default;
};

/// Nothing: no read of this service point is on the log.
std::optional<Metered> metered(const crypto::MerkleMap& map, const ServicePoint& point);

/// What can be said of the entry alone; nothing: its type is not one of these.
std::optional<Result<void>> check_money(const consensus::Entry& entry);

/// Changes the map iff the entry is ready. REQUIRES: check_money() has passed it. Nothing: not one of these types, or tie
/// prices, which are the ledger's own to judge.
std::optional<consensus::Verdict> apply_money(const consensus::Entry& entry,
                                              const Roster& newest,
                                              UnixMs time_ms,
                                              crypto::MerkleMap& map);

}  // namespace kilter::settlement
