#include "common/prox/piece_newton.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "common/base/check.hpp"
#include "common/prox/radial.hpp"
#include "common/prox/sign_constrained.hpp"

namespace kilter::prox {

namespace {

using model::Schedules;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double newton_tolerance_kw = 1e-6;
constexpr std::size_t joining_max = 3;  // rows of one interval and round

/// What a row's multiplier is due to.
enum class Holder : std::uint8_t {
    limit,  ///< it is kept to its high (sign +1) or low (−1) end
    tie,    ///< the import's marginal price over the base price
    port,   ///< the other pieces: of all that flows in, or of an end's voltage; in its own unit
};

/// Row `row` of the network in interval t.
struct Row {
    std::size_t row = 0;
    Eigen::Index t = 0;
    double sign = 1;
    Holder holder = Holder::limit;
};

model::Network with_ends(model::Network network, const std::vector<std::size_t>& ends) {
    for (const std::size_t bus : ends)
        network.nets.push_back({"end", bus});
    return network;
}

}  // namespace

/// The network's rows (Radial: voltage drops, then flows) as sweeps over all intervals at once, scaled to Euclidean
/// norm 1: a row's value is a distance in kW. Its nets are the piece's, then the ends.
struct PieceNewton::State {
    State(model::Network piece,
          model::FeederHorizon series,
          const std::vector<std::size_t>& end_buses,
          bool below);

    void apply(const Schedules& from, Schedules& rows) const;
    void transpose(Schedules& rows, Schedules& to) const;
    [[nodiscard]] Eigen::VectorXd sensitivity(std::size_t row) const;
    void set_limits();
    void start_rows();
    void set_responses(const std::vector<model::Response>& from);
    void extend();
    void extend_gram();
    [[nodiscard]] LevelGram level_gram() const;
    void value_at_multipliers();
    bool join();
    bool join_violated();
    void look_ahead();
    void keep(const std::vector<Eigen::Index>& rows);
    [[nodiscard]] double excess(const Row& row) const;
    [[nodiscard]] double unit(const Row& row) const;

    model::Network network;
    model::FeederHorizon horizon;
    bool hangs;
    std::size_t own_nets;
    Radial radial;
    std::size_t buses, nets;
    Eigen::Index intervals;
    double slope;                 // Δ slope, EUR/kW²
    Eigen::VectorXd base_price;   // Δ price
    Eigen::RowVectorXd fixed_kw;  // of the piece, nobody drawing
    std::vector<std::size_t> parent, net_at;
    std::vector<double> drop;
    Eigen::VectorXd scale;            // 0: no net acts on the row
    Schedules low, high;              // rows × intervals
    Schedules fallen;                 // ends × intervals: of squared voltage, nobody drawing
    std::vector<std::size_t> end_at;  // positions

    // of a step
    Schedules over_base, demand;  // prices over the base price, and what nets draw there
    std::vector<model::Response> response;
    bool level = false;       // a whole feeder's, all of them
    std::vector<Row> joined;  // ports first
    Eigen::Index ports = 0;
    Eigen::MatrixXd gram;  // not of level responses
    Eigen::VectorXd multipliers;
    Schedules unpriced, values_unpriced;  // d and rows without any multiplier, f or g
    Schedules lift, d, values;            // Aᵀμ, d and rows with them
    Schedules end_flow;                   // f
    Eigen::RowVectorXd start;             // g
};

PieceNewton::State::State(model::Network piece,
                          model::FeederHorizon series,
                          const std::vector<std::size_t>& end_buses,
                          bool below)
    : network(with_ends(std::move(piece), end_buses)),
      horizon(std::move(series)),
      hangs(below),
      own_nets(network.nets.size() - end_buses.size()),
      radial(network),
      buses(network.buses.size()),
      nets(network.nets.size()),
      intervals(horizon.fixed_p_kw.cols()),
      slope(hangs ? 0 : horizon.interval_h * network.tie.slope_eur_per_kwh_kw),
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
    end_at.assign(net_at.begin() + static_cast<std::ptrdiff_t>(own_nets), net_at.end());
    const std::vector<double> norms = radial.norms();
    scale = Eigen::Map<const Eigen::VectorXd>(norms.data(), static_cast<Eigen::Index>(norms.size()))
                .unaryExpr([](double norm) { return norm > 0 ? 1 / norm : 0; });
    set_limits();
}

