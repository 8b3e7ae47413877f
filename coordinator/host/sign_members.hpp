/// `kilter-coordinator sign-members FILE`: this coordinator's word, given by its own operator on its own machine, that a
/// document's set of coordinators follows the present one. With a quorum's signatures the change goes on the log from here.
#pragma once

#include <string>

#include "common/settlement/members_document.hpp"
#include "coordinator/host/config.hpp"

namespace kilter::coordinator {

struct SignedMembers {
    settlement::MembersDocument document;  ///< with this coordinator's signature
    std::string line;                      ///< of that signature, to be added to the document
    consensus::ValidatorSet present;
    bool submitted = false;  ///< a quorum has signed: the entry lies in the `submit` folder
};

/// Reads the log in the state directory, whether the coordinator runs or not.
/// Error: the log would not take this change, or this coordinator cannot sign it; says what to do.
Result<SignedMembers> sign_members(const Config& config, const std::string& document);

}  // namespace kilter::coordinator
