#include "tests/simulator/checkers/votes.hpp"

namespace kilter::consensus::simulation {

void VoteChecker::on_vote(const Vote& vote, bool durable) {
    const auto complain = [&](std::string_view invariant, const std::string& what) {
        report_.violation(invariant, "replica " + std::to_string(vote.signer) + ", view " +
                                         std::to_string(vote.view) + ": " + what);
    };
    if (!durable) complain("S8", "a vote was sent that is not on disk");
    Spoken& spoken = spoken_[{vote.epoch, vote.view, vote.signer}];
    switch (vote.kind) {
        case VoteKind::notar:
            spoken.notar.insert(vote.hash);
            break;
        case VoteKind::final:
            spoken.final.insert(vote.hash);
            break;
        case VoteKind::skip:
            spoken.skip = true;
            break;
    }
    if (spoken.notar.size() > 1) complain("S2", "two notar votes");
    if (spoken.skip && !spoken.final.empty()) complain("S3", "final and skip");
    if (!spoken.final.empty() && spoken.final != spoken.notar)
        complain("S4", "final without the own notar vote for that block");
}

}  // namespace kilter::consensus::simulation
