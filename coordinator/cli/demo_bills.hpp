/// The demo's end: every home makes its bill from its own books, the bills go on the log, and an outsider audits them.
#pragma once

#include <optional>
#include <vector>

#include "common/settlement/net_audit.hpp"
#include "coordinator/cli/installation.hpp"

namespace kilter::cli {

struct DemoPeriod {
    IntervalIndex first = 0;
    std::uint32_t intervals = 0;
    std::optional<std::size_t>
        without;  ///< a home that was killed: it is billed if its reads got there
};

/// While coordinators and agents run: waits until the log has all reads of the period, hands the bills to the first
/// coordinator, and waits until they are on the log. How many. Error: not within `seconds_max`, or a bill cannot be made.
Result<std::size_t> bill_homes(const Installation& installation,
                               const DemoPeriod& period,
                               std::int64_t seconds_max);

/// One verdict for each feeder. Error: the log does not hold.
Result<std::vector<settlement::FeederVerdict>> audit_bills(const Installation& installation,
                                                           const DemoPeriod& period);

}  // namespace kilter::cli
