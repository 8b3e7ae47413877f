#include "common/prox/home.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"

namespace kilter::prox {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using model::Schedules;

/// Weights below this are no candidates for a start.
constexpr double start_weight_min = 1e-4;
/// Penalties so far from each other have a solver each.
constexpr double penalties_apart = 3;
// of cost_at()
constexpr double meeting_penalty = 30;  // EUR/kW²
constexpr double met_within = 1e-7;     // kW
constexpr int meeting_rounds_max = 20;

void set_targets(Meter& meter, const Schedules& target, const Eigen::VectorXd& penalty) {
    meter.unit = meter.curvature_p = penalty[0];
    meter.linear_p = -penalty[0] * target.row(0).transpose().array();
    meter.linear_q.setZero(target.cols());
    if (target.rows() < 2) return;
    meter.curvature_q = penalty[1];
    meter.linear_q = -penalty[1] * target.row(1).transpose().array();
}

void read(const HomeSolver& solver, Schedules& x) {
    const HomeProgram& p = solver.program();
    for (Index t = 0; t < p.intervals; ++t)
        x(0, t) = solver.scalar(p.at_meter + t);
    if (x.rows() > 1) x.row(1) = (p.base_kvar + solver.reactive_kvar()).transpose();
}

}  // namespace

Home::Home(model::Home home)
    : home_(std::move(home)),
      starts_(home_.shiftables.size()),
      solver_(program_of(home_, starts_)),
      unreachable_(explain_unreachable(home_)) {}

model::ProxStatus Home::prox(const Schedules& target,
                             const Eigen::VectorXd& penalty,
                             Schedules& x) {
    aim(target, penalty);
    return answer(solver_.solve(meter_, HomeSolver::products_end, true), x);
}

model::ProxStatus Home::smoothed_prox(const Schedules& target,
                                      const Eigen::VectorXd& penalty,
                                      double smoothing_kw2,
                                      Schedules& x) {
    aim(target, penalty);
    return answer(solver_.solve_smoothed(meter_, smoothing_kw2) ||
                      solver_.solve(meter_, HomeSolver::products_end, true),
                  x);
}

void Home::aim(const Schedules& target, const Eigen::VectorXd& penalty) {
    KILTER_CHECK(
        target.rows() == rows() && target.cols() == intervals() && penalty.size() == rows(),
        "a home has one row per channel");
    set_targets(meter_, target, penalty);
    turn_to(meter_.unit);
}

model::ProxStatus Home::answer(bool converged, Schedules& x) {
    x.resize(rows(), intervals());
    read(solver_, x);
    converged_ = converged;
    return judge();
}

