#include "common/prox/three_phase_feeder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "common/base/check.hpp"
#include "common/base/number.hpp"
#include "common/prox/linear_limits.hpp"
#include "common/prox/phase_tree.hpp"

namespace kilter::prox {

using model::Schedules;

namespace {

/// A limit that is not kept.
struct PhaseConflict {
    std::size_t t = 0;
    std::size_t row = 0;
    double value = 0;
};

}  // namespace

struct ThreePhaseFeeder::State {
    State(model::ThreePhaseNetwork network_in,
          model::ThreePhaseHorizon horizon_in,
          std::size_t channels_in);

    void set_bounds(std::size_t t);
    void solve(std::size_t t, const Schedules& target);
    /// The step of interval t with the limits in `given` priced at the penalty instead of kept. False: contradiction.
    bool step(std::size_t t);
    /// Moves limits between kept and given until each is where its price belongs. True: something moved.
    bool sort_limits(std::size_t t);

    [[nodiscard]] double penalty_of_limits() const {
        return network.limit_penalty_eur_per_kwh * horizon.interval_h;
    }

    [[nodiscard]] std::string describe(const PhaseConflict& conflict) const;
    /// What a row limits: "bus 611 phase c".
    [[nodiscard]] std::string limited(std::size_t row) const;
    /// What the deliveries of column t are, and what they do on top of the base.
    [[nodiscard]] std::vector<double> delivered(std::size_t t, const Schedules& x) const;

    model::ThreePhaseNetwork network;
    model::ThreePhaseHorizon horizon;
    std::size_t channels, quantities, rows, intervals;
    mutable PhaseTree tree;  // its sweeps leave nothing behind but their work space
    LinearLimits limits;
    std::vector<PhaseTree::Base> base;  // per interval
    std::vector<double> low, high;      // intervals × rows, scaled
    std::vector<PhaseConflict> fixed_conflicts;
    std::vector<PhaseConflict> conflicts;
    std::vector<std::vector<ActiveRow>> active;  // per interval, kept from call to call
    std::vector<std::vector<ActiveRow>> given;   // likewise: limits that cost more than the penalty
    std::vector<double> penalty, pull, d;
    std::vector<double> eased_low, eased_high, push, eased_pull;  // of one step
};

ThreePhaseFeeder::State::State(model::ThreePhaseNetwork network_in,
                               model::ThreePhaseHorizon horizon_in,
                               std::size_t channels_in)
    : network(std::move(network_in)),
      horizon(std::move(horizon_in)),
      channels(channels_in),
      quantities(network.nets.size() * channels),
      intervals(static_cast<std::size_t>(horizon.price_eur_per_kwh.size())),
      tree(network, channels),
      limits({.quantities = quantities,
              .rows = tree.rows(),
              .apply = [this](auto from, auto to) { tree.apply(from, to); },
              .transpose = [this](auto from, auto to) { tree.transpose(from, to); }},
             [this] {
                 std::vector<bool> active_power(quantities);
                 for (std::size_t i = 0; i < quantities; i += channels)
                     active_power[i] = true;
                 return active_power;
             }()),
      low(intervals * tree.rows()),
      high(intervals * tree.rows()),
      active(intervals),
      given(intervals),
      penalty(quantities),
      pull(quantities),
      d(quantities),
      push(tree.rows()),
      eased_pull(quantities) {
    rows = tree.rows();
    KILTER_CHECK(intervals > 0 && horizon.interval_h > 0, "a feeder needs a horizon");
    KILTER_CHECK(horizon.load_factor.size() == horizon.price_eur_per_kwh.size(),
                 "the horizon's series are of one length");
    for (std::size_t t = 0; t < intervals; ++t) {
        base.push_back(
            tree.base(network.loads_at(horizon.load_factor[static_cast<Eigen::Index>(t)])));
        set_bounds(t);
    }
}

void ThreePhaseFeeder::State::set_bounds(std::size_t t) {
    std::erase_if(fixed_conflicts, [t](const PhaseConflict& conflict) { return conflict.t == t; });
    const PhaseTree::Base& fixed = base[t];
    const auto limit = [&](std::size_t row, double value, double from, double to) {
        const double scale = limits.scale(row);
        if (scale == 0) {
            if (value < from - 1e-9 || value > to + 1e-9)
                fixed_conflicts.push_back({t, row, value});
            return;
        }
        low[t * rows + row] = (from - value) * scale;
        high[t * rows + row] = (to - value) * scale;
    };
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const model::PhaseBus& bus = network.buses[i];
        for (int phase = 0; phase < 3; ++phase) {
            if (!bus.phases.has(phase)) continue;
            const std::size_t row = 3 * i + static_cast<std::size_t>(phase);
            limit(row, fixed.squared_pu[static_cast<Eigen::Index>(row)],
                  bus.v_min_pu * bus.v_min_pu, bus.v_max_pu * bus.v_max_pu);
        }
    }
    std::size_t row = tree.voltage_rows();
    for (const PhaseTree::Rated& rated : tree.rated()) {
        const double apothem = network.branches[rated.branch].rating_a *
                               std::cos(std::numbers::pi / static_cast<double>(PhaseTree::sides));
        const model::Complex current = fixed.current_a[rated.branch][rated.phase];
        for (std::size_t side = 0; side < PhaseTree::sides; ++side)
            limit(row++, (std::conj(PhaseTree::direction(side)) * current).real(), -infinity,
                  apothem);
    }
    limit(row, fixed.import_kw, -network.tie.export_max_kw, network.tie.import_max_kw);
}

