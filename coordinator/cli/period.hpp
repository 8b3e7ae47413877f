/// A stretch of market intervals, as people write it: "2026-06", "2026-06-01", or "FIRST:COUNT" in interval numbers. UTC.
#pragma once

#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace kilter::cli {

struct Period {
    IntervalIndex first = 0;
    IntervalIndex end = 0;  ///< > first
};

/// Error: not one of these, a day that is not in the calendar, or more than a year.
Result<Period> parse_period(std::string_view text, std::int64_t interval_s);

}  // namespace kilter::cli