model::ProxStatus Home::judge() {
    kept_ = converged_ && unreachable_.empty() && keeps_requirements(solver_);
    return kept_ ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

void Home::turn_to(double penalty) {
    const double ratio = penalty / solver_.unit();
    if (!solver_.warm() || (ratio < penalties_apart && ratio * penalties_apart > 1)) return;
    if (!aside_) aside_ = std::make_unique<HomeSolver>(solver_);
    std::swap(solver_, *aside_);
    if (penalty > aside_->unit()) solver_.go_to(aside_->point());
}

bool Home::price_response(double penalty, Eigen::MatrixXd& response) {
    solver_.price_response(penalty, response);
    const Index n = channels() * intervals();
    if (response.rows() < n) {  // q is fixed
        const Eigen::MatrixXd active = response;
        response.setZero(n, n);
        response.topLeftCorner(active.rows(), active.cols()) = active;
    }
    return true;
}

double Home::cost(const Schedules& x) const {
    return cost_at(x, Schedules::Zero(rows(), intervals()));
}

/// x is met by the method of multipliers; they are −y where x answers prices y.
double Home::cost_at(const Schedules& x, const Schedules& y) const {
    HomeSolver solver(solver_.program());
    solver.go_to(solver_.point());
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(rows(), meeting_penalty);
    Schedules target = x - y / meeting_penalty, met(rows(), intervals());
    Meter meter;
    for (int round = 0; round < meeting_rounds_max; ++round) {
        set_targets(meter, target, penalty);
        solver.solve(meter, HomeSolver::products_end, true);
        read(solver, met);
        if ((met - x).cwiseAbs().maxCoeff() < met_within) break;
        target += x - met;
    }
    return solver.cost();
}

double Home::least_cost(const Schedules& y) {
    KILTER_CHECK(y.rows() == rows() && y.cols() == intervals(), "a home has one row per channel");
    if (!price_taker_)
        price_taker_ = std::make_unique<HomeSolver>(
            program_of(home_, std::vector<std::optional<std::size_t>>(starts_.size())));
    Meter meter;
    meter.linear_p = y.row(0).transpose();
    meter.linear_q = ArrayXd::Zero(intervals());
    if (rows() > 1) meter.linear_q = y.row(1).transpose();
    meter.unit = std::max(1e-3, y.cwiseAbs().maxCoeff());
    price_taker_->solve(meter);
    Schedules x(rows(), intervals());
    read(*price_taker_, x);
    return price_taker_->cost() + x.cwiseProduct(y).sum();
}

std::optional<model::Regret> Home::regret(const Schedules& x, const Schedules& y) {
    const double gain = cost_at(x, y) + x.cwiseProduct(y).sum() - least_cost(y);
    return model::Regret{.eur = std::max(0.0, gain), .reach = home_.reach()};
}

std::string Home::explain() const {
    if (kept_) return {};
    if (!converged_)
        return "the home's own optimisation did not reach its tolerance; its schedule is the best "
               "found";
    std::string out = explain_missed(home_, solver_);
    if (!out.empty() && !unreachable_.empty()) out += "; ";
    return out + unreachable_;
}

HomePlan Home::plan() const {
    HomePlan plan = plan_of(home_, solver_);
    for (std::size_t i = 0; i < starts_.size(); ++i) {
        const model::Shiftable& load = home_.shiftables[i];
        const bool fixed = starts_[i].has_value();
        if (!fixed && load.first_start != load.last_start) continue;
        const auto start = static_cast<Index>(starts_[i].value_or(load.first_start));
        const Index run = std::min<Index>(load.profile_kw.size(), intervals() - start);
        plan.start_weight[i][start] = 1;
        plan.shiftable_kw[i].segment(start, run) = load.profile_kw.head(run);
    }
    return plan;
}

double Home::objective() const {
    const HomeProgram& p = solver_.program();
    const ArrayXd kvar = p.base_kvar + solver_.reactive_kvar();
    double sum = solver_.cost();
    for (Index t = 0; t < p.intervals; ++t) {
        const double kw = solver_.scalar(p.at_meter + t);
        sum += kw * (meter_.linear_p[t] + 0.5 * meter_.curvature_p * kw);
        sum += kvar[t] * (meter_.linear_q[t] + 0.5 * meter_.curvature_q * kvar[t]);
    }
    return sum;
}

void Home::settle_choices() {
    if (solver_.program().appliances.empty()) return;
    solver_.solve(meter_);  // the last step may have been a smoothed one
    round_starts();
}

double Home::round_starts() {
    const double relaxed = objective();
    double rounded = relaxed;
    while (!solver_.program().appliances.empty()) {
        // the surest appliance first
        const HomePlan plan = plan_of(home_, solver_);
        std::size_t surest = solver_.program().appliances.front().item;
        for (const ApplianceBlock& block : solver_.program().appliances)
            if (plan.start_weight[block.item].maxCoeff() > plan.start_weight[surest].maxCoeff())
                surest = block.item;
        const model::Series& weights = plan.start_weight[surest];
        std::optional<std::size_t> best;
        rounded = std::numeric_limits<double>::infinity();
        for (Index s = 0; s < weights.size(); ++s) {
            if (weights[s] < start_weight_min) continue;
            starts_[surest] = static_cast<std::size_t>(s);
            solver_ = HomeSolver(program_of(home_, starts_));
            solver_.solve(meter_);
            if (const double value = objective(); value < rounded) {
                rounded = value;
                best = starts_[surest];
            }
        }
        starts_[surest] = best;
        aside_.reset();
        solver_ = HomeSolver(program_of(home_, starts_));
        converged_ = solver_.solve(meter_);
    }
    judge();
    return rounded - relaxed;
}

}  // namespace kilter::prox