void ThreePhaseFeeder::State::solve(std::size_t t, const Schedules& target) {
    const auto column = static_cast<Eigen::Index>(t);
    const double energy =
        horizon.interval_h *
        (horizon.price_eur_per_kwh[column] + network.tie.slope_eur_per_kwh_kw * base[t].import_kw);
    for (std::size_t i = 0; i < quantities; ++i)
        pull[i] = -penalty[i] * target(static_cast<Eigen::Index>(i), column) -
                  (i % channels == 0 ? energy : 0);
    constexpr int rounds_max = 50;
    bool solved = step(t);
    for (int round = 0; solved && round < rounds_max && sort_limits(t); ++round)
        solved = step(t);
    const auto values = limits.values();
    if (solved) {
        for (const ActiveRow& a : given[t])
            conflicts.push_back({t, a.row, values[a.row] / limits.scale(a.row)});
        return;
    }
    const std::span<const double> from(&low[t * rows], rows);
    const std::span<const double> to(&high[t * rows], rows);
    double most = 0;
    const auto miss = [&](std::size_t row) {
        return limits.scale(row) == 0 ? 0
                                      : std::max(values[row] - to[row], from[row] - values[row]);
    };
    for (std::size_t row = 0; row < rows; ++row)
        most = std::max(most, miss(row));
    for (std::size_t row = 0; row < rows; ++row)
        if (miss(row) > std::max(1e-9, 1e-3 * most))
            conflicts.push_back({t, row, values[row] / limits.scale(row)});
}

bool ThreePhaseFeeder::State::step(std::size_t t) {
    eased_low.assign(&low[t * rows], &low[t * rows] + rows);
    eased_high.assign(&high[t * rows], &high[t * rows] + rows);
    eased_pull = pull;
    if (!given[t].empty()) {
        std::fill(push.begin(), push.end(), 0.0);
        for (const ActiveRow& a : given[t]) {
            eased_low[a.row] = -infinity;
            eased_high[a.row] = infinity;
            push[a.row] = a.sign * a.multiplier * limits.scale(a.row);
        }
        tree.transpose(push, eased_pull);
        for (std::size_t i = 0; i < quantities; ++i)
            eased_pull[i] = pull[i] - eased_pull[i];
    }
    return limits.solve(eased_pull, eased_low, eased_high, active[t], d);
}