void PieceNewton::State::set_limits() {
    fixed_kw = horizon.fixed_p_kw.colwise().sum();
    const auto rows = static_cast<Eigen::Index>(2 * buses);
    low = Schedules::Constant(rows, intervals, -infinity);
    high = Schedules::Constant(rows, intervals, infinity);
    fallen.resize(static_cast<Eigen::Index>(end_at.size()), intervals);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const Radial::Base base =
            radial.base(horizon.fixed_p_kw.col(t), horizon.fixed_q_kvar.col(t));
        for (std::size_t k = 0; k < end_at.size(); ++k)
            fallen(static_cast<Eigen::Index>(k), t) = base.v.front() - base.v[end_at[k]];
        for (std::size_t p = 0; p < buses; ++p) {
            const auto voltage = static_cast<Eigen::Index>(p);
            const auto through = static_cast<Eigen::Index>(buses + p);
            const model::Bus& bus = network.buses[radial.bus_at(p)];
            if (scale[voltage] > 0) {
                low(voltage, t) = (base.v[p] - bus.v_max_pu * bus.v_max_pu) * scale[voltage];
                high(voltage, t) = (base.v[p] - bus.v_min_pu * bus.v_min_pu) * scale[voltage];
            }
            if (!(scale[through] > 0) || (p == 0 && hangs)) continue;
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
void PieceNewton::State::apply(const Schedules& from, Schedules& rows) const {
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
void PieceNewton::State::transpose(Schedules& rows, Schedules& to) const {
    const auto row = [&](std::size_t p) { return rows.row(static_cast<Eigen::Index>(p)); };
    rows.array().colwise() *= scale.array();
    for (std::size_t p = buses; p-- > 1;)
        row(parent[p]) += row(p);
    row(0) = row(buses);
    for (std::size_t p = 1; p < buses; ++p)
        row(p) = row(parent[p]) + drop[p] * row(p) + row(buses + p);
    to.resize(static_cast<Eigen::Index>(nets), rows.cols());
    for (std::size_t j = 0; j < nets; ++j)
        to.row(static_cast<Eigen::Index>(j)) = row(net_at[j]);
}

Eigen::VectorXd PieceNewton::State::sensitivity(std::size_t row) const {
    Schedules unit = Schedules::Zero(static_cast<Eigen::Index>(2 * buses), 1);
    unit(static_cast<Eigen::Index>(row), 0) = 1;
    Schedules out;
    transpose(unit, out);
    return out.col(0);
}

/// What a value of the row is multiplied by: ports are not scaled.
double PieceNewton::State::unit(const Row& row) const {
    const double by = scale[static_cast<Eigen::Index>(row.row)];
    return row.holder != Holder::port || by == 0 ? 1 : 1 / by;
}

/// The ports, and the rows that bound in the step before; in a piece also those that took part in any: rows that join cost the
/// owners an exchange, rows that are there already only numbers.
void PieceNewton::State::start_rows() {
    std::vector<Row> kept;
    std::vector<double> before;
    for (std::size_t i = 0; i < joined.size(); ++i) {
        const double multiplier = multipliers[static_cast<Eigen::Index>(i)];
        if (ports == 0 && joined[i].holder == Holder::limit && !(multiplier > 0)) continue;
        kept.push_back(joined[i]);
        before.push_back(multiplier);
    }
    if (kept.empty()) {
        for (Eigen::Index t = 0; hangs && t < intervals; ++t)
            kept.push_back({buses, t, 1, Holder::port});
        for (const std::size_t end : end_at)
            for (Eigen::Index t = 0; t < intervals; ++t)
                kept.push_back({end, t, 1, Holder::port});
        ports = static_cast<Eigen::Index>(kept.size());
        for (Eigen::Index t = 0; slope > 0 && t < intervals; ++t)
            kept.push_back({buses, t, 1, Holder::tie});
        before.resize(kept.size());
        end_flow.setZero(static_cast<Eigen::Index>(end_at.size()), intervals);
        start.setZero(intervals);
    }
    joined = std::move(kept);
    multipliers =
        Eigen::Map<const Eigen::VectorXd>(before.data(), static_cast<Eigen::Index>(before.size()));
}

/// What nets draw without any multiplier, and all effects of the rows that take part; a piece looks ahead.
void PieceNewton::State::set_responses(const std::vector<model::Response>& from) {
    KILTER_CHECK(from.size() == own_nets, "one response per net");
    response = from;
    level = ports == 0 && std::all_of(response.begin(), response.end(),
                                      [](const model::Response& one) { return one.is_level(); });
    unpriced.setZero(static_cast<Eigen::Index>(nets), intervals);
    for (std::size_t j = 0; j < own_nets; ++j) {
        const auto row = static_cast<Eigen::Index>(j);
        unpriced.row(row).transpose() =
            demand.row(row).transpose() + response[j].times(over_base.row(row).transpose());
    }
    d = unpriced;
    apply(unpriced, values_unpriced);
    gram.resize(0, 0);
    extend();
    if (ports == 0) return;
    value_at_multipliers();
    join();
}

/// For the rows that joined last.
void PieceNewton::State::extend() {
    const auto now = static_cast<Eigen::Index>(joined.size());
    const Eigen::Index known = multipliers.size();
    multipliers.conservativeResize(now);
    multipliers.tail(now - known).setZero();
    if (!level) extend_gram();
}

/// Gram's columns of the rows that joined last.
void PieceNewton::State::extend_gram() {
    const Eigen::Index before = gram.rows();
    const auto now = static_cast<Eigen::Index>(joined.size());
    gram.conservativeResize(now, now);
    Schedules answer = Schedules::Zero(static_cast<Eigen::Index>(nets), intervals);
    Schedules effect;
    for (Eigen::Index i = before; i < now; ++i) {
        const Row& row = joined[static_cast<std::size_t>(i)];
        const Eigen::VectorXd net = sensitivity(row.row);
        for (std::size_t j = 0; j < own_nets; ++j) {
            const auto to = static_cast<Eigen::Index>(j);
            answer.row(to) = net[to] * response[j].column(row.t).transpose();
        }
        apply(answer, effect);
        for (Eigen::Index k = 0; k <= i; ++k) {
            const Row& other = joined[static_cast<std::size_t>(k)];
            gram(k, i) = gram(i, k) = row.sign * unit(row) * other.sign * unit(other) *
                                      effect(static_cast<Eigen::Index>(other.row), other.t);
        }
        if (row.holder == Holder::tie) {  // λ − base price = Δ slope · import
            const double by = scale[static_cast<Eigen::Index>(row.row)];
            gram(i, i) += by * by / slope;
        }
    }
}

LevelGram PieceNewton::State::level_gram() const {
    LevelGram out;
    std::map<std::size_t, Eigen::Index> distinct;
    for (const Row& row : joined) {
        const auto next = static_cast<Eigen::Index>(distinct.size());
        LevelGram::Row one{.distinct = distinct.try_emplace(row.row, next).first->second,
                           .interval = row.t,
                           .sign = row.sign};
        if (row.holder == Holder::tie) {
            const double by = scale[static_cast<Eigen::Index>(row.row)];
            one.more = by * by / slope;
        }
        out.rows.push_back(one);
    }
    Eigen::MatrixXd sensitivities(static_cast<Eigen::Index>(nets),
                                  static_cast<Eigen::Index>(distinct.size()));
    for (const auto& [row, at] : distinct)
        sensitivities.col(at) = sensitivity(row);
    Eigen::VectorXd own(sensitivities.rows()), shared(sensitivities.rows());
    for (std::size_t j = 0; j < own_nets; ++j) {
        own[static_cast<Eigen::Index>(j)] = response[j].own();
        shared[static_cast<Eigen::Index>(j)] = response[j].shared();
    }
    out.own = sensitivities.transpose() * own.asDiagonal() * sensitivities;
    out.shared = sensitivities.transpose() * shared.asDiagonal() * sensitivities;
    return out;
}

void PieceNewton::State::value_at_multipliers() {
    Schedules rows = Schedules::Zero(static_cast<Eigen::Index>(2 * buses), intervals);
    for (std::size_t i = 0; i < joined.size(); ++i)
        rows(static_cast<Eigen::Index>(joined[i].row), joined[i].t) +=
            joined[i].sign * unit(joined[i]) * multipliers[static_cast<Eigen::Index>(i)];
    transpose(rows, lift);
    for (std::size_t j = 0; j < own_nets; ++j) {
        const auto row = static_cast<Eigen::Index>(j);
        d.row(row).transpose() =
            unpriced.row(row).transpose() - response[j].times(lift.row(row).transpose());
    }
    d.bottomRows(end_flow.rows()) = end_flow;
    apply(d, values);
    const auto voltages = static_cast<Eigen::Index>(buses);
    values.topRows(voltages) += scale.head(voltages) * start;
}

/// Of a limit, over it, kW.
double PieceNewton::State::excess(const Row& row) const {
    const auto at = static_cast<Eigen::Index>(row.row);
    return row.sign > 0 ? values(at, row.t) - high(at, row.t) : low(at, row.t) - values(at, row.t);
}

/// The worst rows of every interval that are not there yet; whether there were any.
bool PieceNewton::State::join_violated() {
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
                                   return row.holder == Holder::limit && row.row == one.row.row &&
                                          row.t == t && row.sign == one.row.sign;
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

/// Whether there were rows to join.
bool PieceNewton::State::join() {
    if (!join_violated()) return false;
    if (ports > 0)
        look_ahead();
    else
        extend();
    return true;
}

/// With the multipliers of the limits as they would be if those of ports and tie, f and g stayed: rows join until none is
/// violated. What was violated as heard takes part, of the others those that bind in the end.
void PieceNewton::State::look_ahead() {
    const auto heard = static_cast<Eigen::Index>(joined.size());
    SignConstrained solver;
    do {
        extend();
        std::vector<Eigen::Index> limits;
        for (Eigen::Index i = ports; i < gram.rows(); ++i)
            if (joined[static_cast<std::size_t>(i)].holder == Holder::limit) limits.push_back(i);
        const Eigen::MatrixXd effects = gram(limits, limits);
        Eigen::VectorXd own = multipliers(limits);
        Eigen::VectorXd offset = effects * own;
        for (std::size_t i = 0; i < limits.size(); ++i)
            offset[static_cast<Eigen::Index>(i)] +=
                excess(joined[static_cast<std::size_t>(limits[i])]);
        if (!solver.solve(effects, offset, std::vector<bool>(limits.size()), own) ||
            !own.allFinite())
            break;
        multipliers(limits) = own;
        value_at_multipliers();
    } while (join_violated());
    std::vector<Eigen::Index> kept;
    for (Eigen::Index i = 0; i < gram.rows(); ++i)
        if (i < heard || multipliers[i] > 0) kept.push_back(i);
    keep(kept);
}

void PieceNewton::State::keep(const std::vector<Eigen::Index>& rows) {
    std::vector<Row> kept;
    kept.reserve(rows.size());
    for (const Eigen::Index i : rows)
        kept.push_back(joined[static_cast<std::size_t>(i)]);
    joined = std::move(kept);
    multipliers = multipliers(rows).eval();
    gram = gram(rows, rows).eval();
}

PieceNewton::PieceNewton(model::Network network,
                         model::FeederHorizon horizon,
                         const std::vector<std::size_t>& ends,
                         bool hangs) {
    KILTER_CHECK(linear(network), "the price step is known for the linear network alone");
    state_ = std::make_unique<State>(std::move(network), std::move(horizon), ends, hangs);
}

PieceNewton::PieceNewton(PieceNewton&&) noexcept = default;
PieceNewton& PieceNewton::operator=(PieceNewton&&) noexcept = default;
PieceNewton::~PieceNewton() = default;

bool PieceNewton::linear(const model::Network& network) {
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

void PieceNewton::begin(const Schedules& price,
                        const Schedules& demand_kw,
                        const std::vector<model::Response>& response) {
    State& s = *state_;
    const auto own = static_cast<Eigen::Index>(s.own_nets);
    KILTER_CHECK(price.rows() == own && demand_kw.rows() == own, "one row per net");
    s.over_base = price.rowwise() - s.base_price.transpose();
    s.demand = demand_kw;
    s.start_rows();
    s.set_responses(response);
}

void PieceNewton::change_responses(const std::vector<model::Response>& response) {
    state_->set_responses(response);
}

PieceRows PieceNewton::rows() const {
    const State& s = *state_;
    const auto ends = static_cast<Eigen::Index>(s.end_at.size());
    const auto count = static_cast<Eigen::Index>(s.joined.size());
    PieceRows out{{}, Eigen::VectorXd(count), s.gram, {}, Eigen::MatrixXd(ends, ends)};
    if (s.level) out.level = s.level_gram();
    for (Eigen::Index i = 0; i < count; ++i) {
        const Row& row = s.joined[static_cast<std::size_t>(i)];
        const auto at = static_cast<Eigen::Index>(row.row);
        const double value = s.values_unpriced(at, row.t) * s.unit(row);
        if (row.holder == Holder::limit) {
            out.value[i] = row.sign > 0 ? value - s.high(at, row.t) : s.low(at, row.t) - value;
        } else if (row.row == s.buses) {
            out.value[i] = value + s.fixed_kw[row.t] * s.scale[at] * s.unit(row);
        } else {
            const auto end = std::find(s.end_at.begin(), s.end_at.end(), row.row);
            out.value[i] = value + s.fallen(end - s.end_at.begin(), row.t);
        }
        if (i < s.ports) continue;
        out.rows.push_back({row.t, row.holder == Holder::tie, s.multipliers[i],
                            row.row < s.buses ? row.sign * s.scale[at] : 0, Eigen::VectorXd(ends)});
        if (ends > 0) out.rows.back().of_end_flow = row.sign * s.sensitivity(row.row).tail(ends);
    }
    for (Eigen::Index k = 0; k < ends; ++k) {
        const std::size_t row = s.end_at[static_cast<std::size_t>(k)];
        out.end_drop.row(k) =
            s.sensitivity(row).tail(ends).transpose() * s.unit({row, 0, 1, Holder::port});
    }
    return out;
}

bool PieceNewton::hear(const PieceStep& step) {
    State& s = *state_;
    const auto ends = static_cast<Eigen::Index>(s.end_at.size());
    KILTER_CHECK(step.multipliers.size() == s.multipliers.size() && step.end_flow.rows() == ends &&
                     step.start.size() == s.intervals,
                 "the step has another shape than what was said");
    s.multipliers = step.multipliers;
    s.end_flow = step.end_flow;
    s.start = step.start;
    s.value_at_multipliers();
    return s.join();
}

std::vector<std::uint64_t> PieceNewton::memory() const {
    const State& s = *state_;
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < s.joined.size(); ++i) {
        const Row& row = s.joined[i];
        const double multiplier = s.multipliers[static_cast<Eigen::Index>(i)];
        if (row.holder == Holder::limit && !(multiplier > 0)) continue;
        out.push_back(std::uint64_t{row.row} << 32 | static_cast<std::uint64_t>(row.t) << 8 |
                      (row.sign < 0 ? 2U : 0U) | (row.holder == Holder::tie ? 1U : 0U));
        out.push_back(std::bit_cast<std::uint64_t>(multiplier));
    }
    return out.size() > 2 * remembered_max ? std::vector<std::uint64_t>() : out;
}

void PieceNewton::recall(std::span<const std::uint64_t> memory) {
    State& s = *state_;
    s.joined.clear();
    s.multipliers.resize(static_cast<Eigen::Index>(memory.size() / 2));
    std::set<std::uint64_t> told;
    bool sound = memory.size() % 2 == 0 && memory.size() <= 2 * remembered_max;
    for (std::size_t i = 0; sound && 2 * i < memory.size(); ++i) {
        const std::uint64_t word = memory[2 * i];
        const auto multiplier = std::bit_cast<double>(memory[2 * i + 1]);
        const Row row{static_cast<std::size_t>(word >> 32),
                      static_cast<Eigen::Index>(word >> 8 & 0xFFFFFF), (word & 2) != 0 ? -1.0 : 1.0,
                      (word & 1) != 0 ? Holder::tie : Holder::limit};
        sound = word % 256 < 4 && row.row < 2 * s.buses && row.t < s.intervals &&
                std::isfinite(multiplier) && told.insert(word).second;
        if (!sound) break;
        const auto at = static_cast<Eigen::Index>(row.row);
        sound = row.holder == Holder::tie
                    ? s.slope > 0 && row.row == s.buses && row.sign > 0
                    : multiplier > 0 &&
                          std::isfinite(row.sign > 0 ? s.high(at, row.t) : s.low(at, row.t));
        s.joined.push_back(row);
        s.multipliers[static_cast<Eigen::Index>(i)] = multiplier;
    }
    const auto ties = std::count_if(s.joined.begin(), s.joined.end(),
                                    [](const Row& row) { return row.holder == Holder::tie; });
    if (!sound || (s.slope > 0 && ties != s.intervals)) s.joined.clear();
}

void PieceNewton::forget() {
    state_->joined.clear();
}

Schedules PieceNewton::prices() const {
    const auto own = static_cast<Eigen::Index>(state_->own_nets);
    return state_->lift.topRows(own).rowwise() + state_->base_price.transpose();
}

Schedules PieceNewton::deliveries() const {
    return state_->d.topRows(static_cast<Eigen::Index>(state_->own_nets));
}

const Eigen::RowVectorXd& PieceNewton::fixed_kw() const {
    return state_->fixed_kw;
}

}  // namespace kilter::prox
