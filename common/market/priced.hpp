/// The mathematics of a priced iteration, where the chair's device can set prices (Device::price_step) and homes do not say how
/// they answer them. Beside step.hpp: who says what to whom, attempts, history and stopping are the same.
///
///     prices   y from the chair;  z ← a − R (y − y₋), with y₋, a and R of the iteration before (k = 1: the start's)
///     home     x = prox(z − y/ρ),  a = α x + (1 − α) z, rounded to 2^-20 kW: its message, as in a proximal iteration
///     net      α r = Σ a − d,  S = h R for its h homes
///     chair    y⁺, d⁺ = price_step(y, Σ a, S):  the feeder's optimum where the homes together draw Σ z⁺ = Σ a − S (y⁺ − y)
///
/// With R = I/ρ this is the alternating direction method of multipliers in two blocks, all homes and all of the grid: however
/// deep the feeder, no price has to find its way through it. R is that but for what a net's prices have in common,
///
///     R = (I − (1 − λ) 11ᵀ/T) / ρ  in each channel, T intervals:  1/ρ for differences over time, λ/ρ for the level,
///
/// because homes move energy over time and use about the same whatever the level is, which has to go far before that changes
/// and with λ = 1 walks there. Where homes do answer a level, by more than 2 λ/(α ρ), its steps overshoot. So λ = 0.05 of a net
/// is four times as large, at most 1, after each iteration in which the net's level turned back by more than it had come and
/// by more than a tenth of the price scale. Everybody sees that from the prices. After at most three such turns λ stays and, ρ
/// being constant in the end, convergence is that of the two-block method wherever they have led to 1.
///
/// α = 1.6. ρ rises by 1.015 in each iteration to four times the agreed penalty; from that penalty, or in a warm session from
/// two and a half times it: first prices have to be found, then schedules. Measured: docs/decisions/0059-the-chair-sets-prices-unanswered.md.
///
/// Residuals: primal r, dual ρ (x − z): x is optimal for the prices y but for it.
#pragma once

#include "common/market/step.hpp"

namespace kilter::market {

/// Iterates in a row that come no nearer before every net moves its own prices instead.
inline constexpr int priced_stalls_max = 40;

/// ρ of the next iteration.
double next_priced_rho(const Parameters& parameters, double rho);

/// ρ that the session after a priced one starts from.
double later_priced_rho(const Parameters& parameters);

/// A home's iteration at the chair's prices. `before`: the iterate before `last`, null where there is none. Fills the iterate
/// but for what the net step adds.
Iterate follow_prices(model::Device& device,
                      const Iterate* before,
                      const Iterate& last,
                      const model::Schedules& y_eur_per_kw,
                      double rho,
                      const Parameters& parameters);

/// The chair's: it plans to deliver `delivery_kw` at these prices.
Iterate post_prices(const Iterate* before,
                    const Iterate& last,
                    const model::Schedules& y_eur_per_kw,
                    const model::Schedules& delivery_kw,
                    double rho,
                    const Parameters& parameters);

/// The chair's next prices and deliveries, or false: its device cannot.
bool find_prices(model::Device& device,
                 const Iterate& last,
                 const Parameters& parameters,
                 model::Schedules& y_eur_per_kw,
                 model::Schedules& delivery_kw);

}  // namespace kilter::market
