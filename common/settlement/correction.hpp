/// A correction: which entry was wrong, and the facts as they should have been. The document goes to those who hold the
/// books; the log holds its digest, in a case of the docket whose approvals its kind demands.
#pragma once

#include <vector>

#include "common/governance/docket.hpp"
#include "common/products/facts.hpp"

namespace kilter::settlement {

struct Correction {
    governance::Subject subject{};  ///< wrong_read to wrong_rule
    crypto::Digest replaces;        ///< the id of the entry that was wrong
    std::vector<products::Fact> facts;
    bool operator==(const Correction&) const = default;
};

Bytes encode(const Correction& correction);
/// H("correction", encode()).
crypto::Digest digest_of(const Correction& correction);
/// What is proposed to the docket.
governance::Correct action_of(const Correction& correction);

/// "wrong read", "faulty meter", ...
Result<governance::Subject> correction_kind_named(const std::string& name);

/// The case that has brought it into force for a block at this height, if any has.
std::optional<std::uint32_t> decided_by(const Correction& correction,
                                        const std::vector<governance::Case>& cases,
                                        consensus::Height height);

}  // namespace kilter::settlement
