#include "common/prox/feeder_newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/check.hpp"
#include "common/prox/radial.hpp"
#include "common/prox/sign_constrained.hpp"

namespace kilter::prox {

namespace {

using model::Schedules;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double newton_tolerance_kw = 1e-6;
constexpr std::size_t joining_max = 3;  // rows of one interval and round
constexpr int newton_rounds_max = 60;

/// A limit that takes part: row `row` of the network in interval t, held at its high (+1) or low (−1) end; a free row is
/// the tie's import, whose multiplier is its marginal price over the base price.
struct Row {
    std::size_t row = 0;
    Eigen::Index t = 0;
    double sign = 1;
    bool free = false;
};

bool linear(const model::Network& network) {
    return !network.losses &&
           std::all_of(network.buses.begin(), network.buses.end(),
                       [](const model::Bus& bus) {
                           return bus.shunt_p_kw == 0 && bus.shunt_q_kvar == 0;
                       }) &&
           std::all_of(network.branches.begin(), network.branches.end(),
                       [](const model::Branch& branch) {
                           return branch.ratio == 1 && branch.charging_kvar == 0;
                       });
}

}  // namespace

/// The network's rows (Radial: voltage drops, then flows) as sweeps over all intervals at once, scaled to Euclidean
/// norm 1: a row's value is a distance in kW.
struct FeederNewton::State {
    explicit State(const Feeder& feeder);

    void apply(const Schedules& from, Schedules& rows) const;
    void transpose(Schedules& rows, Schedules& to) const;
    [[nodiscard]] Eigen::VectorXd sensitivity(std::size_t row) const;
    void set_limits();
    void extend_gram(const std::vector<Eigen::MatrixXd>& response);
    void value_at_multipliers(const std::vector<Eigen::MatrixXd>& response);
    bool join_violated();

    const model::Network& network;
    const model::FeederHorizon& horizon;
    Radial radial;
    std::size_t buses, nets;
    Eigen::Index intervals;
    double slope;                 // Δ slope, EUR/kW²
    Eigen::VectorXd base_price;   // Δ price
    Eigen::RowVectorXd fixed_kw;  // at the tie, nobody drawing
    std::vector<std::size_t> parent, net_at;
    std::vector<double> drop;
    Eigen::VectorXd scale;  // 0: no net acts on the row
    Schedules low, high;    // rows × intervals

    // of a step
    std::vector<Row> joined;
    std::vector<bool> free;
    Eigen::MatrixXd gram;
    Eigen::VectorXd offset, multipliers;
    SignConstrained settle;
    Schedules unpriced, values_unpriced;  // d and rows without any multiplier
    Schedules lift, d, values;            // Aᵀμ, d and rows with them
};

FeederNewton::State::State(const Feeder& feeder)
    : network(feeder.network()),
      horizon(feeder.horizon()),
      radial(network),
      buses(network.buses.size()),
      nets(network.nets.size()),
      intervals(feeder.intervals()),
      slope(horizon.interval_h * network.tie.slope_eur_per_kwh_kw),
      base_price(horizon.interval_h * horizon.price_eur_per_kwh),
      drop(buses) {
    std::vector<std::size_t> position(buses, 0);
    for (std::size_t p = 0; p < buses; ++p)
        position[radial.bus_at(p)] = p;
    parent.assign(buses, 0);
    for (std::size_t p = 1; p < buses; ++p) {
        const model::Branch& branch = network.branches[p - 1];
        parent[p] = position[branch.from];
        drop[p] = 2 * branch.r_ohm / (1000 * network.base_kv * network.base_kv);
    }
    for (const model::Net& net : network.nets)
        net_at.push_back(position[net.bus]);
    const std::vector<double> norms = radial.norms();
    scale = Eigen::Map<const Eigen::VectorXd>(norms.data(), static_cast<Eigen::Index>(norms.size()))
                .unaryExpr([](double norm) { return norm > 0 ? 1 / norm : 0; });
    set_limits();
}

void FeederNewton::State::set_limits() {
    fixed_kw = horizon.fixed_p_kw.colwise().sum();
    const auto rows = static_cast<Eigen::Index>(2 * buses);
    low = Schedules::Constant(rows, intervals, -infinity);
    high = Schedules::Constant(rows, intervals, infinity);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const Radial::Base base =
            radial.base(horizon.fixed_p_kw.col(t), horizon.fixed_q_kvar.col(t));
        for (std::size_t p = 0; p < buses; ++p) {
            const auto at = static_cast<Eigen::Index>(p);
            const auto through = static_cast<Eigen::Index>(buses + p);
            const model::Bus& bus = network.buses[radial.bus_at(p)];
            if (scale[at] > 0) {
                low(at, t) = (base.v[p] - bus.v_max_pu * bus.v_max_pu) * scale[at];
                high(at, t) = (base.v[p] - bus.v_min_pu * bus.v_min_pu) * scale[at];
            }
            if (!(scale[through] > 0)) continue;
            double least = -network.tie.export_max_kw;
            double most = network.tie.import_max_kw;
            if (p > 0) {
                const double rating = network.branches[p - 1].rating_kva;
                most = std::sqrt(std::max(0.0, rating * rating - base.q[p] * base.q[p]));
                least = -most;
            }
            low(through, t) = (least - base.p[p]) * scale[through];
            high(through, t) = (most - base.p[p]) * scale[through];
        }
    }
}

