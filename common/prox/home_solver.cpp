#include "common/prox/home_solver.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"

namespace kilter::prox {

using Eigen::ArrayXd;
using Eigen::Index;

namespace {

constexpr int iterations_max = 100;
/// Not aimed below unless asked for less: rounding would take over.
constexpr double products_least = 1e-14;
constexpr double residual_end = 3e-8;      // of bounds, kW, kWh, K
constexpr double stationarity_end = 1e-8;  // of marginal costs, kW
/// Taken when further steps do not better it: a tight limit of the connection multiplies rounding into marginal costs.
constexpr double stationarity_rounding = 1e-5;
constexpr double slack_cold = 3;
// a smoothed solution
constexpr double off_centre_most = 0.02;
constexpr double residual_at_centre = 1e-5;  // kW, kWh, K
constexpr double stationarity_at_centre = 1e-4;
/// Sides are given up beyond these: the path is followed instead, or its end taken.
constexpr int factors_max = 14, factors_of_finish = 6;

}  // namespace

HomeSolver::HomeSolver(HomeProgram program) : program_(std::move(program)) {
    const HomeProgram& p = program_;
    const Index n = p.intervals, chains = p.chains();
    KILTER_CHECK(n > 0, "a home needs a horizon");
    at_peak_rows_ = static_cast<Index>(p.hard.size());
    at_disc_rows_ = at_peak_rows_ + (p.imports ? n : 0);
    now_.hard.resize(at_disc_rows_ + (p.reactive ? n : 0), false);
    now_.soft.resize(static_cast<Index>(p.soft.size()), true);
    now_.v = cost_ = curvature_ = weight_ = slope_ = change_ = inverse_ = ArrayXd::Zero(p.scalars);
    movable_ = (p.high > p.low).cast<double>();
    now_.q = now_.lambda = d_lambda_ = answer_ = meter_weight_ = ArrayXd::Zero(n);
    d_q_ = inv_q_ = disc_cross_ = slope_q_ = peak_pull_ = peak_share_ = ArrayXd::Zero(n);
    now_.nu = d_nu_ = alpha_ = beta_ = gamma_ = riccati_ = fade_ = shrink_ = reach_ = chain_rho_ =
        chain_push_ = drift_ = push_ = Eigen::ArrayXXd::Zero(chains, n);
    appliance_inverse_.resize(p.appliances.size());
    Index width = 0;
    for (const ApplianceBlock& block : p.appliances)
        width = std::max(width, block.profile_kw.size() - 1);
    answers_.resize(n, chains + static_cast<Index>(p.appliances.size()) + (p.imports ? 1 : 0),
                    width);
}

/// States and the meter from the inputs: the dynamics hold exactly at every iterate.
void HomeSolver::simulate() {
    const HomeProgram& p = program_;
    const Index n = p.intervals, chains = p.chains();
    ArrayXd meter = p.base_kw;
    if (chains > 0) {
        const auto input = chain_view(now_.v, 0, chains);
        const auto second = chain_view(now_.v, p.at_second, p.two_way);
        Chains state(now_.v.data() + p.at_state, chains, n);
        state = p.inflow + p.gain * input;
        if (p.two_way > 0) state.topRows(p.two_way) += p.gain2 * second;
        for (Index k = chains; k < n * chains; ++k)
            state.data()[k] += p.keep.data()[k] * state.data()[k - chains];
        meter += ((input.colwise() * p.meter_input) + (state.colwise() * p.meter_state))
                     .colwise()
                     .sum()
                     .transpose();
        if (p.two_way > 0) meter -= second.colwise().sum().transpose();
    }
    if (p.frees > 0)
        meter += (chain_view(now_.v, p.at_free, p.frees).colwise() * p.meter_free)
                     .colwise()
                     .sum()
                     .transpose();
    for (const ApplianceBlock& block : p.appliances)
        for (Index s = 0; s < block.starts; ++s) {
            const Index start = block.first_start + s,
                        run = std::min(block.profile_kw.size(), n - start);
            meter.segment(start, run) += now_.v[block.at + s] * block.profile_kw.head(run);
        }
    now_.v.segment(p.at_meter, n) = meter;
}

/// The inequalities' values.
void HomeSolver::measure() {
    const HomeProgram& p = program_;
    for (std::size_t i = 0; i < p.hard.size(); ++i)
        now_.hard.value[static_cast<Index>(i)] =
            p.hard[i].sign * (now_.v[p.hard[i].at] - p.hard[i].bound);
    for (std::size_t i = 0; i < p.soft.size(); ++i)
        now_.soft.value[static_cast<Index>(i)] =
            p.soft[i].sign * (now_.v[p.soft[i].at] - p.soft[i].bound);
    for (Index t = 0; t < p.intervals; ++t) {
        if (p.imports)
            now_.hard.value[at_peak_rows_ + t] = now_.v[p.at_peak] - now_.v[p.free(*p.imports, t)];
        if (p.reactive) {
            const double u = now_.v[p.free(*p.panels, t)];
            now_.hard.value[at_disc_rows_ + t] =
                p.inverter_kva * p.inverter_kva - u * u - now_.q[t] * now_.q[t];
        }
    }
}

void HomeSolver::start_cold() {
    const HomeProgram& p = program_;
    now_.v = 0.5 * (p.low + p.high);
    for (const ApplianceBlock& block : p.appliances)
        now_.v.segment(block.at, block.starts).setConstant(1 / static_cast<double>(block.starts));
    now_.q.setZero();
    now_.nu.setZero();
    simulate();
    measure();
    const double mu = 10;
    now_.hard.centre(mu, slack_cold);
    now_.soft.centre(mu, slack_cold);
    now_.lambda.setZero();
}

void HomeSolver::set_unit(double unit) {
    const HomeProgram& p = program_;
    if (warm_) {
        const double ratio = meter_.unit / unit;
        now_.hard.dual *= ratio;
        now_.soft.dual *= ratio;
        now_.soft.room *= ratio;
        now_.lambda *= ratio;
        now_.nu *= ratio;
    }
    meter_.unit = unit;
    cost_ = p.cost / unit;
    curvature_ = p.curvature / unit;
    for (std::size_t i = 0; i < p.soft.size(); ++i)
        now_.soft.price[static_cast<Index>(i)] = p.soft[i].price / unit;
}

/// By how much that changes the meter's marginal cost at the last solution, kW, in the mean.
double HomeSolver::set_meter(const Meter& meter) {
    const HomeProgram& p = program_;
    const Index n = p.intervals;
    double moved = 0;
    if (warm_) {
        const auto kw = now_.v.segment(p.at_meter, n);
        const ArrayXd before = meter_.unit * (meter_.linear_p + meter_.curvature_p * kw),
                      after = meter.linear_p + meter.curvature_p * kw;
        moved = std::sqrt((after - before).square().mean()) / meter.unit;
    }
    set_unit(meter.unit);
    meter_.linear_p = meter.linear_p / meter.unit;
    meter_.linear_q = meter.linear_q / meter.unit;
    meter_.curvature_p = meter.curvature_p / meter.unit;
    meter_.curvature_q = meter.curvature_q / meter.unit;
    cost_.segment(p.at_meter, n) = meter_.linear_p;
    curvature_.segment(p.at_meter, n).setConstant(meter_.curvature_p);
    return moved;
}

bool HomeSolver::solve(const Meter& meter, double products, bool by_sides) {
    const double moved = set_meter(meter);
    if (!warm_ || !by_sides || !try_sides(factors_max)) {
        bool found = false;
        if (warm_) {
            start_warm(moved);
            found = follow_path(products);
        }
        if (!found) {
            start_cold();
            warm_ = follow_path(products);
        }
        if (warm_ && products == products_end) finish();
    }
    return warm_;
}

bool HomeSolver::solve_smoothed(const Meter& meter, double products) {
    const double moved = set_meter(meter);
    if (warm_) {
        start_warm(moved);
        if (follow_path_to(products)) return true;
    }
    start_cold();
    warm_ = follow_path_to(products);
    return warm_;
}

/// A bound that binds only just is met to the root of the products: from the path's end on by its sides.
void HomeSolver::finish() {
    if (meter_.curvature_p != 0) try_sides(factors_of_finish);
}

HomeSolver::Point HomeSolver::point() const {
    Point out;
    out.meter_ = meter_;
    out.warm_ = warm_;
    out.at_ = now_;
    return out;
}

void HomeSolver::go_to(Point point) {
    meter_ = std::move(point.meter_);
    warm_ = point.warm_;
    now_ = std::move(point.at_);
}

/// False, and nothing is changed, where sides do not come to rest.
bool HomeSolver::try_sides(int factors_most) {
    start_ = now_;
    if (follow_sides(factors_most)) return true;
    now_ = start_;
    return false;
}

bool HomeSolver::follow_path(double products) {
    const double least = std::min(products_least, 0.1 * products);
    measure();
    double mu = mean_product(0);
    int polished = 0;
    for (iterations_ = 1; iterations_ <= iterations_max; ++iterations_) {
        step_on_path(least, mu);
        mu = mean_product(0);
        if (!std::isfinite(mu)) return false;
        if (mu > products || std::max(now_.hard.residual(), now_.soft.residual()) > residual_end)
            continue;
        if (products > products_end) return true;
        const double wrong = stationarity();
        if (wrong <= stationarity_end || (++polished > 3 && wrong <= stationarity_rounding))
            return true;
    }
    return false;
}

bool HomeSolver::follow_path_to(double centre) {
    measure();
    double mu = mean_product(0);
    for (iterations_ = 1; iterations_ <= iterations_max; ++iterations_) {
        step_on_path(centre, mu);
        mu = mean_product(0);
        if (!std::isfinite(mu)) return false;
        if (std::max(now_.hard.off_centre(centre), now_.soft.off_centre(centre)) >
                off_centre_most ||
            std::max(now_.hard.residual(), now_.soft.residual()) > residual_at_centre ||
            stationarity() > stationarity_at_centre)
            continue;
        now_.hard.weigh();
        now_.soft.weigh();
        return true;
    }
    return false;
}

/// Mehrotra's predictor and corrector from mean products of `mu`, aiming at no less than `least`.
void HomeSolver::step_on_path(double least, double mu) {
    now_.hard.weigh();
    now_.soft.weigh();
    factorise();
    if (mu < 3 * least) {  // there: Newton's method alone ends it
        aim(least, false);
    } else {
        aim(0, false);
        head_for_aim();
        const double affine = std::min(now_.hard.longest(1), now_.soft.longest(1));
        // nothing is bounded: no pairs, no μ
        const double left = mu > 0 ? std::max(0.0, mean_product(affine)) / mu : 0;
        aim(std::max(mu * left * left * left, least), true);
    }
    head_for_aim();
    const double longest = std::min(now_.hard.longest(2), now_.soft.longest(2));
    const double fraction = std::min(1.0, longest * std::clamp(1 - mu, 0.995, 1 - 1e-6));
    now_.hard.step(fraction);
    now_.soft.step(fraction);
    step(fraction);
}

/// After a fraction of the step under way.
double HomeSolver::mean_product(double fraction) const {
    const auto pairs =
        static_cast<double>(std::max<Index>(1, now_.hard.pairs() + now_.soft.pairs()));
    return (now_.hard.products(fraction) + now_.soft.products(fraction)) / pairs;
}

void HomeSolver::head_for_aim() {
    direction();
    now_.hard.move();
    now_.soft.move();
}

/// The largest marginal cost that no multiplier explains, kW.
double HomeSolver::stationarity() {
    const HomeProgram& p = program_;
    collect_slopes(now_.hard.dual, now_.soft.dual);
    for (const ApplianceBlock& block :
         p.appliances) {  // what is common to all starts is the value of Σ w = 1
        auto slopes = slope_.segment(block.at, block.starts);
        slopes -= (slopes * now_.v.segment(block.at, block.starts)).sum();
    }
    double worst =
        slope_.segment(p.at_state, p.at_free - p.at_state).matrix().lpNorm<Eigen::Infinity>();
    worst = std::max(worst, slope_.segment(p.at_meter, p.intervals).abs().maxCoeff());
    worst = std::max(worst, (slope_ * movable_).abs().maxCoeff());
    return p.reactive ? std::max(worst, slope_q_.abs().maxCoeff()) : worst;
}

void HomeSolver::start_warm(double shift) {
    // both numbers of every pair pushed up along s − z = constant until their product is μ
    const double mu = std::clamp(0.01 * shift * shift, 1e-10, 1.0);
    const auto push = [mu](ArrayXd& a, ArrayXd& b) {
        for (Index i = 0; i < a.size(); ++i) {
            const double gap = a[i] - b[i], root = std::sqrt(gap * gap + 4 * mu);
            a[i] = gap > 0 ? 0.5 * (gap + root) : 2 * mu / (root - gap);
            b[i] = mu / a[i];
        }
    };
    push(now_.hard.slack, now_.hard.dual);
    for (Index i = 0; i + 1 < at_peak_rows_; ++i) {  // no more room between two ends than there is
        const Bound &one = program_.hard[static_cast<std::size_t>(i)],
                    &other = program_.hard[static_cast<std::size_t>(i) + 1];
        const double room = std::abs(other.bound - one.bound);
        const double taken = now_.hard.slack[i] + now_.hard.slack[i + 1];
        if (one.at != other.at || taken <= room) continue;
        for (const Index end : {i, i + 1}) {
            now_.hard.slack[end] *= room / taken;
            now_.hard.dual[end] = mu / now_.hard.slack[end];
        }
    }
    push(now_.soft.slack, now_.soft.dual);
    push(now_.soft.excess, now_.soft.room);
    const ArrayXd scale = now_.soft.price / (now_.soft.dual + now_.soft.room);
    now_.soft.dual *= scale;
    now_.soft.room *= scale;
}

double HomeSolver::cost() const {
    double sum = 0;
    const HomeProgram& p = program_;
    for (Index i = 0; i < p.scalars; ++i)
        sum += now_.v[i] * (p.cost[i] + 0.5 * p.curvature[i] * now_.v[i]);
    for (const Bound& bound : p.soft)
        sum += bound.price * std::max(0.0, -bound.sign * (now_.v[bound.at] - bound.bound));
    return sum;
}

}  // namespace kilter::prox
