/// Prepaid credit for mini-grids, rule "prepaid" version 1, with a fair cut-off.
///
/// Per interval every home's use is charged against its credit. A home whose credit does not cover its use is not cut off at
/// once: it has a life-line of so many Wh per day on debt, which the next top-up pays back first. When the mini-grid itself is
/// short (supply below demand), what there is goes round by water-filling: everybody gets the same until their demand is met,
/// so small users are served before large ones go without; credit or wealth buys no place in this queue.
#pragma once

#include <map>
#include <vector>

#include "common/products/share_out.hpp"

namespace kilter::products {

/// Everybody min(demand, level), the level such that the sum is the supply; the Wh that rounding leaves go to the largest
/// demands, of equal ones to the last. All demands, if the supply covers them. REQUIRES: all >= 0.
std::vector<Wh> share_fairly(Wh supply_wh, const std::vector<Wh>& demand_wh);

struct PrepaidAccount {
    MicroEur credit_micro_eur = 0;   ///< below zero: life-line debt
    Wh lifeline_used_wh = 0;         ///< of this day's
    MicroEur paid_micro_eur = 0;     ///< topped up, ever
    MicroEur charged_micro_eur = 0;  ///< ever; credit = paid - charged
    bool operator==(const PrepaidAccount&) const = default;
};

struct PrepaidTerms {
    std::int64_t price_micro_eur_per_kwh = 0;  ///< > 0
    Wh lifeline_wh_per_day = 0;
};

/// What a home may draw now: what its credit buys, and the day's life-line beyond.
Wh allowance(const PrepaidAccount& account, const PrepaidTerms& terms);

/// Charges what was drawn. REQUIRES: 0 <= drawn_wh. More than the allowance (a meter acts late) is charged all the same.
void draw(PrepaidAccount& account, const PrepaidTerms& terms, Wh drawn_wh);
/// REQUIRES: > 0.
void top_up(PrepaidAccount& account, MicroEur amount_micro_eur);
void begin_day(PrepaidAccount& account);

}  // namespace kilter::products
