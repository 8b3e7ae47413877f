/// Numbers that several folders need: one without a bound, and numbers in messages.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace kilter {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr std::int64_t day_s = 86'400;

/// For people: six digits, no trailing zeros ("0.25", "1e+06", "inf").
std::string number_text(double value);

}  // namespace kilter
