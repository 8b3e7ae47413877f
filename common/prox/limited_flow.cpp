#include "common/prox/limited_flow.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"
#include "common/base/number.hpp"

namespace kilter::prox {

namespace {

constexpr double settled_kw = 1e-7;     // of Newton's method: losses and deliveries
constexpr double direction_kva = 1e-6;  // a flow smaller than this has no direction
constexpr int active_rounds_max = 60;
constexpr int damped_from = 15;
constexpr int stalled_max = 5;

}  // namespace

LimitedFlow::LimitedFlow(const model::Network& network, std::size_t channels, double interval_h)
    : tree_(network), losses_(network.losses) {
    const std::size_t count = tree_.positions();
    curvature_.resize(count);
    cone_.resize(count);
    sources_ = unit_ = Sources(count);
    flows_ = response_ = at_ = Flows(count);
    prices_ = unused_ = Prices(count);
    add_limits(network, channels, interval_h);
    gradients_.resize(limits_.size());
    ratings_.resize(limits_.size());
    values_.resize(limits_.size());
}

/// The sensitivity of v at p to what net j draws is at most D = Σ 2|z| over the branches common to both paths. As every
/// net behind p sees the same D and all others what the parent sees, ‖D_p‖² = ‖D_parent‖² + (2 c D_parent + c²) · nets
/// behind p, with c = 2|z| of the branch.
void LimitedFlow::add_limits(const model::Network& network,
                             std::size_t channels,
                             double interval_h) {
    const std::size_t count = tree_.positions();
    const double penalty = network.limit_penalty_eur_per_kwh * interval_h;
    std::vector<double> behind(count), path(count), square(count);
    for (std::size_t j = 0; j < network.nets.size(); ++j)
        behind[tree_.position_of_net(j)] += static_cast<double>(channels);
    for (std::size_t p = count; p-- > 1;)
        behind[tree_.branch(p).parent] += behind[p];
    for (std::size_t p = 0; p < count; ++p) {
        const std::size_t up = tree_.branch(p).parent;
        const double c = 2 * std::sqrt(tree_.branch(p).zz);
        if (p > 0) {
            path[p] = path[up] + c;
            square[p] = square[up] + (2 * c * path[up] + c * c) * behind[p];
        }
        const model::Bus& bus = network.buses[tree_.bus_at(p)];
        Limit limit{Limit::Kind::voltage, p, bus.v_min_pu * bus.v_min_pu,
                    bus.v_max_pu * bus.v_max_pu};
        limit.scale = square[p] > 0 ? 1 / std::sqrt(square[p]) : 0;
        limit.cap = path[p] > 0 ? penalty / path[p] : 0;
        limits_.push_back(limit);
    }
    const auto by_flow = [&](Limit::Kind kind, std::size_t p, double low, double high) {
        limits_.push_back(
            {kind, p, low, high, behind[p] > 0 ? 1 / std::sqrt(behind[p]) : 0, penalty});
    };
    for (std::size_t p = 1; p < count; ++p) {
        const double rating = network.branches[p - 1].rating_kva;
        if (!std::isfinite(rating)) continue;
        rated_ = true;
        by_flow(Limit::Kind::near_end, p, -infinity, rating);
        if (network.losses || network.branches[p - 1].charging_kvar > 0)
            by_flow(Limit::Kind::far_end, p, -infinity, rating);
    }
    by_flow(Limit::Kind::tie, 0, -network.tie.export_max_kw, network.tie.import_max_kw);
}

Point LimitedFlow::start() const {
    Point out;
    out.flows = Flows(tree_.positions());
    std::fill(out.flows.v.begin(), out.flows.v.end(), 1.0);
    out.prices = Prices(tree_.positions());
    return out;
}

void LimitedFlow::set_yields(std::vector<double> yields_p, std::vector<double> yields_q) {
    yields_p_ = std::move(yields_p);
    yields_q_ = std::move(yields_q);
    yield_max_ = 0;
    for (const auto* values : {&yields_p_, &yields_q_})
        for (const double value : *values)
            yield_max_ = std::max(yield_max_, value);
    factored_ = false;
}

// ---- linearisation -------------------------------------------------------------------------------------------------

/// Of n · S with S the apparent power at the limited end, (np, nq) its direction there.
LimitedFlow::Gradient LimitedFlow::gradient(const Limit& limit, double np, double nq) const {
    const FlowTree::Branch& b = tree_.branch(limit.position);
    if (limit.kind == Limit::Kind::near_end) return {np, nq, -nq * b.half_charge, 0};
    const double charge = nq * b.half_charge;
    const double l = -(np * b.r + nq * b.x) + charge * b.zz;
    return {np - 2 * b.r * charge + l * b.alpha, nq - 2 * b.x * charge + l * b.beta,
            charge - l * b.gamma, l};
}

namespace {

struct Power {
    double p = 0, q = 0;
};

bool is_rating(const Limit& limit) {
    return limit.kind == Limit::Kind::near_end || limit.kind == Limit::Kind::far_end;
}

/// At the limited end of the branch, charging included.
Power at_end(const FlowTree& tree, const Limit& limit, const Flows& flows) {
    const std::size_t i = limit.position;
    const FlowTree::Branch& b = tree.branch(i);
    if (limit.kind == Limit::Kind::near_end)
        return {flows.p[i], flows.q[i] - b.half_charge * b.turn * flows.v[b.parent]};
    const double l = tree.current(i, flows.p[i], flows.q[i], flows.v[b.parent]);
    return {flows.p[i] - b.r * l, flows.q[i] - b.x * l + b.half_charge * flows.v[i]};
}

}  // namespace

double LimitedFlow::value(const Limit& limit, const Flows& flows) const {
    if (limit.kind == Limit::Kind::voltage) return flows.v[limit.position];
    if (limit.kind == Limit::Kind::tie) return flows.p[0];
    const Power s = at_end(tree_, limit, flows);
    return std::hypot(s.p, s.q);
}

void LimitedFlow::linearise(const Flows& at) {
    tree_.linearise(at);
    if (!rated_) return;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
        const Limit& limit = limits_[i];
        if (!is_rating(limit)) continue;
        const Power s = at_end(tree_, limit, at);
        Rating& rating = ratings_[i];
        rating = {};
        const double size = std::hypot(s.p, s.q);
        if (size > direction_kva) {
            rating.size = size;
            rating.np = s.p / size;
            rating.nq = s.q / size;
        }
        gradients_[i] = gradient(limit, rating.np, rating.nq);
    }
}

