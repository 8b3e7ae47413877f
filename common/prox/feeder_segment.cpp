#include "common/prox/feeder_segment.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/number.hpp"
#include "common/prox/linear_limits.hpp"
#include "common/prox/radial.hpp"

namespace kilter::prox {

using model::Schedules;

namespace {

using Quantity = SegmentTerminal::Quantity;

/// With the ends as nets after those of the homes.
model::Network with_ends(model::Network network, const std::vector<std::size_t>& ends) {
    for (const std::size_t bus : ends)
        network.nets.push_back({"", bus});
    return network;
}

}  // namespace

/// Variables: deliveries d, flows f at the ends, drops to the ends, then the start g or, at the substation, B; drops and starts in
/// kW (times `unit`), so that all have one scale.
/// Rows: the radial's, voltages as drops plus g; then per end  (drop by d and f) − drop = what its own loads do not explain;
/// and the import.
struct FeederSegment::State {
    State(model::Network piece,
          model::FeederHorizon series,
          std::vector<std::size_t> other_pieces,
          std::vector<SegmentTerminal> where);

    [[nodiscard]] std::size_t deliveries() const { return homes + ends.size(); }

    [[nodiscard]] std::size_t variables() const { return deliveries() + ends.size() + 1; }

    [[nodiscard]] std::size_t limit_rows() const { return radial.rows() + ends.size() + 1; }

    /// Of a terminal's quantity but `drawn`; its unit is in `factor`.
    [[nodiscard]] std::size_t variable(const SegmentTerminal& terminal) const;
    void apply(std::span<const double> q, std::span<double> rows) const;
    void transpose(std::span<const double> rows, std::span<double> q);
    void set_limits();

    model::Network network;
    model::FeederHorizon horizon;
    std::size_t homes;  ///< nets of homes
    std::vector<std::size_t> ends;
    std::vector<SegmentTerminal> terminals;
    bool at_substation;
    Radial radial;
    double unit = 1;  ///< kW per pu²
    std::vector<std::size_t> end_position;
    std::vector<double> work;
    std::optional<LinearLimits> limits;
    Schedules low, high;  ///< intervals × rows, scaled
    Eigen::RowVectorXd fixed_kw;
    std::vector<std::vector<ActiveRow>> active;  ///< by interval
    std::vector<Eigen::Index> missed;            ///< intervals whose limits contradict each other
};

FeederSegment::State::State(model::Network piece,
                            model::FeederHorizon series,
                            std::vector<std::size_t> other_pieces,
                            std::vector<SegmentTerminal> where)
    : network(std::move(piece)),
      horizon(std::move(series)),
      homes(network.nets.size()),
      ends(std::move(other_pieces)),
      terminals(std::move(where)),
      at_substation(std::any_of(terminals.begin(),
                                terminals.end(),
                                [](const auto& one) { return one.quantity == Quantity::others; })),
      radial(with_ends(network, ends)),
      active(static_cast<std::size_t>(horizon.price_eur_per_kwh.size())) {
    for (const std::size_t bus : ends) {
        std::size_t p = 0;
        while (radial.bus_at(p) != bus)
            ++p;
        end_position.push_back(p);
    }
    for (SegmentTerminal& one : terminals) {
        KILTER_CHECK(one.factor != 0, "a terminal carries something");
        if (one.quantity == Quantity::drop || one.quantity == Quantity::start)
            unit = std::max(unit, std::abs(one.factor));
    }
    for (SegmentTerminal& one : terminals)
        if (one.quantity == Quantity::drop || one.quantity == Quantity::start) one.factor /= unit;
    std::vector<bool> common(variables(), false);
    std::fill_n(common.begin(), homes, true);
    common.back() = at_substation;
    limits.emplace(
        LinearLimits::Sweeps{
            variables(), limit_rows(),
            [this](std::span<const double> q, std::span<double> rows) { apply(q, rows); },
            [this](std::span<const double> rows, std::span<double> q) { transpose(rows, q); }},
        std::move(common));
    set_limits();
}

std::size_t FeederSegment::State::variable(const SegmentTerminal& terminal) const {
    switch (terminal.quantity) {
        case Quantity::delivery:
            return terminal.index;
        case Quantity::flow:
            return homes + terminal.index;
        case Quantity::drop:
            return deliveries() + terminal.index;
        default:
            return variables() - 1;
    }
}

void FeederSegment::State::apply(std::span<const double> q, std::span<double> rows) const {
    radial.apply(q.first(deliveries()), rows.first(radial.rows()));
    for (std::size_t i = 0; i < ends.size(); ++i)
        rows[radial.rows() + i] = rows[end_position[i]] - q[deliveries() + i] / unit;
    rows.back() = 0;
    if (at_substation) {
        rows.back() =
            std::accumulate(q.begin(), q.begin() + static_cast<std::ptrdiff_t>(homes), q.back());
        return;
    }
    for (std::size_t p = 0; p < radial.buses(); ++p)
        rows[p] += q.back() / unit;
}

void FeederSegment::State::transpose(std::span<const double> rows, std::span<double> q) {
    work.assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(radial.rows()));
    q.back() = rows.back();
    if (!at_substation) {
        double sum = 0;
        for (std::size_t p = 0; p < radial.buses(); ++p)
            sum += work[p];
        q.back() = sum / unit;
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
        work[end_position[i]] += rows[radial.rows() + i];
        q[deliveries() + i] = -rows[radial.rows() + i] / unit;
    }
    radial.transpose(work, q.first(deliveries()));
    if (at_substation)
        for (std::size_t j = 0; j < homes; ++j)
            q[j] += rows.back();
}