bool ThreePhaseFeeder::State::sort_limits(std::size_t t) {
    constexpr double tolerance = 1e-9;
    const double most = penalty_of_limits();
    const auto values = limits.values();
    const auto is_kept = [&](const ActiveRow& a) {
        const double bound = a.sign > 0 ? high[t * rows + a.row] : -low[t * rows + a.row];
        return a.sign * values[a.row] < bound - tolerance;
    };
    const auto kept = std::erase_if(given[t], is_kept);
    std::size_t dear = 0;
    for (const ActiveRow& a : active[t])
        if (a.multiplier > most * (1 + tolerance)) {
            given[t].push_back({a.row, a.sign, most});
            ++dear;
        }
    std::erase_if(active[t],
                  [&](const ActiveRow& a) { return a.multiplier > most * (1 + tolerance); });
    return kept + dear > 0;
}

std::vector<double> ThreePhaseFeeder::State::delivered(std::size_t t, const Schedules& x) const {
    std::vector<double> out(quantities);
    for (std::size_t i = 0; i < quantities; ++i)
        out[i] = -x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(t));
    return out;
}

std::string ThreePhaseFeeder::State::limited(std::size_t row) const {
    if (row == tree.import_row()) return "import at the tie";
    if (row >= tree.voltage_rows()) {
        const PhaseTree::Rated& rated =
            tree.rated()[(row - tree.voltage_rows()) / PhaseTree::sides];
        return "branch " + network.branches[rated.branch].name + " phase " +
               model::PhaseSet::of(rated.phase).text();
    }
    const model::PhaseBus& bus = network.buses[row / 3];
    const int phase = static_cast<int>(row % 3);
    std::string out = "bus " + bus.name + " phase " + model::PhaseSet::of(phase).text();
    if (bus.connection == model::Connection::delta)
        out += " to " + model::PhaseSet::of((phase + 1) % 3).text();
    return out;
}

/// `conflict.value` is of the row without the base, for rows that deliveries move.
std::string ThreePhaseFeeder::State::describe(const PhaseConflict& conflict) const {
    const PhaseTree::Base& fixed = base[conflict.t];
    const double value = limits.scale(conflict.row) == 0 ? 0 : conflict.value;
    char text[128];
    if (conflict.row < tree.voltage_rows()) {
        const model::PhaseBus& bus = network.buses[conflict.row / 3];
        const double v = std::sqrt(
            std::max(0.0, fixed.squared_pu[static_cast<Eigen::Index>(conflict.row)] + value));
        const bool below = v < bus.v_min_pu;
        std::snprintf(text, sizeof text, ": %.5f pu, %s %.5f pu", v, below ? "below" : "above",
                      below ? bus.v_min_pu : bus.v_max_pu);
        return limited(conflict.row) + text;
    }
    if (conflict.row == tree.import_row()) {
        const double import = fixed.import_kw + value;
        const bool above = import > network.tie.import_max_kw;
        std::snprintf(text, sizeof text, ": %.3f kW, %s %.3f kW", import, above ? "above" : "below",
                      above ? network.tie.import_max_kw : -network.tie.export_max_kw);
        return limited(conflict.row) + text;
    }
    const std::size_t at = conflict.row - tree.voltage_rows();
    const PhaseTree::Rated& rated = tree.rated()[at / PhaseTree::sides];
    const model::PhaseBranch& branch = network.branches[rated.branch];
    const double along = value + (std::conj(PhaseTree::direction(at % PhaseTree::sides)) *
                                  fixed.current_a[rated.branch][rated.phase])
                                     .real();
    std::snprintf(text, sizeof text, ": %.2f A, above its rating of %.2f A", along,
                  branch.rating_a);
    return limited(conflict.row) + text;
}

ThreePhaseFeeder::ThreePhaseFeeder(model::ThreePhaseNetwork network,
                                   model::ThreePhaseHorizon horizon,
                                   Eigen::Index channels)
    : state_(std::make_unique<State>(
          std::move(network), std::move(horizon), static_cast<std::size_t>(channels))) {}

ThreePhaseFeeder::~ThreePhaseFeeder() = default;

Eigen::Index ThreePhaseFeeder::rows() const {
    return static_cast<Eigen::Index>(state_->quantities);
}

Eigen::Index ThreePhaseFeeder::channels() const {
    return static_cast<Eigen::Index>(state_->channels);
}

Eigen::Index ThreePhaseFeeder::intervals() const {
    return static_cast<Eigen::Index>(state_->intervals);
}

