// The chair's judgement, and the end.
#include "common/market/certificate.hpp"
#include "common/market/session_state.hpp"

namespace kilter::market {

Notice Session::State::notice_about(const Iterate& iterate) const {
    Notice out;
    out.about_iteration = iterate.iteration;
    out.primal_square = iterate.primal_square;
    out.dual_square = dual_squares.at(iterate.iteration);
    return out;
}

Notice Session::State::assess(std::uint32_t collected) const {
    const Iterate* newest = history.find(collected - 1);
    Notice out;
    if (newest != nullptr) {
        out = notice_about(*newest);
        if (settled && newest->iteration >= settled_since && judged_exactly(*newest) &&
            badness_of(*newest, out) <= 1) {
            out.stop_iteration = newest->iteration;
            return out;
        }
    }
    if (collected < terms.parameters.iterations_max) return out;
    if (const Iterate* best = best_common(collected)) {
        out = notice_about(*best);
        out.stop_iteration = best->iteration;
        out.outcome = Outcome::partial;
    }
    return out;
}

double Session::State::badness_of(const Iterate& iterate, const Notice& heard) const {
    return badness(terms, residuals_of(terms, heard.primal_square, heard.dual_square,
                                       iterate.rho_eur_per_kw2, iterate.alpha));
}

/// When the chair has reached `reached`, others have completed `reached` at most and keep
/// history_max iterates; those with known movement are complete everywhere. Iterates of the present
/// sets come first.
const Iterate* Session::State::best_common(std::uint32_t reached) const {
    const Iterate* best = nullptr;
    double best_badness = 0;
    for (const Iterate& iterate : history.all()) {
        if (iterate.iteration == 0 || !dual_squares.contains(iterate.iteration)) continue;
        if (iterate.iteration + limits::history_max <= reached) continue;
        const double its = badness_of(iterate, notice_about(iterate));
        const bool settles = best != nullptr && best->iteration < settled_since &&
                             iterate.iteration >= settled_since;
        if (best == nullptr || settles || its < best_badness) {
            best = &iterate;
            best_badness = its;
        }
    }
    return best;
}

std::string Session::State::disagreement(const Notice& heard) const {
    if (chairs() || heard.about_iteration == 0) return {};
    const Iterate* seen = history.find(heard.about_iteration);
    if (seen == nullptr)
        return "The feeder's host speaks of iterate " + std::to_string(heard.about_iteration) +
               ", which this home has not kept; nothing is agreed.";
    if (heard.primal_square < seen->primal_square)
        return "The feeder's host announced a smaller imbalance than this home's net alone has at "
               "iterate " +
               std::to_string(heard.about_iteration) + "; nothing is agreed.";
    return {};
}

void Session::State::obey_stop(const Notice& heard, Outputs& out) {
    std::string wrong = disagreement(heard);
    if (const Iterate* end = history.find(heard.stop_iteration); wrong.empty() && end != nullptr) {
        if (heard.outcome == Outcome::converged && badness_of(*end, heard) > 1)
            wrong =
                "The feeder's host called an iterate converged whose announced residuals are "
                "over the agreed tolerance; nothing is agreed.";
        if (heard.outcome == Outcome::converged && !judged_exactly(*end))
            wrong =
                "The feeder's host called an iterate converged that no home has judged exactly; "
                "nothing is agreed.";
    }
    if (wrong.empty())
        stop(heard, out);
    else
        give_up(Outcome::abandoned, std::move(wrong), out);
}

std::string Session::State::device_trouble(const Iterate& iterate) const {
    if (iterate.feasible) return {};
    return "The device could not keep all its limits: " + device.explain();
}

std::optional<MaskedShare> Session::State::regret_at(const Iterate& end) {
    const auto regret = device.regret(end.x_kw, end.y_eur_per_kw);
    if (!regret) return std::nullopt;
    // Without whoever chaired then or does now: a set with a chair in it has masked that iterate's message.
    std::vector<PartyId> chairs = terms.hosts;
    chairs.push_back(terms.chair);
    std::sort(chairs.begin(), chairs.end());
    MaskedShare share = regret_share(*regret, nets.front().net(), self, end.iteration,
                                     without(end.members.front(), chairs));
    if (masks) masks->add(share.net, share.iteration, share.attempt, share.members, share.words);
    return share;
}

double Session::State::rho_left_priced() const {
    return answered() ? later_rho(terms.parameters) : later_priced_rho(terms.parameters);
}

double Session::State::unpriced_rho() const {
    return terms.rho_eur_per_kw2 == rho_left_priced() ? terms.parameters.rho_eur_per_kw2
                                                      : terms.rho_eur_per_kw2;
}

double Session::State::rho_left_by(const Notice& heard, const Iterate& end) const {
    if (end.priced) return rho_left_priced();
    if (heard.outcome != Outcome::partial) return end.rho_working;
    return aimed_rho(terms, end.rho_working, end.rho_eur_per_kw2, heard);
}

void Session::State::stop(const Notice& heard, Outputs& out) {
    const Iterate* end = history.find(heard.stop_iteration);
    KILTER_CHECK(end != nullptr, "a stop was accepted at an iterate that is not kept");
    const Residuals residuals = residuals_of(terms, heard.primal_square, heard.dual_square,
                                             end->rho_eur_per_kw2, end->alpha);
    std::string explanation = device_trouble(*end);
    if (heard.outcome == Outcome::partial)
        explanation =
            "The session ran out of time or iterations: the best iterate misses balance "
            "by " +
            std::to_string(residuals.primal_kw) + " kW (RMS). " + explanation;
    out.cleared = Cleared{.outcome = heard.outcome,
                          .iteration = end->iteration,
                          .rounds = next.iteration,
                          .primal_residual_kw = residuals.primal_kw,
                          .dual_residual_eur_per_kw = residuals.dual_eur_per_kw,
                          .x_kw = end->x_kw,
                          .y_eur_per_kw = end->y_eur_per_kw,
                          .members = end->members,
                          .imbalance_kw = end->imbalance_kw,
                          .regret = chairs() ? std::nullopt : regret_at(*end),
                          .warm = {.z_kw = end->z_kw,
                                   .y_eur_per_kw = end->y_eur_per_kw,
                                   .rho_eur_per_kw2 = rho_left_by(heard, *end)},
                          .explanation = std::move(explanation)};
    over = true;
}

void Session::State::give_up(Outcome outcome, std::string why, Outputs& out) {
    const Iterate& last = history.last();
    out.cleared = Cleared{.outcome = outcome,
                          .iteration = last.iteration,
                          .rounds = next.iteration,
                          .primal_residual_kw = 0,
                          .dual_residual_eur_per_kw = 0,
                          .x_kw = next.iteration > 0 ? next.x_kw : last.x_kw,
                          .y_eur_per_kw = last.y_eur_per_kw,
                          .members = last.members,
                          .imbalance_kw = last.imbalance_kw,
                          .regret = {},
                          .warm = {.z_kw = last.z_kw,
                                   .y_eur_per_kw = last.y_eur_per_kw,
                                   .rho_eur_per_kw2 = last.rho_working},
                          .explanation = std::move(why)};
    over = true;
}

}  // namespace kilter::market
