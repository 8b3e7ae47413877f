/// The versions of rules that this program can follow. A log whose docket activates another one cannot be followed by it
/// from that height on: it stops and says so, because guessing would lead to another state than the others'.
#pragma once

#include <map>
#include <string>

#include "common/governance/docket.hpp"

namespace kilter::governance {

/// By name, the newest version known; all versions from 1 on are.
using KnownRules = std::map<std::string, std::uint32_t>;

/// This program's.
const KnownRules& known_rules();

/// Error: a rule in force at this height that is not among those known; says which and what to do.
Result<void> understood(const Docket& docket, Height height, const KnownRules& known);

}  // namespace kilter::governance