/// rows ← A d
void FeederNewton::State::apply(const Schedules& from, Schedules& rows) const {
    const auto flow = [&](std::size_t p) { return rows.row(static_cast<Eigen::Index>(buses + p)); };
    rows.setZero(static_cast<Eigen::Index>(2 * buses), from.cols());
    for (std::size_t j = 0; j < nets; ++j)
        flow(net_at[j]) += from.row(static_cast<Eigen::Index>(j));
    for (std::size_t p = buses; p-- > 1;)
        flow(parent[p]) += flow(p);
    for (std::size_t p = 1; p < buses; ++p)
        rows.row(static_cast<Eigen::Index>(p)) =
            rows.row(static_cast<Eigen::Index>(parent[p])) + drop[p] * flow(p);
    rows.array().colwise() *= scale.array();
}

/// d ← Aᵀ rows; overwrites `rows`.
void FeederNewton::State::transpose(Schedules& rows, Schedules& to) const {
    const auto at = [&](std::size_t p) { return rows.row(static_cast<Eigen::Index>(p)); };
    rows.array().colwise() *= scale.array();
    for (std::size_t p = buses; p-- > 1;)
        at(parent[p]) += at(p);
    at(0) = at(buses);
    for (std::size_t p = 1; p < buses; ++p)
        at(p) = at(parent[p]) + drop[p] * at(p) + at(buses + p);
    to.resize(static_cast<Eigen::Index>(nets), rows.cols());
    for (std::size_t j = 0; j < nets; ++j)
        to.row(static_cast<Eigen::Index>(j)) = at(net_at[j]);
}

Eigen::VectorXd FeederNewton::State::sensitivity(std::size_t row) const {
    Schedules unit = Schedules::Zero(static_cast<Eigen::Index>(2 * buses), 1);
    unit(static_cast<Eigen::Index>(row), 0) = 1;
    Schedules out;
    transpose(unit, out);
    return out.col(0);
}

/// Gram's columns, offsets and multipliers of the rows that joined last.
void FeederNewton::State::extend_gram(const std::vector<Eigen::MatrixXd>& response) {
    const Eigen::Index before = gram.rows();
    const auto now = static_cast<Eigen::Index>(joined.size());
    gram.conservativeResize(now, now);
    offset.conservativeResize(now);
    multipliers.conservativeResize(now);
    Schedules answer(static_cast<Eigen::Index>(nets), intervals);
    Schedules effect;
    for (Eigen::Index i = before; i < now; ++i) {
        const Row& row = joined[static_cast<std::size_t>(i)];
        const auto at = static_cast<Eigen::Index>(row.row);
        const Eigen::VectorXd net = sensitivity(row.row);
        for (Eigen::Index j = 0; j < answer.rows(); ++j)
            answer.row(j) = net[j] * response[static_cast<std::size_t>(j)].row(row.t);
        apply(answer, effect);
        for (Eigen::Index k = 0; k <= i; ++k) {
            const Row& other = joined[static_cast<std::size_t>(k)];
            gram(k, i) = gram(i, k) =
                row.sign * other.sign * effect(static_cast<Eigen::Index>(other.row), other.t);
        }
        const double value = values_unpriced(at, row.t);
        multipliers[i] = 0;
        if (row.free) {  // λ − base price = Δ slope · import
            gram(i, i) += scale[at] * scale[at] / slope;
            offset[i] = value + fixed_kw[row.t] * scale[at];
        } else {
            offset[i] = row.sign > 0 ? value - high(at, row.t) : low(at, row.t) - value;
        }
    }
}

void FeederNewton::State::value_at_multipliers(const std::vector<Eigen::MatrixXd>& response) {
    Schedules rows = Schedules::Zero(static_cast<Eigen::Index>(2 * buses), intervals);
    for (std::size_t i = 0; i < joined.size(); ++i)
        rows(static_cast<Eigen::Index>(joined[i].row), joined[i].t) +=
            joined[i].sign * multipliers[static_cast<Eigen::Index>(i)];
    transpose(rows, lift);
    d = unpriced;
    for (Eigen::Index j = 0; j < d.rows(); ++j)
        d.row(j).transpose().noalias() -=
            response[static_cast<std::size_t>(j)] * lift.row(j).transpose();
    apply(d, values);
}

