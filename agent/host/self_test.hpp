/// Whether this machine can be a gateway: the same signatures and the same numbers as every other, a store that keeps what
/// it was given, encrypted links, a clock that has been set. Touches no configuration, key or network but the loopback.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::agent {

struct Check {
    std::string name;
    Result<std::string> verdict;  ///< what was found; the error says what is wrong and what to do
};

/// All of them, in order, whatever fails.
std::vector<Check> self_test();

/// The digest of a home's answer to prices, which is the same, bit for bit, on every machine that may trade.
std::string arithmetic_digest();

}  // namespace kilter::agent
