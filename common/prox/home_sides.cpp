// Which inequalities of HomeSolver hold with equality: guessed from the last solution, corrected until it is true.
//
// Each inequality h(v) ≥ 0 is on one of three sides: free (multiplier z = 0), held (h = 0) or, where it is soft, missed
// (z = price). Once all sides are given, the programme has equalities only: one Newton system, in which what is held has a
// weight ω and the method of multipliers makes it exact, with the same factors until h vanishes:
//     z⁺ = z − ω (h + dh).
// Then all that are wrong change sides at once: free with h < 0 and missed with h > 0 are held, held with z < 0 is free
// and with z > price missed. This is Newton's method on z = min(price, max(0, z − ω h)) (Hintermüller, Ito and Kunisch 2002).
//
// A step far beyond a bound or a multiplier's sign means that the sides are no basis: too few are held, and a direction
// that costs nothing leads away, or too many, and their multipliers explain a contradiction. It ends where the first of
// those that go so far arrives, which alone changes sides, as in the simplex method.
#include <algorithm>
#include <cmath>
#include <limits>

#include "common/prox/home_solver.hpp"

namespace kilter::prox {

using Eigen::Index;

namespace {

constexpr double hold_weight = 3e4;  // ω
/// Violations of bounds and multipliers of the wrong sign that are rounding, kW, kWh, K.
constexpr double side_rounding = 1e-9;
constexpr double explained_end = 1e-8;  // kW
constexpr double far_beyond = 0.3;      // kW, kWh, K
/// Given up beyond these.
constexpr int side_steps_max = 24;
constexpr Index wrong_max = 24;
/// Steps with the same factors where an inverter's disc bends.
constexpr int steps_on_curve = 3;

bool held(const Complementarity& pairs, Index i) {
    return pairs.weight[i] > 0;
}

double most(const Complementarity& pairs, Index i) {
    return pairs.soft() ? pairs.price[i] : std::numeric_limits<double>::infinity();
}

void take_sides(Complementarity& pairs) {
    for (Index i = 0; i < pairs.count(); ++i) {
        const Side side = pairs.side(i);
        pairs.weight[i] = side == Side::held ? hold_weight : 0;
        if (side != Side::held) pairs.dual[i] = side == Side::missed ? pairs.price[i] : 0;
    }
}

/// How many were on a wrong side.
Index change_sides(Complementarity& pairs) {
    Index wrong = 0;
    for (Index i = 0; i < pairs.count(); ++i) {
        const double h = pairs.value[i], z = pairs.dual[i], price = most(pairs, i);
        if (held(pairs, i)) {
            if (z >= -side_rounding && z <= price + side_rounding) continue;
            pairs.weight[i] = 0;
            pairs.dual[i] = z < 0 ? 0 : price;
        } else {
            if (z > 0 ? h <= side_rounding : h >= -side_rounding) continue;
            pairs.weight[i] = hold_weight;
        }
        ++wrong;
    }
    return wrong;
}

/// By how much those held are missed.
double missed_by(const Complementarity& pairs) {
    return pairs.count() == 0 ? 0 : ((pairs.weight > 0).select(pairs.value, 0)).abs().maxCoeff();
}

/// What the path starts from next time.
void leave_pairs(Complementarity& pairs) {
    pairs.slack = (pairs.weight > 0).select(0, pairs.value.max(0));
    pairs.dual = pairs.dual.max(0);
    if (!pairs.soft()) return;
    pairs.dual = pairs.dual.min(pairs.price);
    pairs.room = pairs.price - pairs.dual;
    pairs.excess = (pairs.weight > 0).select(0, (-pairs.value).max(0));
}

/// The first that a step far beyond all bounds arrives at, and after which fraction of it.
struct Block {
    double fraction = 1;
    Complementarity* pairs = nullptr;
    Index at = 0;