/// The worst rows of every interval that are not there yet; whether there were any.
bool FeederNewton::State::join_violated() {
    struct Violation {
        double by;
        Row row;
    };

    const std::size_t before = joined.size();
    std::vector<Violation> found;
    for (Eigen::Index t = 0; t < intervals; ++t) {
        found.clear();
        for (Eigen::Index r = 0; r < values.rows(); ++r) {
            const double above = values(r, t) - high(r, t);
            const double below = low(r, t) - values(r, t);
            if (std::max(above, below) > newton_tolerance_kw)
                found.push_back({std::max(above, below),
                                 {static_cast<std::size_t>(r), t, above > below ? 1.0 : -1.0}});
        }
        std::erase_if(found, [&](const Violation& one) {
            return std::any_of(joined.begin(), joined.begin() + static_cast<std::ptrdiff_t>(before),
                               [&](const Row& row) {
                                   return !row.free && row.row == one.row.row && row.t == t &&
                                          row.sign == one.row.sign;
                               });
        });
        const auto most = std::min(found.size(), joining_max);
        std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(most),
                          found.end(),
                          [](const Violation& a, const Violation& b) { return a.by > b.by; });
        for (std::size_t k = 0; k < most; ++k)
            joined.push_back(found[k].row);
    }
    return joined.size() > before;
}

FeederNewton::FeederNewton(Feeder& feeder) : feeder_(feeder) {}

FeederNewton::~FeederNewton() = default;

Schedules FeederNewton::marginal_price() const {
    const model::FeederHorizon& horizon = feeder_.horizon();
    const double slope = feeder_.network().tie.slope_eur_per_kwh_kw;
    Schedules out = Schedules::Zero(rows(), intervals());
    for (Eigen::Index row = 0; row < rows(); row += channels())
        out.row(row) = horizon.interval_h * (horizon.price_eur_per_kwh.transpose() +
                                             slope * horizon.fixed_p_kw.colwise().sum());
    return out;
}

bool FeederNewton::price_step(const Schedules& price,
                              const Schedules& demand_kw,
                              const std::vector<Eigen::MatrixXd>& response,
                              Schedules& next_price,
                              Schedules& delivery_kw) {
    if (channels() != 1 || !linear(feeder_.network())) return false;
    if (!state_) state_ = std::make_unique<State>(feeder_);
    State& s = *state_;
    KILTER_CHECK(price.rows() == rows() && demand_kw.rows() == rows() &&
                     response.size() == static_cast<std::size_t>(rows()),
                 "one row per net");
    s.unpriced = demand_kw;
    for (Eigen::Index j = 0; j < rows(); ++j)
        s.unpriced.row(j).transpose().noalias() +=
            response[static_cast<std::size_t>(j)] * (price.row(j).transpose() - s.base_price);
    s.apply(s.unpriced, s.values_unpriced);

    // Rows that bound in the step before are likely to bind again.
    std::vector<Row> kept;
    std::vector<double> start;
    for (std::size_t i = 0; i < s.joined.size(); ++i)
        if (s.joined[i].free || s.multipliers[static_cast<Eigen::Index>(i)] > 0) {
            kept.push_back(s.joined[i]);
            start.push_back(s.multipliers[static_cast<Eigen::Index>(i)]);
        }
    if (kept.empty() && s.slope > 0)
        for (Eigen::Index t = 0; t < intervals(); ++t)
            kept.push_back({s.buses, t, 1, true});
    start.resize(kept.size());
    s.joined = std::move(kept);
    s.gram.resize(0, 0);

    bool settled = true;
    for (int round = 0; round < newton_rounds_max; ++round) {
        s.extend_gram(response);
        if (round == 0)
            s.multipliers = Eigen::Map<const Eigen::VectorXd>(
                start.data(), static_cast<Eigen::Index>(start.size()));
        s.free.clear();
        for (const Row& row : s.joined)
            s.free.push_back(row.free);
        settled = s.settle.solve(s.gram, s.offset, s.free, s.multipliers);
        s.value_at_multipliers(response);
        if (!settled || !s.join_violated()) break;
    }
    if (!settled || !s.d.allFinite() || !s.lift.allFinite()) {
        s.joined.clear();
        return false;
    }
    s.multipliers.conservativeResize(static_cast<Eigen::Index>(s.joined.size()));
    next_price = s.lift.rowwise() + s.base_price.transpose();
    delivery_kw = s.d;
    return true;
}

}  // namespace kilter::prox
