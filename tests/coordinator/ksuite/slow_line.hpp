/// The prox of a line by nested searches: slow, and sharing nothing with the closed form.
#pragma once

#include <algorithm>
#include <cmath>

namespace kilter::ksuite::test {

/// The least of f on [low, high], f convex.
template <class F>
double least(double low, double high, F f) {
    for (int i = 0; i < 120; ++i) {
        const double a = low + 0.382 * (high - low), b = low + 0.618 * (high - low);
        (f(a) < f(b) ? high : low) = f(a) < f(b) ? b : a;
    }
    return (low + high) / 2;
}

struct Point {
    double sum, flow;
};

/// Minimise ½ ‖x − target‖² = ¼ (sum − s)² + (f − f̂)², plus ¼ g (κ f − δ)² for phases, over k f² ≤ sum ≤ k C²: nested searches.
inline Point line_prox_slowly(
    double k, double capacity, double s, double wish, double g, double kappa, double delta) {
    const auto best_sum = [&](double f) {
        return std::clamp(s, k * f * f, k * capacity * capacity);
    };
    const double f = least(-capacity, capacity, [&](double flow) {
        return std::pow(best_sum(flow) - s, 2) / 4 + std::pow(flow - wish, 2) +
               g / 4 * std::pow(kappa * flow - delta, 2);
    });
    return {best_sum(f), f};
}

}  // namespace kilter::ksuite::test
