#include "common/prox/feeder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "common/base/check.hpp"
#include "common/prox/radial.hpp"
#include "common/prox/row_set.hpp"

namespace kilter::prox {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double tolerance_kw = 1e-10;  // of a row, as distance of d from the limit's hyperplane
constexpr double elastic_part =
    1e-6;  // weight of tracking against missing a limit, where both cannot be had

/// A row held at one of its ends; every quantity about it is that of sign · row.
struct Active {
    std::size_t row = 0;
    double sign = 1;        ///< +1: at the high end, −1: at the low end
    double multiplier = 0;  ///< ≥ 0
};

/// A limit that is not kept: a bus voltage in pu, the import in kW, or a branch's apparent power in
/// kVA.
struct Conflict {
    std::size_t t = 0;
    std::size_t row = 0;
    double value = 0;
    double limit = 0;
};

struct Violation {
    std::size_t row = 0;
    double sign = 1;
    double by = 0;  ///< kW of distance
};

}  // namespace

/// Rows are scaled to Euclidean norm 1, so that every row's value is a distance in kW. A row no net
/// acts on has norm 0; it can only be reported.
struct Feeder::State {
    State(model::Network network_in, model::FeederHorizon horizon_in);

    // one call
    void prepare(const Eigen::VectorXd& penalty);
    void solve(std::size_t t, const model::Schedules& target);
    // the dual active set method on the rows of interval t; `slack` > 0 lets limits give
    bool dual_active_set(std::size_t t, double slack);
    void start_from_active(std::size_t t);
    bool activate(const Violation& violation, double slack);
    void drop(std::size_t i);
    std::optional<Violation> worst(std::size_t t);
    void refine(std::size_t t, double slack);
    void deliver();  // d_ and values_ from the multipliers
    void products(const Active& row);
    const std::vector<double>& column(std::size_t row);
    void apply_inverse(std::span<double> d) const;
    [[nodiscard]] double missing(std::size_t t, const Active& a, double slack) const;

    [[nodiscard]] double bound(std::size_t t, const Active& a) const {
        return a.sign > 0 ? high[t * rows + a.row] : -low[t * rows + a.row];
    }

    void solve_elastic(std::size_t t);
    void record_duals(std::size_t t);
    /// `value`: of the row of A d, unscaled.
    [[nodiscard]] Conflict conflict(std::size_t t, std::size_t row, double value) const;
    [[nodiscard]] std::string describe(const Conflict& conflict) const;
    [[nodiscard]] Radial::Base with(std::size_t t, const model::Schedules& x) const;

    model::Network network;
    model::FeederHorizon horizon;
    Radial radial;
    std::size_t nets, rows, intervals;
    std::vector<double> scale;       // 1 / norm, 0 for a row without nets
    std::vector<double> low, high;   // intervals × rows, scaled
    std::vector<Radial::Base> base;  // per interval

    std::vector<Conflict> fixed_conflicts, conflicts;
    FeederDuals duals;

    // of the current penalty
    Eigen::VectorXd penalty;
    std::vector<double> inverse_k;
    double inverse_k_sum = 0, coupling = 0;    // coupling: σ / (1 + σ Σ 1/k), σ = Δ slope
    std::vector<std::vector<double>> columns;  // A H⁻¹ Aᵀ by row, scaled; empty until asked for

    // of the current interval
    std::vector<std::vector<Active>> active_at;  // kept from call to call
    std::vector<Active>* active = nullptr;
    RowSet set;
    std::vector<double> pull, d, values, values_at_start, multipliers, product, solution;
};

