/// Openings that a home has handed to somebody, held against the log: they are what was disclosed, and what was committed to.
#pragma once

#include <map>

#include "coordinator/cli/settled_log.hpp"

namespace kilter::cli {

struct CheckedOpenings {
    settlement::PublicKey home;  ///< who disclosed them
    bool positions = false;      ///< day-ahead positions; else reads
    std::map<IntervalIndex, std::int64_t> energies_wh;
};

/// Corrected reads are the ones that count.
/// Error: nobody has disclosed this document on the log, it is not the discloser's, or an interval of the log's period is not
/// what was committed to; intervals beyond the period are left out.
Result<CheckedOpenings> check_openings(const settlement::OpeningDocument& document,
                                       const SettledLog& log);

}  // namespace kilter::cli
