/// The market's tolerance as the integer that a record's residual is held against.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/market/parameters.hpp"

namespace kilter::market {

/// primal_tolerance_kw in mW, rounded to nearest. Of valid parameters: fits.
inline std::int64_t primal_tolerance_milliwatt(const Parameters& parameters) {
    return std::llround(parameters.primal_tolerance_kw * 1e6);
}

}  // namespace kilter::market
