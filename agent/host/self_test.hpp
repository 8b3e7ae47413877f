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

/// The digest of three iterations: of a home's answers to about a watt, and of what a net makes of them bit for bit, which has
/// to be the same on every machine that may trade. (A home's own answer need not be: processors without vectors of
/// doubles add in another order, and nobody else computes it.)
std::string arithmetic_digest();

}  // namespace kilter::agent
