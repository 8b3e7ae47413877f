/// The active set method of limited_flow.hpp: the quadratic programme of one Newton step, in its multipliers.
#include <algorithm>
#include <cmath>

#include "common/base/number.hpp"
#include "common/prox/limited_flow.hpp"

namespace kilter::prox {

namespace {

constexpr double slack_kw = 1e-10;  // of a limit, as distance

}  // namespace

double LimitedFlow::bound(const Binding& b) const {
    const Limit& limit = limits_[b.limit];
    return (b.sign > 0 ? limit.high : -limit.low) * limit.scale;
}

double LimitedFlow::linear_value(std::size_t i) const {
    const Limit& limit = limits_[i];
    if (limit.kind == Limit::Kind::voltage) return flows_.v[limit.position];
    if (limit.kind == Limit::Kind::tie) return flows_.p[0];
    const FlowTree::Branch& b = tree_.branch(limit.position);
    const Gradient& g = gradients_[i];
    return g.p * flows_.p[limit.position] + g.q * flows_.q[limit.position] +
           g.v * b.turn * flows_.v[b.parent];
}

/// flows_, prices_ and values_ from the multipliers.
void LimitedFlow::deliver() {
    const double energy = sources_.energy;
    for (const auto* bindings : {&free_, &held_})
        for (const Binding& b : *bindings)
            if (!b.held || !ratings_[b.limit].held)
                attach(limits_[b.limit], gradients_[b.limit],
                       b.sign * b.multiplier * limits_[b.limit].scale, sources_);
    tree_.solve(sources_, flows_, prices_);
    sources_.energy = energy;
    for (const auto* bindings : {&free_, &held_}) {
        for (const Binding& b : *bindings) {
            const std::size_t i = limits_[b.limit].position;
            sources_.voltage[i] = sources_.bp[i] = sources_.bq[i] = sources_.bv[i] =
                sources_.bl[i] = 0;
        }
    }
    for (std::size_t i = 0; i < limits_.size(); ++i)
        values_[i] = linear_value(i) * limits_[i].scale;
}

/// response_ ← what a unit of the limit's scaled multiplier does to the flows.
void LimitedFlow::respond(std::size_t i) {
    unit_.slope = sources_.slope;
    attach(limits_[i], gradients_[i], limits_[i].scale, unit_);
    tree_.solve(unit_, response_, unused_);
    const std::size_t p = limits_[i].position;
    unit_.voltage[p] = unit_.bp[p] = unit_.bq[p] = unit_.bv[p] = unit_.bl[p] = 0;
    unit_.energy = 0;
}

/// product_ ← A_S H⁻¹ aᵀ of a signed row with the free ones, negated response: returns that with itself.
double LimitedFlow::products(const Binding& entering) {
    respond(entering.limit);
    const auto with = [&](std::size_t i) {
        std::swap(flows_, response_);
        const double value = linear_value(i) * limits_[i].scale;
        std::swap(flows_, response_);
        return -value;
    };
    product_.resize(free_.size());
    for (std::size_t i = 0; i < free_.size(); ++i)
        product_[i] = free_[i].sign * entering.sign * with(free_[i].limit);
    return with(entering.limit);
}

/// Limits free last time, as far as their multipliers stay between 0 and the cap; from there the method may go on.
void LimitedFlow::start_from(std::vector<Binding>& bindings) {
    free_.clear();
    held_.clear();
    set_.clear();
    for (const Binding& b : bindings) {
        if (b.held) {
            held_.push_back(b);
            continue;
        }
        const double self = products(b);
        if (set_.add(product_, self)) free_.push_back(b);
    }
    bool again = !free_.empty();
    while (again) {
        for (Binding& b : free_)
            b.multiplier = 0;
        deliver();
        solution_.resize(free_.size());
        for (std::size_t i = 0; i < free_.size(); ++i)
            solution_[i] = free_[i].sign * values_[free_[i].limit] - bound(free_[i]);
        std::vector<double>& miss = product_;
        miss = solution_;
        again = false;
        for (;;) {
            solution_.assign(miss.begin(), miss.end());
            set_.solve(solution_);
            const auto lowest = std::min_element(solution_.begin(), solution_.end());
            if (lowest == solution_.end() || *lowest > 0) break;
            const auto i = lowest - solution_.begin();
            miss.erase(miss.begin() + i);
            drop(static_cast<std::size_t>(i), false);
        }
        for (std::size_t i = free_.size(); i-- > 0;) {
            const Limit& limit = limits_[free_[i].limit];
            if (solution_[i] < limit.cap / limit.scale) {
                free_[i].multiplier = solution_[i];
            } else {
                drop(i, true);
                again = true;
            }
        }
        again = again && !free_.empty();
    }
}

void LimitedFlow::drop(std::size_t i, bool to_cap) {
    set_.drop(i);
    if (to_cap) {
        Binding b = free_[i];
        b.held = true;
        b.multiplier = limits_[b.limit].cap / limits_[b.limit].scale;
        held_.push_back(b);
    }
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
}

/// Multipliers come from sums over many steps; one or two corrections by G⁻¹ put free rows back on their limits.
void LimitedFlow::refine() {
    for (int round = 0; round < 3 && !free_.empty(); ++round) {
        double most = 0;
        solution_.resize(free_.size());
        for (std::size_t i = 0; i < free_.size(); ++i) {
            solution_[i] = free_[i].sign * values_[free_[i].limit] - bound(free_[i]);
            most = std::max(most, std::abs(solution_[i]));
        }
        if (most < slack_kw) return;
        set_.solve(solution_);
        for (std::size_t i = 0; i < free_.size(); ++i)
            free_[i].multiplier = std::max(0.0, free_[i].multiplier + solution_[i]);
        deliver();
    }
}

/// False: all limits are where they should be.
bool LimitedFlow::worst(Violation& out) const {
    out = {};
    out.by = slack_kw;
    const auto bound_by = [](const std::vector<Binding>& bindings, std::size_t limit) {
        return std::any_of(bindings.begin(), bindings.end(),
                           [limit](const Binding& b) { return b.limit == limit; });
    };
    for (std::size_t i = 0; i < limits_.size(); ++i) {
        const Limit& limit = limits_[i];
        const double above = values_[i] - limit.high * limit.scale;
        const double below = limit.low * limit.scale - values_[i];
        const double by = std::max(above, below);
        if (!(by > out.by) || limit.scale == 0) continue;
        if (bound_by(free_, i) || bound_by(held_, i)) continue;
        out = {i, above > below ? 1.0 : -1.0, by};
    }
    for (std::size_t i = 0; i < held_.size(); ++i) {
        const double idle = bound(held_[i]) - held_[i].sign * values_[held_[i].limit];
        if (idle > out.by) out = {held_[i].limit, held_[i].sign, idle, true, i};
    }
    return out.by > slack_kw;
}

/// Raises the multiplier of a violated limit until it is met (or lowers that of a held one until it is no more than
/// met), the free rows staying on their limits; those whose multiplier comes to 0 or to its cap on the way leave.
void LimitedFlow::move(const Violation& violation) {
    Binding entering{violation.limit, violation.sign, 0, false};
    const double direction = violation.release ? -1 : 1;
    const Limit& limit = limits_[entering.limit];
    const double cap = limit.cap / limit.scale;
    if (violation.release) {
        entering.multiplier = held_[violation.binding].multiplier;
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(violation.binding));
    }
    const double self = products(entering);
    double left = violation.by;
    for (;;) {
        solution_ = product_;
        set_.solve(solution_);
        double gain = self;  // by how much the violation falls per unit of the multiplier
        for (std::size_t i = 0; i < solution_.size(); ++i)
            gain -= product_[i] * solution_[i];
        double step = gain > 2e-10 * self ? left / gain : infinity;
        const double room = direction > 0 ? cap - entering.multiplier : entering.multiplier;
        std::size_t leaving = free_.size();
        bool to_cap = false;
        bool exhausted = false;
        if (room <= step) {
            step = room;
            exhausted = true;
        }
        for (std::size_t i = 0; i < solution_.size(); ++i) {
            const double rate = -direction * solution_[i];
            const Limit& other = limits_[free_[i].limit];
            const double way = rate < 0 ? free_[i].multiplier / -rate
                                        : (other.cap / other.scale - free_[i].multiplier) / rate;
            if (rate == 0 || !(way < step)) continue;
            step = way;
            leaving = i;
            to_cap = rate > 0;
            exhausted = false;
        }
        for (std::size_t i = 0; i < solution_.size(); ++i)
            free_[i].multiplier =
                std::max(0.0, free_[i].multiplier - direction * step * solution_[i]);
        entering.multiplier += direction * step;
        if (leaving < free_.size()) {
            left -= step * gain;
            drop(leaving, to_cap);
            product_.erase(product_.begin() + static_cast<std::ptrdiff_t>(leaving));
            continue;
        }
        if (exhausted) {
            if (direction < 0) return;
            entering.multiplier = cap;
            entering.held = true;
            held_.push_back(entering);
        } else if (set_.add(product_, self)) {
            free_.push_back(entering);
        }
        return;
    }
}

bool LimitedFlow::active_set() {
    // far beyond what any feeder needs: rounding, not progress
    const std::size_t steps_max = 20 * limits_.size() + 100;
    deliver();
    Violation violation;
    for (std::size_t step = 0; step < steps_max; ++step) {
        refine();
        if (!worst(violation)) return true;
        move(violation);
        deliver();
    }
    return false;
}

}  // namespace kilter::prox
