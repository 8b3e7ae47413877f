#include "agent/core/known_rules.hpp"

#include <algorithm>

namespace kilter::agent {

bool KnownRules::take(settlement::CertifiedDocket certified) {
    if (certified.height <= proved_) return false;
    proved_ = certified.height;
    docket_ = std::move(certified.docket);
    reached(proved_);
    return true;
}

void KnownRules::reached(consensus::Height height) {
    height_ = std::max(height_, height);
}

std::optional<Bytes> KnownRules::parameters(const crypto::Digest& digest) const {
    const auto found_at = [&](consensus::Height height) -> std::optional<Bytes> {
        Bytes parameters = docket_.rules_at(height).market_parameters;
        const auto decoded = market::Parameters::decode(parameters);
        if (!decoded || decoded->digest() != digest) return std::nullopt;
        return parameters;
    };
    if (auto found = found_at(next())) return found;
    for (const governance::Case& one : docket_.live())
        if (one.state == governance::CaseState::adopted && one.effective > next())
            if (auto found = found_at(one.effective)) return found;
    return std::nullopt;
}

}  // namespace kilter::agent