Feeder::State::State(model::Network network_in, model::FeederHorizon horizon_in)
    : network(std::move(network_in)),
      horizon(std::move(horizon_in)),
      radial(network),
      nets(radial.nets()),
      rows(radial.rows()),
      intervals(static_cast<std::size_t>(horizon.price_eur_per_kwh.size())),
      scale(radial.norms()),
      low(intervals * rows),
      high(intervals * rows),
      inverse_k(nets),
      columns(rows),
      active_at(intervals),
      pull(nets),
      d(nets),
      values(rows),
      multipliers(rows) {
    const auto t_count = static_cast<Eigen::Index>(intervals);
    const auto bus_count = static_cast<Eigen::Index>(network.buses.size());
    KILTER_CHECK(intervals > 0 && horizon.interval_h > 0, "a feeder needs a horizon");
    KILTER_CHECK(horizon.fixed_p_kw.rows() == bus_count && horizon.fixed_p_kw.cols() == t_count &&
                     horizon.fixed_q_kvar.rows() == bus_count &&
                     horizon.fixed_q_kvar.cols() == t_count,
                 "the horizon is of another network");
    duals = {model::Schedules::Zero(bus_count, t_count),
             model::Schedules::Zero(bus_count - 1, t_count), model::Series::Zero(t_count)};
    for (double& value : scale)
        value = value > 0 ? 1 / value : 0;
    const std::size_t buses = radial.buses();
    for (std::size_t t = 0; t < intervals; ++t) {
        const auto column = static_cast<Eigen::Index>(t);
        base.push_back(
            radial.base(horizon.fixed_p_kw.col(column), horizon.fixed_q_kvar.col(column)));
        const Radial::Base& fixed = base.back();
        const auto limit = [&](std::size_t row, double from, double to) {
            if (scale[row] == 0) {
                if (from > 1e-9 || to < -1e-9) fixed_conflicts.push_back(conflict(t, row, 0));
                return;
            }
            low[t * rows + row] = from * scale[row];
            high[t * rows + row] = to * scale[row];
        };
        for (std::size_t p = 0; p < buses; ++p) {
            const model::Bus& bus = network.buses[radial.bus_at(p)];
            limit(p, fixed.v[p] - bus.v_max_pu * bus.v_max_pu,
                  fixed.v[p] - bus.v_min_pu * bus.v_min_pu);
        }
        limit(buses, -network.tie.export_max_kw - fixed.p[0],
              network.tie.import_max_kw - fixed.p[0]);
        for (std::size_t p = 1; p < buses; ++p) {
            const double rating = network.branches[p - 1].rating_kva;
            const double square = rating * rating - fixed.q[p] * fixed.q[p];
            if (square < 0) fixed_conflicts.push_back(conflict(t, buses + p, -fixed.p[p]));
            const double most = square > 0 ? std::sqrt(square) : 0;
            limit(buses + p, -most - fixed.p[p], most - fixed.p[p]);
        }
    }
}

void Feeder::State::prepare(const Eigen::VectorXd& penalty_in) {
    conflicts = fixed_conflicts;
    duals.voltage.setZero();
    duals.branch.setZero();
    duals.tie.setZero();
    if (penalty.size() == penalty_in.size() && penalty == penalty_in) return;
    penalty = penalty_in;
    inverse_k_sum = 0;
    for (std::size_t j = 0; j < nets; ++j) {
        inverse_k[j] = 1 / penalty[static_cast<Eigen::Index>(j)];
        inverse_k_sum += inverse_k[j];
    }
    const double sigma = horizon.interval_h * network.tie.slope_eur_per_kwh_kw;
    coupling = sigma / (1 + sigma * inverse_k_sum);
    for (auto& column : columns)
        column.clear();
}

/// d ← H⁻¹ d
void Feeder::State::apply_inverse(std::span<double> g) const {
    double sum = 0;
    for (std::size_t j = 0; j < nets; ++j) {
        g[j] *= inverse_k[j];
        sum += g[j];
    }
    const double common = coupling * sum;
    for (std::size_t j = 0; j < nets; ++j)
        g[j] -= inverse_k[j] * common;
}

const std::vector<double>& Feeder::State::column(std::size_t row) {
    std::vector<double>& out = columns[row];
    if (!out.empty()) return out;
    out.resize(rows);
    out[row] = scale[row];
    std::vector<double> response(nets);
    radial.transpose(out, response);
    apply_inverse(response);
    radial.apply(response, out);
    for (std::size_t r = 0; r < rows; ++r)
        out[r] *= scale[r];
    return out;
}

/// product ← the products A_S H⁻¹ aᵀ of a signed row with the rows of the set.
void Feeder::State::products(const Active& a) {
    const std::vector<double>& all = column(a.row);
    product.resize(active->size());
    for (std::size_t i = 0; i < active->size(); ++i)
        product[i] = (*active)[i].sign * a.sign * all[(*active)[i].row];
}

void Feeder::State::deliver() {
    std::fill(multipliers.begin(), multipliers.end(), 0.0);
    for (const Active& a : *active)
        multipliers[a.row] += a.sign * a.multiplier * scale[a.row];
    radial.transpose(multipliers, d);
    for (std::size_t j = 0; j < nets; ++j)
        d[j] = pull[j] - d[j];
    apply_inverse(d);
    radial.apply(d, values);
    for (std::size_t r = 0; r < rows; ++r)
        values[r] *= scale[r];
}

