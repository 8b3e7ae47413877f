#include "common/market/priced.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/limits.hpp"
#include "common/market/residuals.hpp"

namespace kilter::market {

namespace {

constexpr double relaxation = 1.6;    // α
constexpr double level_first = 0.05;  // λ
constexpr double level_rise = 4;
constexpr double turn_least = 0.1;  // × price scale
constexpr double rho_rise = 1.015;  // per iteration
constexpr double rho_most = 4;      // × the agreed penalty
constexpr double warm_rho = 2.5;    // × the agreed penalty

/// ρ R of a change of a home's prices; rows are channels.
model::Schedules answer_to(model::Schedules change, double level) {
    for (auto row : change.rowwise())
        row.array() -= (1 - level) * row.mean();
    return change;
}

/// Σ (y − y₋) over the net's prices, in one order: all members get the same bits.
double level_moved(const model::Schedules& from,
                   const model::Schedules& to,
                   std::size_t net,
                   const Parameters& parameters) {
    const auto first = terminal_values(from, net, parameters);
    const auto second = terminal_values(to, net, parameters);
    double out = 0;
    for (Eigen::Index k = 0; k < first.size(); ++k)
        out += second[k] - first[k];
    return out;
}

/// λ of each net once prices have gone from `before` over `last` to y.
std::vector<double> levels_after(const Iterate* before,
                                 const Iterate& last,
                                 const model::Schedules& y_eur_per_kw,
                                 const Parameters& parameters) {
    std::vector<double> out = last.level_answers;
    out.resize(last.moved.size(), level_first);
    if (before == nullptr) return out;
    const double least = turn_least * parameters.price_scale_eur_per_kwh * parameters.interval_s /
                         3600.0 * parameters.quantities();
    for (std::size_t n = 0; n < out.size(); ++n) {
        const double came = level_moved(before->y_eur_per_kw, last.y_eur_per_kw, n, parameters);
        const double goes = level_moved(last.y_eur_per_kw, y_eur_per_kw, n, parameters);
        if (came * goes < 0 && std::abs(goes) > std::max(least, std::abs(came)))
            out[n] = std::min(1.0, level_rise * out[n]);
    }
    return out;
}

Iterate at_prices(const Iterate* before,
                  const Iterate& last,
                  const model::Schedules& y_eur_per_kw,
                  double rho,
                  const Parameters& parameters) {
    Iterate next;
    next.iteration = last.iteration + 1;
    next.priced = true;
    next.alpha = relaxation;
    next.rho_eur_per_kw2 = next.rho_working = rho;
    next.y_eur_per_kw = y_eur_per_kw;
    next.level_answers = levels_after(before, last, y_eur_per_kw, parameters);
    next.moved.assign(last.moved.size(), 0);
    return next;
}

}  // namespace

double next_priced_rho(const Parameters& parameters, double rho) {
    const double most = rho_most * parameters.rho_eur_per_kw2;
    return std::min(std::max(most, limits::rho_eur_per_kw2_min), rho_rise * rho);
}

double later_priced_rho(const Parameters& parameters) {
    return warm_rho * parameters.rho_eur_per_kw2;
}

Iterate follow_prices(model::Device& device,
                      const Iterate* before,
                      const Iterate& last,
                      const model::Schedules& y_eur_per_kw,
                      double rho,
                      const Parameters& parameters) {
    Iterate next = at_prices(before, last, y_eur_per_kw, rho, parameters);
    next.z_kw = last.z_kw;
    if (last.iteration > 0)
        next.z_kw = last.a_units.cast<double>() * unit_kw -
                    answer_to(y_eur_per_kw - last.y_eur_per_kw, last.level_answers.front()) /
                        last.rho_working;
    next.x_kw.resizeLike(next.z_kw);
    next.feasible = device.prox(next.z_kw - y_eur_per_kw / rho,
                                Eigen::VectorXd::Constant(next.z_kw.rows(), rho),
                                next.x_kw) == model::ProxStatus::solved;
    KILTER_CHECK(next.x_kw.allFinite(),
                 "a device's prox must answer with finite schedules of its own shape");
    next.a_units = rounded_units(relaxation * next.x_kw + (1 - relaxation) * next.z_kw);
    next.moved = {square_units((next.x_kw - next.z_kw).squaredNorm(), movement_max)};
    return next;
}

Iterate post_prices(const Iterate* before,
                    const Iterate& last,
                    const model::Schedules& y_eur_per_kw,
                    const model::Schedules& delivery_kw,
                    double rho,
                    const Parameters& parameters) {
    Iterate next = at_prices(before, last, y_eur_per_kw, rho, parameters);
    next.x_kw = next.z_kw = -delivery_kw;
    next.a_units = rounded_units(next.x_kw);
    return next;
}

bool find_prices(model::Device& device,
                 const Iterate& last,
                 const Parameters& parameters,
                 model::Schedules& y_eur_per_kw,
                 model::Schedules& delivery_kw) {
    // Σ a of the homes: what all said together, less what the chair did
    const model::Schedules demand =
        last.alpha * last.imbalance_kw - last.a_units.cast<double>() * unit_kw;
    std::vector<model::Response> responses;
    for (std::size_t n = 0; n < last.members.size(); ++n) {
        // a net that all homes have left counts as one of a home that draws nothing
        const std::size_t homes = std::max<std::size_t>(2, last.members[n].size()) - 1;
        const double own = static_cast<double>(homes) / last.rho_working;
        const double shared = -own * (1 - last.level_answers[n]) / parameters.horizon;
        responses.push_back(
            model::Response::level(own, shared, parameters.channels, parameters.horizon));
    }
    return device.price_step(last.y_eur_per_kw, demand, responses, {}, y_eur_per_kw, delivery_kw);
}

}  // namespace kilter::market