    /// `dual`: considers multipliers of those held, else values of those free.
    void look(Complementarity& set, bool dual, double beyond) {
        for (Index i = 0; i < set.count(); ++i) {
            if (held(set, i) != dual || (!dual && set.dual[i] > 0)) continue;
            const double from = dual ? set.dual[i] : set.value[i];
            const double by = dual ? set.multiplier[i] - from : set.change[i];
            if (by >= -0.1 * beyond || std::max(0.0, from) >= -by * fraction) continue;
            *this = {std::max(0.0, from) / -by, &set, i};
        }
    }
};

}  // namespace

/// The step that is right for the present sides; `multiplier` becomes what z is after it.
void HomeSolver::head_for_sides() {
    for (Complementarity* pairs : {&now_.hard, &now_.soft})
        pairs->multiplier = pairs->dual - pairs->weight * pairs->value;
    direction();
    for (Complementarity* pairs : {&now_.hard, &now_.soft})
        pairs->multiplier -= pairs->weight * pairs->change;
}

/// Takes that step, or part of it; returns how many inequalities changed sides after it.
Index HomeSolver::step_on_sides() {
    double beyond = 0, contradiction = 0;
    for (Index i = 0; i < now_.hard.count(); ++i)
        if (!held(now_.hard, i))
            beyond = std::max(beyond, -(now_.hard.value[i] + now_.hard.change[i]));
    for (const Complementarity* pairs : {&now_.hard, &now_.soft})
        for (Index i = 0; i < pairs->count(); ++i)
            if (held(*pairs, i)) contradiction = std::max(contradiction, -pairs->multiplier[i]);
    Block block;
    if (beyond > far_beyond) block.look(now_.hard, false, beyond);
    if (contradiction > far_beyond) {
        block.look(now_.hard, true, contradiction);
        block.look(now_.soft, true, contradiction);
    }
    for (Complementarity* pairs : {&now_.hard, &now_.soft})
        pairs->dual += block.fraction * (pairs->multiplier - pairs->dual);
    step(block.fraction);
    if (block.pairs == nullptr) return change_sides(now_.hard) + change_sides(now_.soft);
    block.pairs->weight[block.at] = held(*block.pairs, block.at) ? 0 : hold_weight;
    block.pairs->dual[block.at] = 0;
    return 1;
}

/// Of a scalar between bounds so close that both seem to bind one does: both held would be a contradiction, which the method of
/// multipliers takes the longer to find out the closer they are.
void HomeSolver::take_one_of_two_ends() {
    Complementarity& pairs = now_.hard;
    for (Index i = 0; i + 1 < at_peak_rows_; ++i) {
        const auto k = static_cast<std::size_t>(i);
        if (program_.hard[k].at != program_.hard[k + 1].at || !held(pairs, i) ||
            !held(pairs, i + 1))
            continue;
        const Index weaker = pairs.dual[i] < pairs.dual[i + 1] ? i : i + 1;
        pairs.dual[2 * i + 1 - weaker] -= pairs.dual[weaker];
        pairs.weight[weaker] = pairs.dual[weaker] = 0;
    }
}

bool HomeSolver::follow_sides(int factors_most) {
    take_sides(now_.hard);
    take_sides(now_.soft);
    take_one_of_two_ends();
    measure();
    bool factorised = false;
    int on_curve = 0;
    iterations_ = 0;
    for (int steps = 0; steps < side_steps_max; ++steps) {
        if (!factorised || on_curve == steps_on_curve) {
            if (++iterations_ > factors_most) return false;
            factorise();
            factorised = true;
            on_curve = 0;
        }
        head_for_sides();
        const Index wrong = step_on_sides();
        if (wrong > wrong_max || !now_.v.allFinite() || !now_.lambda.allFinite()) return false;
        if (wrong > 0) {
            factorised = false;
            continue;
        }
        on_curve += program_.reactive;
        if (std::max(missed_by(now_.hard), missed_by(now_.soft)) > side_rounding ||
            stationarity() > explained_end)
            continue;
        leave_pairs(now_.hard);
        leave_pairs(now_.soft);
        return true;
    }
    return false;
}

}  // namespace kilter::prox
