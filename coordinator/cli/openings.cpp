#include "coordinator/cli/openings.hpp"

#include <algorithm>

namespace kilter::cli {

Result<CheckedOpenings> check_openings(const settlement::OpeningDocument& document,
                                       const SettledLog& log) {
    const auto disclosed =
        std::find_if(log.disclosures().begin(), log.disclosures().end(),
                     [&](const auto& one) { return one.second.document == document.digest(); });
    if (disclosed == log.disclosures().end())
        return Error{"the log does not say that anybody has disclosed this document"};
    const auto* author = log.context().party(document.author);
    const auto* owner = log.context().party(disclosed->first);
    if (author == nullptr || owner == nullptr || author->service_point != owner->service_point)
        return Error{"the commitments it opens are not the discloser's"};
    CheckedOpenings out{disclosed->first, author->role == settlement::Role::home, {}};
    const auto commitments =
        out.positions ? log.positions(document.author) : log.commitments(document.author);
    if (!commitments) return commitments.error();
    for (std::size_t i = 0; i < document.openings.size(); ++i) {
        const IntervalIndex t = document.first + static_cast<IntervalIndex>(i);
        if (t < log.period().first || t >= log.period().end) continue;
        const auto& [energy_wh, blinding] = document.openings[i];
        const auto found = commitments->find(t);
        if (found == commitments->end() || found->second != crypto::commit(energy_wh, blinding))
            return Error{"interval " + std::to_string(t) + " is not what " +
                         short_hex(document.author.view()) + " has committed to on the log"};
        out.energies_wh[t] = energy_wh;
    }
    return out;
}

}  // namespace kilter::cli