void FeederSegment::State::set_limits() {
    const auto intervals = static_cast<Eigen::Index>(active.size());
    const std::size_t buses = radial.buses();
    fixed_kw = horizon.fixed_p_kw.colwise().sum();
    low = Schedules::Constant(intervals, static_cast<Eigen::Index>(limit_rows()), -infinity);
    high = Schedules::Constant(intervals, static_cast<Eigen::Index>(limit_rows()), infinity);
    const double substation = network.v_root_pu * network.v_root_pu;
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const Radial::Base base =
            radial.base(horizon.fixed_p_kw.col(t), horizon.fixed_q_kvar.col(t));
        const auto limit = [&](std::size_t row, double least, double most) {
            const double scale = limits->scale(row);
            if (scale == 0) return;
            low(t, static_cast<Eigen::Index>(row)) = least * scale;
            high(t, static_cast<Eigen::Index>(row)) = most * scale;
        };
        for (std::size_t p = 1; p < buses; ++p) {
            const model::Bus& bus = network.buses[radial.bus_at(p)];
            limit(p, base.v[p] - bus.v_max_pu * bus.v_max_pu,
                  base.v[p] - bus.v_min_pu * bus.v_min_pu);
            const double rating = network.branches[p - 1].rating_kva;
            const double most = std::sqrt(std::max(0.0, rating * rating - base.q[p] * base.q[p]));
            limit(buses + p, -most - base.p[p], most - base.p[p]);
        }
        for (std::size_t i = 0; i < ends.size(); ++i) {
            const double by_loads = base.v[end_position[i]] - substation;
            limit(radial.rows() + i, by_loads, by_loads);
        }
        if (at_substation)
            limit(limit_rows() - 1, -network.tie.export_max_kw - fixed_kw[t],
                  network.tie.import_max_kw - fixed_kw[t]);
    }
}

FeederSegment::FeederSegment(model::Network network,
                             model::FeederHorizon horizon,
                             std::vector<std::size_t> ends,
                             std::vector<SegmentTerminal> terminals)
    : state_(std::make_unique<State>(
          std::move(network), std::move(horizon), std::move(ends), std::move(terminals))) {}

FeederSegment::~FeederSegment() = default;

