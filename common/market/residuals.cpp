#include "common/market/residuals.hpp"

#include <algorithm>
#include <cmath>

namespace kilter::market {

namespace {

// The residuals are compared squared.
constexpr double target_ratio = 4 * 4;
constexpr double allowed_ratio = 10 * 10;
constexpr double rho_factor = 1.1;
constexpr std::uint32_t stall_iterations = 10;
constexpr double stall_left = 0.9 * 0.9;
constexpr double stall_ratio = 3 * 3;
constexpr double stall_factor = 1.2;

double cells(const Terms& terms) {
    return static_cast<double>(terms.terminals) *
           static_cast<double>(terms.parameters.quantities());
}

double interval_h(const Parameters& parameters) {
    return parameters.interval_s / 3600.0;
}

double dual_tolerance(const Parameters& parameters) {
    return parameters.dual_tolerance * parameters.price_scale_eur_per_kwh * interval_h(parameters);
}

}  // namespace

std::uint64_t square_units(double square_kw2, std::uint64_t most) {
    const double units = square_kw2 / square_unit_kw2;
    if (!(units < 0x1.0p64)) return most;
    return std::min(static_cast<std::uint64_t>(units), most);
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

Residuals residuals_of(const Terms& terms,
                       std::uint64_t primal_square,
                       std::uint64_t dual_square,
                       double rho,
                       double alpha) {
    const double primal = static_cast<double>(primal_square) * square_unit_kw2 / cells(terms);
    const double dual = static_cast<double>(dual_square) * square_unit_kw2 / cells(terms);
    return {.primal_kw = std::sqrt(primal) / alpha, .dual_eur_per_kw = rho * std::sqrt(dual)};
}

double badness(const Terms& terms, const Residuals& residuals) {
    return std::max(residuals.primal_kw / terms.parameters.primal_tolerance_kw,
                    residuals.dual_eur_per_kw / dual_tolerance(terms.parameters));
}

bool Progress::made(double badness) {
    if (first_ == 0) first_ = badness;
    last_ = badness;
    stalls_ = badness < best_ ? 0 : stalls_ + 1;
    best_ = std::min(best_, badness);
    return stalls_ < stalls_max_;
}

double aimed_rho(const Terms& terms, double rho, double rho_then, const Notice& notice) {
    const Parameters& agreed = terms.parameters;
    if (agreed.balance_rho == Balance::none) return rho;
    const Residuals then =
        residuals_of(terms, notice.primal_square, notice.dual_square, rho_then, agreed.alpha);
    const double primal = then.primal_kw / agreed.primal_tolerance_kw;
    const double dual = then.dual_eur_per_kw / dual_tolerance(agreed);
    const double most = std::sqrt(allowed_ratio);
    if (primal >= most * dual) return primal > 0 ? rho * most : rho;
    return rho * std::max(primal / dual, 1 / most);
}

double Balancing::next_rho(const Terms& terms,
                           double rho,
                           double rho_then,
                           const Notice& notice,
                           std::uint32_t iteration) {
    const Parameters& agreed = terms.parameters;
    if (agreed.balance_rho == Balance::none || notice.about_iteration == 0) return rho;
    const double primal_scale = agreed.alpha * agreed.primal_tolerance_kw;
    const double dual_scale = dual_tolerance(agreed) / rho_then;
    const Squares now = {
        .iteration = notice.about_iteration,
        .primal = static_cast<double>(notice.primal_square) / (primal_scale * primal_scale),
        .dual = static_cast<double>(notice.dual_square) / (dual_scale * dual_scale)};
    heard_[now.iteration % heard_.size()] = now;
    if (iteration <= balance_until) {
        if (now.primal > target_ratio * allowed_ratio * now.dual) return rho * rho_factor;
        if (now.primal * allowed_ratio < target_ratio * now.dual) return rho / rho_factor;
        return rho;
    }
    const std::uint32_t before = now.iteration - stall_iterations;
    const Squares& then = heard_[before % heard_.size()];
    if (agreed.balance_rho != Balance::stalled || iteration > unstall_until ||
        then.iteration != before)
        return rho;
    if (now.primal > stall_ratio * now.dual && now.primal > stall_left * then.primal)
        return rho * stall_factor;
    if (now.dual > stall_ratio * now.primal && now.dual > stall_left * then.dual)
        return rho / stall_factor;
    return rho;
}

}  // namespace kilter::market