void ThreePhaseFeeder::linearise_at(Eigen::Index t,
                                    const Schedules& x,
                                    const OperatingPoint& point) {
    State& s = *state_;
    const auto at = static_cast<std::size_t>(t);
    KILTER_CHECK(at < s.intervals && x.rows() == rows(), "a point of this feeder and horizon");
    s.base[at] = {point.current_a, s.tree.squared(point.voltage_v), point.import_kw};
    s.tree.take_away(s.delivered(at, x), s.base[at]);
    s.set_bounds(at);
}

model::ProxStatus ThreePhaseFeeder::prox(const Schedules& target,
                                         const Eigen::VectorXd& penalty,
                                         Schedules& x) {
    State& s = *state_;
    KILTER_CHECK(
        target.rows() == rows() && target.cols() == intervals() && penalty.size() == rows(),
        "a feeder has a row per net and channel");
    KILTER_CHECK((penalty.array() > 0).all(), "penalties are positive");
    s.penalty.assign(penalty.begin(), penalty.end());
    s.limits.set_metric(s.penalty, s.horizon.interval_h * s.network.tie.slope_eur_per_kwh_kw);
    s.conflicts = s.fixed_conflicts;
    x.resize(rows(), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        s.solve(t, target);
        for (std::size_t i = 0; i < s.quantities; ++i)
            x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(t)) = -s.d[i];
    }
    return s.conflicts.empty() ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

double ThreePhaseFeeder::cost(const Schedules& x) const {
    const State& s = *state_;
    const model::Series import = import_kw(x);
    const double slope = s.network.tie.slope_eur_per_kwh_kw;
    return s.horizon.interval_h *
           (s.horizon.price_eur_per_kwh.dot(import) + slope / 2 * import.squaredNorm());
}

std::string ThreePhaseFeeder::explain() const {
    constexpr std::size_t told_max = 5;
    const State& s = *state_;
    if (s.conflicts.empty()) return {};
    std::string out = "limits missed, where keeping them is impossible or would cost more than " +
                      number_text(s.network.limit_penalty_eur_per_kwh) + " EUR/kWh: ";
    for (std::size_t i = 0; i < std::min(told_max, s.conflicts.size()); ++i)
        out +=
            s.describe(s.conflicts[i]) + " in interval " + std::to_string(s.conflicts[i].t) + "; ";
    if (s.conflicts.size() > told_max)
        out += "and " + std::to_string(s.conflicts.size() - told_max) + " more; ";
    return out + "widen these limits or lower the fixed load";
}

std::string ThreePhaseFeeder::tightest() const {
    const State& s = *state_;
    const ActiveRow* most = nullptr;
    std::size_t when = 0;
    for (std::size_t t = 0; t < s.intervals; ++t)
        for (const auto* rows : {&s.active[t], &s.given[t]})
            for (const ActiveRow& a : *rows)
                if (most == nullptr || a.multiplier > most->multiplier) {
                    most = &a;
                    when = t;
                }
    if (most == nullptr) return {};
    return s.limited(most->row) + (most->sign > 0 ? " at its upper" : " at its lower") +
           " limit in interval " + std::to_string(when);
}

Schedules ThreePhaseFeeder::voltages_pu(const Schedules& x) const {
    const State& s = *state_;
    Schedules out(static_cast<Eigen::Index>(s.tree.voltage_rows()), intervals());
    std::vector<double> effect(s.rows);
    for (std::size_t t = 0; t < s.intervals; ++t) {
        s.tree.apply(s.delivered(t, x), effect);
        for (Eigen::Index row = 0; row < out.rows(); ++row)
            out(row, static_cast<Eigen::Index>(t)) = std::sqrt(
                std::max(0.0, s.base[t].squared_pu[row] + effect[static_cast<std::size_t>(row)]));
    }
    return out;
}

Schedules ThreePhaseFeeder::currents_a(const Schedules& x) const {
    const State& s = *state_;
    Schedules out(static_cast<Eigen::Index>(3 * s.network.branches.size()), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        PhaseTree::Base without = s.base[t];
        std::vector<double> taken = s.delivered(t, x);
        for (double& value : taken)
            value = -value;
        s.tree.take_away(taken, without);
        for (std::size_t b = 0; b < without.current_a.size(); ++b)
            out.block<3, 1>(static_cast<Eigen::Index>(3 * b), static_cast<Eigen::Index>(t)) =
                without.current_a[b].cwiseAbs();
    }
    return out;
}