Eigen::Index FeederSegment::rows() const {
    return static_cast<Eigen::Index>(state_->terminals.size());
}

Eigen::Index FeederSegment::intervals() const {
    return static_cast<Eigen::Index>(state_->active.size());
}

model::ProxStatus FeederSegment::prox(const Schedules& target,
                                      const Eigen::VectorXd& penalty,
                                      Schedules& x) {
    State& s = *state_;
    KILTER_CHECK(
        target.rows() == rows() && target.cols() == intervals() && penalty.size() == rows(),
        "a piece has a row per terminal");
    const double hours = s.horizon.interval_h;
    std::vector<double> k(s.variables(), 0), pull(s.variables()), q(s.variables());
    double sigma = 0;
    for (Eigen::Index i = 0; i < rows(); ++i) {
        const SegmentTerminal& one = s.terminals[static_cast<std::size_t>(i)];
        const double curvature = penalty[i] * one.factor * one.factor;
        (one.quantity == Quantity::drawn ? sigma : k[s.variable(one)]) += curvature;
    }
    if (s.at_substation) sigma = hours * s.network.tie.slope_eur_per_kwh_kw;
    s.limits->set_metric(k, sigma);

    x.resize(rows(), intervals());
    s.missed.clear();
    for (Eigen::Index t = 0; t < intervals(); ++t) {
        std::fill(pull.begin(), pull.end(), 0.0);
        double pull_drawn = -sigma * s.fixed_kw[t];
        for (Eigen::Index i = 0; i < rows(); ++i) {
            const SegmentTerminal& one = s.terminals[static_cast<std::size_t>(i)];
            const double towards = penalty[i] * one.factor * target(i, t);
            (one.quantity == Quantity::drawn ? pull_drawn : pull[s.variable(one)]) += towards;
        }
        if (s.at_substation) {
            pull_drawn -= hours * s.horizon.price_eur_per_kwh[t];
            pull.back() += pull_drawn;
        }
        for (std::size_t j = 0; j < s.homes; ++j)
            pull[j] += pull_drawn;
        const auto ends_of = [&](const Schedules& of) {
            return std::span<const double>(of.row(t).data(), s.limit_rows());
        };
        if (!s.limits->solve(pull, ends_of(s.low), ends_of(s.high),
                             s.active[static_cast<std::size_t>(t)], q))
            s.missed.push_back(t);
        double drawn = s.fixed_kw[t];
        for (std::size_t j = 0; j < s.homes; ++j)
            drawn += q[j];
        for (Eigen::Index i = 0; i < rows(); ++i) {
            const SegmentTerminal& one = s.terminals[static_cast<std::size_t>(i)];
            x(i, t) = one.factor * (one.quantity == Quantity::drawn ? drawn : q[s.variable(one)]);
        }
    }
    return s.missed.empty() ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

double FeederSegment::cost(const Schedules& x) const {
    const State& s = *state_;
    if (!s.at_substation) return 0;
    Eigen::RowVectorXd import_kw = s.fixed_kw;
    for (Eigen::Index i = 0; i < rows(); ++i) {
        const SegmentTerminal& one = s.terminals[static_cast<std::size_t>(i)];
        if (one.quantity == Quantity::delivery || one.quantity == Quantity::others)
            import_kw += x.row(i) / one.factor;
    }
    return s.horizon.interval_h *
           (import_kw.dot(s.horizon.price_eur_per_kwh) +
            s.network.tie.slope_eur_per_kwh_kw / 2 * import_kw.squaredNorm());
}

std::string FeederSegment::explain() const {
    const State& s = *state_;
    if (s.missed.empty()) return {};
    return "the limits of " + s.network.name + " contradict each other in " +
           std::to_string(s.missed.size()) + " intervals, first in interval " +
           std::to_string(s.missed.front()) +
           ": widen its voltage band, ratings or import, or connect less fixed load";
}

}  // namespace kilter::prox