double Feeder::State::missing(std::size_t t, const Active& a, double slack) const {
    return a.sign * values[a.row] - bound(t, a) - slack * a.multiplier;
}

std::optional<Violation> Feeder::State::worst(std::size_t t) {
    // An active row is where it should be; only the others can be violated.
    for (const Active& a : *active)
        values[a.row] = a.sign * bound(t, a);
    Violation out{0, 1, tolerance_kw};
    const double* lows = &low[t * rows];
    const double* highs = &high[t * rows];
    for (std::size_t r = 0; r < rows; ++r) {
        const double above = values[r] - highs[r];
        const double below = lows[r] - values[r];
        if (above > out.by) out = {r, 1, above};
        if (below > out.by) out = {r, -1, below};
    }
    return out.by > tolerance_kw ? std::optional(out) : std::nullopt;
}

/// The multipliers come from sums over many steps; one or two corrections by G⁻¹ put active rows
/// back on their limits.
void Feeder::State::refine(std::size_t t, double slack) {
    for (int round = 0; round < 3 && !active->empty(); ++round) {
        double most = 0;
        solution.resize(active->size());
        for (std::size_t i = 0; i < active->size(); ++i) {
            solution[i] = missing(t, (*active)[i], slack);
            most = std::max(most, std::abs(solution[i]));
        }
        if (most < tolerance_kw / 100) return;
        set.solve(solution);
        for (std::size_t i = 0; i < active->size(); ++i)
            (*active)[i].multiplier = std::max(0.0, (*active)[i].multiplier + solution[i]);
        deliver();
    }
}

void Feeder::State::drop(std::size_t i) {
    set.drop(i);
    active->erase(active->begin() + static_cast<std::ptrdiff_t>(i));
}

/// The rows active last time, as far as they still pull: with all multipliers positive, d is
/// optimal for these rows alone and the method may go on from there.
void Feeder::State::start_from_active(std::size_t t) {
    const std::vector<Active> before = *active;
    active->clear();
    set.clear();
    for (const Active& a : before) {
        products(a);
        if (set.add(product, column(a.row)[a.row])) active->push_back({a.row, a.sign, 0});
    }
    deliver();
    values_at_start = values;  // without any row
    while (!active->empty()) {
        solution.resize(active->size());
        for (std::size_t i = 0; i < active->size(); ++i)
            solution[i] =
                (*active)[i].sign * values_at_start[(*active)[i].row] - bound(t, (*active)[i]);
        set.solve(solution);
        const auto lowest = std::min_element(solution.begin(), solution.end());
        if (*lowest > 0) break;
        drop(static_cast<std::size_t>(lowest - solution.begin()));
    }
    for (std::size_t i = 0; i < active->size(); ++i)
        (*active)[i].multiplier = solution[i];
}

/// Raises the multiplier of a violated row until it is met; rows whose multiplier falls to zero on
/// the way leave. False: nothing can meet it.
bool Feeder::State::activate(const Violation& violation, double slack) {
    Active entering{violation.row, violation.sign, 0};
    const double self = column(entering.row)[entering.row] + slack;
    double left = violation.by;
    for (;;) {
        products(entering);
        solution = product;
        set.solve(solution);
        double gain = self;  // by how much the violation falls per unit of the multiplier
        for (std::size_t i = 0; i < solution.size(); ++i)
            gain -= product[i] * solution[i];
        double step = gain > 2e-10 * self ? left / gain : infinity;
        std::size_t leaving = active->size();
        for (std::size_t i = 0; i < solution.size(); ++i) {
            const double limit = (*active)[i].multiplier / solution[i];
            if (solution[i] > 0 && limit < step) {
                step = limit;
                leaving = i;
            }
        }
        if (step == infinity) return false;
        for (std::size_t i = 0; i < solution.size(); ++i)
            (*active)[i].multiplier = std::max(0.0, (*active)[i].multiplier - step * solution[i]);
        entering.multiplier += step;
        if (leaving == active->size()) {
            if (!set.add(product, self)) return false;
            active->push_back(entering);
            return true;
        }
        left -= step * gain;
        drop(leaving);
    }
}

bool Feeder::State::dual_active_set(std::size_t t, double slack) {
    const std::size_t steps_max =
        20 * rows + 100;  // far beyond what any feeder needs: rounding, not progress
    deliver();
    for (std::size_t steps = 0; steps < steps_max; ++steps) {
        refine(t, slack);
        const auto violated = worst(t);
        if (!violated) return true;
        if (!activate(*violated, slack)) return false;
        deliver();
    }
    return false;
}