/// W of every branch from the point's multipliers. A negative λ (the relaxation is not exact there) lends none. A rating
/// that is held costs μ|S|, which Newton's method overshoots from afar: it is taken as μ|S|²/(2|Ŝ|), which lies above
/// and has the same gradient at Ŝ; then its multiplier acts through W alone.
void LimitedFlow::curve(const Point& point) {
    if (losses_) {
        for (std::size_t i = 1; i < curvature_.size(); ++i) {
            const FlowTree::Branch& b = tree_.branch(i);
            const double v = b.turn * std::max(at_.v[b.parent], 0.01);
            cone_[i] = std::max(0.0, point.prices.cone[i]);
            const double weight = 2 * cone_[i] / v;
            const double p = b.alpha / 2;
            const double q = b.beta / 2;
            curvature_[i] = {weight, 0, weight, -weight * p, -weight * q, weight * b.gamma};
        }
    } else if (rated_) {
        std::fill(curvature_.begin(), curvature_.end(), Curvature{});
    }
    for (Rating& rating : ratings_)
        rating.weight = 0, rating.held = false;
    for (const Binding& binding : point.bindings) {
        const Limit& limit = limits_[binding.limit];
        Rating& rating = ratings_[binding.limit];
        if (!is_rating(limit) || rating.size == 0) continue;
        rating.weight = binding.multiplier * limit.scale / rating.size;
        rating.held = binding.held;
        const auto add = [&](double np, double nq) {
            const Gradient g = gradient(limit, np, nq);
            curvature_[limit.position].add(rating.weight, g.p, g.q, g.v);
        };
        if (rating.held) {
            add(1, 0);
            add(0, 1);
        } else {
            add(-rating.nq, rating.np);
        }
    }
}

void LimitedFlow::attach(const Limit& limit,
                         const Gradient& gradient,
                         double amount,
                         Sources& sources) const {
    const std::size_t i = limit.position;
    if (limit.kind == Limit::Kind::voltage) {
        sources.voltage[i] += amount;
    } else if (limit.kind == Limit::Kind::tie) {
        sources.energy += amount;
    } else {
        sources.bp[i] += amount * gradient.p;
        sources.bq[i] += amount * gradient.q;
        sources.bv[i] += amount * gradient.v;
        sources.bl[i] += amount * gradient.l;
    }
}

void LimitedFlow::attach(const Point& point, bool voltages, Sources& sources) const {
    for (const Binding& b : point.bindings) {
        const Limit& limit = limits_[b.limit];
        if ((limit.kind == Limit::Kind::voltage) == voltages)
            attach(limit, gradients_[b.limit], b.sign * b.multiplier * limit.scale, sources);
    }
}