model::Series ThreePhaseFeeder::import_kw(const Schedules& x) const {
    const State& s = *state_;
    model::Series out(intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        double import = s.base[t].import_kw;
        for (std::size_t i = 0; i < s.quantities; i += s.channels)
            import -= x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(t));
        out[static_cast<Eigen::Index>(t)] = import;
    }
    return out;
}

LinearSet ThreePhaseFeeder::linear_set() const {
    State& s = *state_;
    LinearSet out;
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < s.rows; ++row) {
        bool limits = false;
        for (std::size_t t = 0; t < s.intervals && s.limits.scale(row) > 0; ++t)
            limits = limits || std::isfinite(s.low[t * s.rows + row]) ||
                     std::isfinite(s.high[t * s.rows + row]);
        if (limits) rows.push_back(row);
    }
    const auto count = static_cast<Eigen::Index>(rows.size());
    out.effect.resize(count, static_cast<Eigen::Index>(s.quantities));
    out.low.resize(count, intervals());
    out.high.resize(count, intervals());
    std::vector<double> unit(s.rows), effect(s.quantities);
    for (Eigen::Index i = 0; i < count; ++i) {
        const std::size_t row = rows[static_cast<std::size_t>(i)];
        out.names.push_back(s.limited(row));
        std::fill(unit.begin(), unit.end(), 0.0);
        unit[row] = 1;
        s.tree.transpose(unit, effect);
        out.effect.row(i) = Eigen::Map<const Eigen::RowVectorXd>(
            effect.data(), static_cast<Eigen::Index>(effect.size()));
        for (std::size_t t = 0; t < s.intervals; ++t) {
            out.low(i, static_cast<Eigen::Index>(t)) =
                s.low[t * s.rows + row] / s.limits.scale(row);
            out.high(i, static_cast<Eigen::Index>(t)) =
                s.high[t * s.rows + row] / s.limits.scale(row);
        }
    }
    out.import_kw.resize(intervals());
    for (std::size_t t = 0; t < s.intervals; ++t)
        out.import_kw[static_cast<Eigen::Index>(t)] = s.base[t].import_kw;
    return out;
}

PhasePrices ThreePhaseFeeder::prices(const Schedules& x) const {
    const State& s = *state_;
    const Schedules none = Schedules::Zero(rows(), intervals());
    PhasePrices out{none, none, none};
    const model::Series import = import_kw(x);
    std::vector<double> voltage(s.rows);
    std::vector<double> other(s.rows);
    std::vector<double> price(s.quantities);
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const auto column = static_cast<Eigen::Index>(t);
        std::fill(voltage.begin(), voltage.end(), 0.0);
        std::fill(other.begin(), other.end(), 0.0);
        for (const auto* rows : {&s.active[t], &s.given[t]})
            for (const ActiveRow& a : *rows)
                (a.row < s.tree.voltage_rows() ? voltage : other)[a.row] +=
                    a.sign * a.multiplier * s.limits.scale(a.row);
        const double energy =
            s.horizon.interval_h * (s.horizon.price_eur_per_kwh[column] +
                                    s.network.tie.slope_eur_per_kwh_kw * import[column]);
        for (Eigen::Index i = 0; i < rows(); i += channels())
            out.energy(i, column) = energy;
        s.tree.transpose(voltage, price);
        out.voltage.col(column) = Eigen::Map<const Eigen::VectorXd>(price.data(), rows());
        s.tree.transpose(other, price);
        out.congestion.col(column) = Eigen::Map<const Eigen::VectorXd>(price.data(), rows());
    }
    return out;
}

const model::ThreePhaseNetwork& ThreePhaseFeeder::network() const {
    return state_->network;
}

const model::ThreePhaseHorizon& ThreePhaseFeeder::horizon() const {
    return state_->horizon;
}

}  // namespace kilter::prox