/// The limits contradict each other: let each give, at a price of miss²/(2 slack) that outweighs
/// all tracking.
void Feeder::State::solve_elastic(std::size_t t) {
    active->clear();
    set.clear();
    dual_active_set(t, elastic_part * inverse_k_sum / static_cast<double>(nets));
    deliver();
    double most = 0;
    const auto miss = [&](std::size_t r) {
        return std::max(values[r] - high[t * rows + r], low[t * rows + r] - values[r]);
    };
    for (std::size_t r = 0; r < rows; ++r)
        most = std::max(most, miss(r));
    for (std::size_t r = 0; r < rows; ++r) {
        if (scale[r] > 0 && miss(r) > std::max(1e-9, 1e-3 * most))
            conflicts.push_back(conflict(t, r, values[r] / scale[r]));
    }
}

void Feeder::State::solve(std::size_t t, const model::Schedules& target) {
    const auto column = static_cast<Eigen::Index>(t);
    const double cost = horizon.interval_h * (horizon.price_eur_per_kwh[column] +
                                              network.tie.slope_eur_per_kwh_kw * base[t].p[0]);
    for (std::size_t j = 0; j < nets; ++j) {
        const auto row = static_cast<Eigen::Index>(j);
        pull[j] = -penalty[row] * target(row, column) - cost;
    }
    active = &active_at[t];
    start_from_active(t);
    if (!dual_active_set(t, 0)) solve_elastic(t);
    record_duals(t);
}

void Feeder::State::record_duals(std::size_t t) {
    const auto column = static_cast<Eigen::Index>(t);
    const std::size_t buses = radial.buses();
    for (const Active& a : *active) {
        const double value = a.sign * a.multiplier * scale[a.row];
        if (a.row < buses)
            duals.voltage(static_cast<Eigen::Index>(radial.bus_at(a.row)), column) = value;
        else if (a.row == buses)
            duals.tie[column] = value;
        else
            duals.branch(static_cast<Eigen::Index>(a.row - buses - 1), column) = value;
    }
}

Conflict Feeder::State::conflict(std::size_t t, std::size_t row, double value) const {
    const std::size_t buses = radial.buses();
    const Radial::Base& fixed = base[t];
    if (row < buses) {
        const model::Bus& bus = network.buses[radial.bus_at(row)];
        const double v = std::sqrt(std::max(0.0, fixed.v[row] - value));
        return {t, row, v, v < bus.v_min_pu ? bus.v_min_pu : bus.v_max_pu};
    }
    const double p = fixed.p[row - buses] + value;
    if (row == buses)
        return {t, row, p, p > 0 ? network.tie.import_max_kw : -network.tie.export_max_kw};
    const double q = fixed.q[row - buses];
    return {t, row, std::sqrt(p * p + q * q), network.branches[row - buses - 1].rating_kva};
}

std::string Feeder::State::describe(const Conflict& c) const {
    const std::size_t buses = radial.buses();
    const char* side = c.value < c.limit ? "below" : "above";
    char text[128];
    if (c.row < buses) {
        std::snprintf(text, sizeof text, ": %.5f pu, %s %.5f pu", c.value, side, c.limit);
        return "bus " + network.buses[radial.bus_at(c.row)].name + text;
    }
    if (c.row == buses) {
        std::snprintf(text, sizeof text, "import at the tie: %.3f kW, %s %.3f kW", c.value, side,
                      c.limit);
        return text;
    }
    std::snprintf(text, sizeof text, ": %.3f kVA, above its rating of %.3f kVA", c.value, c.limit);
    return "branch " + network.branches[c.row - buses - 1].name + text;
}

/// Voltages and flows with the deliveries of x, by position.
Radial::Base Feeder::State::with(std::size_t t, const model::Schedules& x) const {
    std::vector<double> delivered(nets), effect(rows);
    for (std::size_t j = 0; j < nets; ++j)
        delivered[j] = -x(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(t));
    radial.apply(delivered, effect);
    Radial::Base out = base[t];
    for (std::size_t p = 0; p < radial.buses(); ++p) {
        out.v[p] -= effect[p];
        out.p[p] += effect[radial.buses() + p];
    }
    return out;
}

Feeder::Feeder(model::Network network, model::FeederHorizon horizon)
    : state_(std::make_unique<State>(std::move(network), std::move(horizon))) {}

Feeder::~Feeder() = default;

Eigen::Index Feeder::rows() const {
    return static_cast<Eigen::Index>(state_->nets);
}