void LimitedFlow::split(
    const Point& point, double energy, Prices& import, Prices& flows, Prices& voltages) {
    linearise(point.flows);
    tree_.factor({}, {}, {});
    factored_ = false;
    Sources sources(tree_.positions());
    sources.energy = energy;
    tree_.transpose(sources, import);
    sources.energy = 0;
    attach(point, false, sources);
    tree_.transpose(sources, flows);
    sources.clear();
    attach(point, true, sources);
    tree_.transpose(sources, voltages);
}

// ---- Newton's method -----------------------------------------------------------------------------------------------

/// How far the linearised solution is from the cones: in losses, and in what the deliveries would change by if the
/// gradients were those at the solution, both kW.
double LimitedFlow::mismatch(Point& point) {
    double primal = 0;
    double dual = 0;
    for (std::size_t i = 1; losses_ && i < tree_.positions(); ++i) {
        const FlowTree::Branch& b = tree_.branch(i);
        const double v = b.turn * std::max(flows_.v[b.parent], 0.01);
        const double l = tree_.current(i, flows_.p[i], flows_.q[i], flows_.v[b.parent]);
        primal += (b.r + b.x) * std::abs(l - flows_.l[i]);
        const double lambda = prices_.cone[i];
        const double weight = 2 * cone_[i] / (b.turn * std::max(at_.v[b.parent], 0.01));
        dual += std::abs(lambda * (2 * flows_.p[i] / v - b.alpha) -
                         weight * (flows_.p[i] - b.alpha / 2 * v)) +
                std::abs(lambda * (2 * flows_.q[i] / v - b.beta) -
                         weight * (flows_.q[i] - b.beta / 2 * v));
    }
    point.mismatch_kw = primal;
    for (const auto* bindings : {&free_, &held_}) {
        for (const Binding& b : *bindings) {
            ratings_[b.limit].multiplier = b.multiplier * limits_[b.limit].scale;
            ratings_[b.limit].gives = b.held;
        }
    }
    for (std::size_t i = 0; rated_ && i < limits_.size(); ++i) {
        const Limit& limit = limits_[i];
        if (!is_rating(limit) || limit.scale == 0) continue;
        const Rating& rating = ratings_[i];
        const Power s = at_end(tree_, limit, flows_);
        const double size = std::hypot(s.p, s.q);
        if (!rating.gives)
            primal += rating.multiplier > 0 ? std::abs(size - limit.high)
                                            : std::max(0.0, size - limit.high);
        // the gradient as it is, less what the step took it for
        const double along = rating.held ? 0 : rating.multiplier;
        const double all = rating.held ? rating.weight : 0;
        const double across = rating.held ? 0 : rating.weight * (rating.np * s.q - rating.nq * s.p);
        const double of = size > 0 ? rating.multiplier / size : 0;
        dual += std::abs(of * s.p - along * rating.np - all * s.p + across * rating.nq) +
                std::abs(of * s.q - along * rating.nq - all * s.q - across * rating.np);
    }
    return std::max(primal, dual * yield_max_);
}

void LimitedFlow::solve(const Sources& loads, Point& point) {
    std::copy(loads.p.begin(), loads.p.end(), sources_.p.begin());
    std::copy(loads.q.begin(), loads.q.end(), sources_.q.begin());
    sources_.v_root = loads.v_root;
    sources_.energy = loads.energy;
    sources_.slope = loads.slope;
    const bool constant = !losses_ && !rated_;
    double before = infinity;
    int stalled = 0;
    for (int round = 0; round < active_rounds_max; ++round) {
        at_ = point.flows;
        linearise(at_);
        if (!constant) curve(point);
        if (!constant || !factored_) tree_.factor(yields_p_, yields_q_, curvature_);
        factored_ = constant;
        start_from(point.bindings);
        const bool solved = active_set();
        const double miss = mismatch(point);
        point.prices = prices_;
        point.bindings = free_;
        point.bindings.insert(point.bindings.end(), held_.begin(), held_.end());
        if (!std::isfinite(miss)) {
            point = start();
            break;
        }
        point.flows = flows_;
        point.settled = solved && miss <= settled_kw;
        if (point.settled || constant) return;
        stalled = std::abs(miss - before) <= 1e-6 * before ? stalled + 1 : 0;
        if (stalled == stalled_max) return;
        // Newton's method from too far away: half the step
        if (round >= damped_from && miss > before / 2) {
            for (std::size_t i = 0; i < at_.p.size(); ++i) {
                point.flows.p[i] = (at_.p[i] + flows_.p[i]) / 2;
                point.flows.q[i] = (at_.q[i] + flows_.q[i]) / 2;
                point.flows.v[i] = (at_.v[i] + flows_.v[i]) / 2;
            }
        }
        before = miss;
    }
    point.settled = false;
}

}  // namespace kilter::prox
