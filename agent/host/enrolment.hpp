/// Before an agent can run: its key, its request to the operator, and the bundle that comes back.
#pragma once

#include <string>
#include <string_view>

#include "agent/host/config.hpp"
#include "common/settlement/enrolment.hpp"

namespace kilter::agent {

/// The request for this agent. Makes the key file if there is none; never overwrites one. `endpoint`: where neighbours
/// reach this agent, if not at the configuration's `bind`; if that is empty, nowhere.
/// Error: the key or home file cannot be used; an address that others cannot connect to.
Result<settlement::EnrolmentRequest> make_request(const Config& config, std::string endpoint);

/// What was installed.
struct Installed {
    settlement::EnrolmentBundle bundle;
    bool fresh = false;  ///< there was no genesis file before
};

/// `source`: the bundle's text, or a file with it. Writes the genesis file, and remembers the roster if the bundle has one.
/// A genesis file that is there already is never changed: the validators and parameters of the first bundle stay pinned.
/// Error: why this bundle is not for this agent, and what to do.
Result<Installed> install_bundle(const Config& config, std::string_view source);

}  // namespace kilter::agent