Eigen::Index Feeder::intervals() const {
    return static_cast<Eigen::Index>(state_->intervals);
}

model::ProxStatus Feeder::prox(const model::Schedules& target,
                               const Eigen::VectorXd& penalty,
                               model::Schedules& x) {
    State& s = *state_;
    KILTER_CHECK(
        target.rows() == rows() && target.cols() == intervals() && penalty.size() == rows(),
        "a feeder has one row per net");
    KILTER_CHECK((penalty.array() > 0).all(), "penalties are positive");
    s.prepare(penalty);
    x.resize(rows(), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        s.solve(t, target);
        for (std::size_t j = 0; j < s.nets; ++j)
            x(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(t)) = -s.d[j];
    }
    return s.conflicts.empty() ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

double Feeder::cost(const model::Schedules& x) const {
    const State& s = *state_;
    const model::Series import = import_kw(x);
    double sum = 0;
    for (Eigen::Index t = 0; t < intervals(); ++t)
        sum +=
            s.horizon.interval_h * (s.horizon.price_eur_per_kwh[t] * import[t] +
                                    s.network.tie.slope_eur_per_kwh_kw / 2 * import[t] * import[t]);
    return sum;
}

std::string Feeder::explain() const {
    constexpr std::size_t named_max = 5;
    const State& s = *state_;
    if (s.conflicts.empty()) return {};
    std::string out = "no delivery keeps all limits: ";
    for (std::size_t i = 0; i < std::min(named_max, s.conflicts.size()); ++i) {
        out +=
            s.describe(s.conflicts[i]) + " in interval " + std::to_string(s.conflicts[i].t) + "; ";
    }
    if (s.conflicts.size() > named_max)
        out += "and " + std::to_string(s.conflicts.size() - named_max) + " more; ";
    return out + "widen these limits or lower the fixed load";
}

model::Schedules Feeder::voltages_pu(const model::Schedules& x) const {
    const State& s = *state_;
    model::Schedules out(static_cast<Eigen::Index>(s.network.buses.size()), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const Radial::Base at = s.with(t, x);
        for (std::size_t p = 0; p < at.v.size(); ++p)
            out(static_cast<Eigen::Index>(s.radial.bus_at(p)), static_cast<Eigen::Index>(t)) =
                std::sqrt(std::max(0.0, at.v[p]));
    }
    return out;
}

model::Schedules Feeder::flows_kw(const model::Schedules& x) const {
    const State& s = *state_;
    model::Schedules out(static_cast<Eigen::Index>(s.network.branches.size()), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const Radial::Base at = s.with(t, x);
        for (std::size_t p = 1; p < at.p.size(); ++p)
            out(static_cast<Eigen::Index>(p - 1), static_cast<Eigen::Index>(t)) = at.p[p];
    }
    return out;
}

model::Series Feeder::import_kw(const model::Schedules& x) const {
    const State& s = *state_;
    model::Series out = -x.colwise().sum().transpose();
    for (std::size_t t = 0; t < s.intervals; ++t)
        out[static_cast<Eigen::Index>(t)] += s.base[t].p[0];
    return out;
}

const FeederDuals& Feeder::duals() const {
    return state_->duals;
}

model::Schedules Feeder::marginal_cost(const model::Schedules& x, const FeederDuals& duals) const {
    const State& s = *state_;
    Radial radial = s.radial;
    const std::size_t buses = radial.buses();
    const model::Series import = import_kw(x);
    std::vector<double> rows(s.rows), prices(s.nets);
    model::Schedules out(this->rows(), intervals());
    for (Eigen::Index t = 0; t < intervals(); ++t) {
        for (std::size_t p = 0; p < buses; ++p) {
            rows[p] = duals.voltage(static_cast<Eigen::Index>(radial.bus_at(p)), t);
            rows[buses + p] =
                p == 0 ? duals.tie[t] : duals.branch(static_cast<Eigen::Index>(p - 1), t);
        }
        radial.transpose(rows, prices);
        const double energy =
            s.horizon.interval_h *
            (s.horizon.price_eur_per_kwh[t] + s.network.tie.slope_eur_per_kwh_kw * import[t]);
        for (std::size_t j = 0; j < s.nets; ++j)
            out(static_cast<Eigen::Index>(j), t) = energy + prices[j];
    }
    return out;
}

const model::Network& Feeder::network() const {
    return state_->network;
}

const model::FeederHorizon& Feeder::horizon() const {
    return state_->horizon;
}

}  // namespace kilter::prox
