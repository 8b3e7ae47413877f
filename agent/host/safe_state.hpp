/// The safe state: nobody steers, the devices rest. What the service manager asks for when the agent has crashed too often
/// to be started again.
#pragma once

#include "agent/host/config.hpp"

namespace kilter::agent {

/// Tells the devices to rest, remembers what that leaves where the memory can still be opened (it may be what the agent
/// crashed over), and says so in status.json. Needs no genesis, network or log.
/// Error: the home's file, or status.json cannot be written; what to do.
Result<void> enter_safe_state(const Config& config);

}  // namespace kilter::agent
