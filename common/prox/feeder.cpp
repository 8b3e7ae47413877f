#include "common/prox/feeder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "common/base/check.hpp"
#include "common/prox/limited_flow.hpp"

namespace kilter::prox {

namespace {

constexpr std::size_t named_max = 5;
constexpr double missed_kw = 1e-6;  // distance by which a limit that gives is missed
constexpr double loose_eur_per_kwh = 1e-6;

/// A limit that is not kept in an interval, or, without one, a power flow that has no solution.
struct Conflict {
    std::size_t t = 0;
    const Limit* limit = nullptr;
    double value = 0;
    std::size_t position = 0;
};

}  // namespace

struct Feeder::State {
    State(model::Network network_in, model::FeederHorizon horizon_in, std::size_t channels_in);

    void use(const Eigen::VectorXd& penalty_in);
    /// What is drawn in interval t: fixed loads and deliveries −x.
    void load(std::size_t t, const model::Schedules& x, Sources& out) const;
    void collect_conflicts(std::size_t t);
    /// By how much a limit is missed: of what is delivered, kW.
    [[nodiscard]] double by(const Conflict& conflict) const;
    [[nodiscard]] std::size_t intervals_missed() const;
    [[nodiscard]] std::string describe(const Conflict& conflict) const;
    [[nodiscard]] std::string what(const Conflict& conflict) const;
    /// Calls visit(t, flows) with the flows that x causes.
    template <class Visit>
    void visit_flows(const model::Schedules& x, Visit visit) const;

    /// Nobody asks a net for more than this in earnest. A home that lies must not carry the other nets' prices away
    /// with its own, and limits that give at a price would let it.
    [[nodiscard]] double serious_kw() const;

    model::Network network;
    model::FeederHorizon horizon;
    std::size_t channels, nets, intervals;
    mutable LimitedFlow flow;  // a workspace; what it answers does not depend on what it was asked
    std::vector<Point> points;
    std::vector<Conflict> conflicts;
    Eigen::VectorXd penalty;
    Sources sources;
    double target_max;
    model::Schedules asked;
};

Feeder::State::State(model::Network network_in,
                     model::FeederHorizon horizon_in,
                     std::size_t channels_in)
    : network(std::move(network_in)),
      horizon(std::move(horizon_in)),
      channels(channels_in),
      nets(network.nets.size()),
      intervals(static_cast<std::size_t>(horizon.price_eur_per_kwh.size())),
      flow(network, channels, horizon.interval_h),
      points(intervals, flow.start()),
      sources(network.buses.size()),
      target_max(serious_kw()) {
    const auto t_count = static_cast<Eigen::Index>(intervals);
    const auto bus_count = static_cast<Eigen::Index>(network.buses.size());
    KILTER_CHECK(channels == 1 || channels == 2, "active power, or active and reactive power");
    KILTER_CHECK(intervals > 0 && horizon.interval_h > 0, "a feeder needs a horizon");
    KILTER_CHECK(horizon.fixed_p_kw.rows() == bus_count && horizon.fixed_p_kw.cols() == t_count &&
                     horizon.fixed_q_kvar.rows() == bus_count &&
                     horizon.fixed_q_kvar.cols() == t_count,
                 "the horizon is of another network");
}

double Feeder::State::serious_kw() const {
    double carried = horizon.fixed_p_kw.cwiseAbs().colwise().sum().maxCoeff();
    for (const double limit : {network.tie.import_max_kw, network.tie.export_max_kw})
        if (std::isfinite(limit)) carried += limit;
    return 1e4 + 10 * carried;
}

void Feeder::State::use(const Eigen::VectorXd& penalty_in) {
    if (penalty.size() == penalty_in.size() && penalty == penalty_in) return;
    penalty = penalty_in;
    std::vector<double> yields_p(network.buses.size());
    std::vector<double> yields_q(network.buses.size());
    for (std::size_t j = 0; j < nets; ++j) {
        const std::size_t at = flow.tree().position_of_net(j);
        yields_p[at] += 1 / penalty[static_cast<Eigen::Index>(j * channels)];
        if (channels == 2) yields_q[at] += 1 / penalty[static_cast<Eigen::Index>(j * 2 + 1)];
    }
    flow.set_yields(std::move(yields_p), std::move(yields_q));
}

void Feeder::State::load(std::size_t t, const model::Schedules& x, Sources& out) const {
    const auto column = static_cast<Eigen::Index>(t);
    const FlowTree& tree = flow.tree();
    for (std::size_t p = 0; p < tree.positions(); ++p) {
        const auto bus = static_cast<Eigen::Index>(tree.bus_at(p));
        out.p[p] = horizon.fixed_p_kw(bus, column);
        out.q[p] = horizon.fixed_q_kvar(bus, column);
    }
    for (std::size_t j = 0; j < nets; ++j) {
        const std::size_t at = tree.position_of_net(j);
        const auto row = static_cast<Eigen::Index>(j * channels);
        out.p[at] -= x(row, column);
        if (channels == 2) out.q[at] -= x(row + 1, column);
    }
    out.v_root = network.v_root_pu * network.v_root_pu;
    out.energy = horizon.interval_h * horizon.price_eur_per_kwh[column];
    out.slope = horizon.interval_h * network.tie.slope_eur_per_kwh_kw;
}

void Feeder::State::collect_conflicts(std::size_t t) {
    const Point& point = points[t];
    if (!point.settled) {
        std::size_t lowest = 0;
        for (std::size_t p = 1; p < point.flows.v.size(); ++p)
            if (!(point.flows.v[p] >= point.flows.v[lowest])) lowest = p;
        conflicts.push_back({t, nullptr, 0, lowest});
    }
    const auto check = [&](const Limit& limit, double slack) {
        const double value = flow.value(limit, point.flows);
        if (value > limit.high + slack || value < limit.low - slack)
            conflicts.push_back({t, &limit, value, limit.position});
    };
    for (const Binding& b : point.bindings) {
        const Limit& limit = flow.limits()[b.limit];
        if (b.held) check(limit, missed_kw / limit.scale);
    }
    for (const Limit& limit : flow.limits())
        if (limit.scale == 0) check(limit, 1e-9 * std::max(1.0, std::abs(limit.high)));
}

double Feeder::State::by(const Conflict& c) const {
    if (c.limit == nullptr) return std::numeric_limits<double>::infinity();
    const double missed = std::max(c.value - c.limit->high, c.limit->low - c.value);
    return missed * (c.limit->scale > 0 ? c.limit->scale : 1);
}

std::size_t Feeder::State::intervals_missed() const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < conflicts.size(); ++i)  // those of an interval are together
        out += i == 0 || conflicts[i].t != conflicts[i - 1].t;
    return out;
}

std::string Feeder::State::describe(const Conflict& c) const {
    return what(c) + " in interval " + std::to_string(c.t);
}

std::string Feeder::State::what(const Conflict& c) const {
    char text[128];
    if (c.limit == nullptr)
        return "bus " + network.buses[flow.tree().bus_at(c.position)].name +
               ": its voltage collapses under the load";
    const Limit& limit = *c.limit;
    const double missed = c.value > limit.high ? limit.high : limit.low;
    const char* side = c.value < missed ? "below" : "above";
    if (limit.kind == Limit::Kind::voltage) {
        std::snprintf(text, sizeof text, ": %.5f pu, %s %.5f pu", std::sqrt(std::max(0.0, c.value)),
                      side, std::sqrt(missed));
        return "bus " + network.buses[flow.tree().bus_at(limit.position)].name + text;
    }
    if (limit.kind == Limit::Kind::tie) {
        std::snprintf(text, sizeof text, "import at the tie: %.3f kW, %s %.3f kW", c.value, side,
                      missed);
        return text;
    }
    std::snprintf(text, sizeof text, ": %.3f kVA, above its rating of %.3f kVA", c.value, missed);
    return "branch " + network.branches[limit.position - 1].name + text;
}

template <class Visit>
void Feeder::State::visit_flows(const model::Schedules& x, Visit visit) const {
    FlowTree tree(network);
    Sources all(tree.positions());
    Flows flows(tree.positions());
    for (std::size_t t = 0; t < intervals; ++t) {
        load(t, x, all);
        all.energy = all.slope = 0;
        tree.settle(all, flows);
        visit(static_cast<Eigen::Index>(t), flows);
    }
}

Feeder::Feeder(model::Network network, model::FeederHorizon horizon, Eigen::Index channels)
    : state_(std::make_unique<State>(
          std::move(network), std::move(horizon), static_cast<std::size_t>(channels))) {}

Feeder::~Feeder() = default;

Eigen::Index Feeder::rows() const {
    return static_cast<Eigen::Index>(state_->nets * state_->channels);
}

Eigen::Index Feeder::channels() const {
    return static_cast<Eigen::Index>(state_->channels);
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
        "a feeder has one row per net and channel");
    KILTER_CHECK((penalty.array() > 0).all(), "penalties are positive");
    s.use(penalty);
    s.conflicts.clear();
    s.asked = target.cwiseMax(-s.target_max).cwiseMin(s.target_max);
    x.resize(rows(), intervals());
    for (std::size_t t = 0; t < s.intervals; ++t) {
        Point& point = s.points[t];
        s.load(t, s.asked, s.sources);
        s.flow.solve(s.sources, point);
        s.collect_conflicts(t);
        const auto column = static_cast<Eigen::Index>(t);
        for (std::size_t j = 0; j < s.nets; ++j) {
            const std::size_t at = s.flow.tree().position_of_net(j);
            const auto row = static_cast<Eigen::Index>(j * s.channels);
            x(row, column) = s.asked(row, column) + point.prices.p[at] / penalty[row];
            if (s.channels == 2)
                x(row + 1, column) =
                    s.asked(row + 1, column) + point.prices.q[at] / penalty[row + 1];
        }
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
    const State& s = *state_;
    if (s.conflicts.empty()) return {};
    const std::size_t count = s.conflicts.size();
    std::string out = "not all limits can be kept: ";
    if (count > named_max) {
        const Conflict& worst =
            *std::max_element(s.conflicts.begin(), s.conflicts.end(),
                              [&](const auto& a, const auto& b) { return s.by(a) < s.by(b); });
        out += std::to_string(count) + " are missed in " + std::to_string(s.intervals_missed()) +
               " of " + std::to_string(s.intervals) + " intervals, most of all " +
               s.describe(worst) + "; the first are ";
    }
    for (std::size_t i = 0; i < std::min(named_max, count); ++i)
        out += s.describe(s.conflicts[i]) + "; ";
    char penalty[64];
    std::snprintf(penalty, sizeof penalty, "each priced with %g EUR/kWh at most; ",
                  s.network.limit_penalty_eur_per_kwh);
    return out + penalty + "widen these limits or lower the load";
}

model::Schedules Feeder::voltages_pu(const model::Schedules& x) const {
    const State& s = *state_;
    model::Schedules out(static_cast<Eigen::Index>(s.network.buses.size()), intervals());
    s.visit_flows(x, [&](Eigen::Index t, const Flows& flows) {
        for (std::size_t p = 0; p < flows.v.size(); ++p)
            out(static_cast<Eigen::Index>(s.flow.tree().bus_at(p)), t) =
                std::sqrt(std::max(0.0, flows.v[p]));
    });
    return out;
}

model::Schedules Feeder::flows_kw(const model::Schedules& x) const {
    const State& s = *state_;
    model::Schedules out(static_cast<Eigen::Index>(s.network.branches.size()), intervals());
    s.visit_flows(x, [&](Eigen::Index t, const Flows& flows) {
        for (std::size_t p = 1; p < flows.p.size(); ++p)
            out(static_cast<Eigen::Index>(p - 1), t) = flows.p[p];
    });
    return out;
}

model::Series Feeder::import_kw(const model::Schedules& x) const {
    model::Series out(intervals());
    state_->visit_flows(x, [&](Eigen::Index t, const Flows& flows) { out[t] = flows.p[0]; });
    return out;
}

FeederDuals Feeder::duals() const {
    const State& s = *state_;
    FeederDuals out{
        model::Schedules::Zero(static_cast<Eigen::Index>(s.network.buses.size()), intervals()),
        model::Schedules::Zero(static_cast<Eigen::Index>(s.network.branches.size()), intervals()),
        model::Series::Zero(intervals())};
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const auto column = static_cast<Eigen::Index>(t);
        for (const Binding& b : s.points[t].bindings) {
            const Limit& limit = s.flow.limits()[b.limit];
            const double value = b.sign * b.multiplier * limit.scale;
            if (limit.kind == Limit::Kind::voltage)
                // raising v is what the lower limit pays for
                out.voltage(static_cast<Eigen::Index>(s.flow.tree().bus_at(limit.position)),
                            column) = -value;
            else if (limit.kind == Limit::Kind::tie)
                out.tie[column] = value;
            else
                out.branch(static_cast<Eigen::Index>(limit.position - 1), column) += value;
        }
    }
    return out;
}

PriceParts Feeder::price_parts() const {
    const State& s = *state_;
    const model::Schedules none = model::Schedules::Zero(rows(), intervals());
    PriceParts out{none, none, none, none};
    const std::size_t positions = s.flow.tree().positions();
    Prices energy(positions);
    Prices congestion(positions);
    Prices voltage(positions);
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const auto column = static_cast<Eigen::Index>(t);
        const Point& point = s.points[t];
        const double at_tie =
            s.horizon.interval_h * (s.horizon.price_eur_per_kwh[column] +
                                    s.network.tie.slope_eur_per_kwh_kw * point.flows.p[0]);
        s.flow.split(point, at_tie, energy, congestion, voltage);
        for (std::size_t j = 0; j < s.nets; ++j) {
            const std::size_t at = s.flow.tree().position_of_net(j);
            const auto row = static_cast<Eigen::Index>(j * s.channels);
            out.energy(row, column) = at_tie;
            out.loss(row, column) = energy.p[at] - at_tie;
            out.congestion(row, column) = congestion.p[at];
            out.voltage(row, column) = voltage.p[at];
            if (s.channels == 1) continue;
            out.loss(row + 1, column) = energy.q[at];
            out.congestion(row + 1, column) = congestion.q[at];
            out.voltage(row + 1, column) = voltage.q[at];
        }
    }
    return out;
}

Relaxation Feeder::relaxation() const {
    const State& s = *state_;
    Relaxation out;
    if (!s.network.losses) return out;
    for (std::size_t t = 0; t < s.intervals; ++t) {
        const Point& point = s.points[t];
        out.gap_kw = std::max(out.gap_kw, point.mismatch_kw);
        for (std::size_t p = 1; p < point.prices.cone.size(); ++p) {
            const double z = std::sqrt(s.flow.tree().branch(p).zz);
            const double multiplier = z > 0 ? point.prices.cone[p] / z : 0;
            if (multiplier < -loose_eur_per_kwh * s.horizon.interval_h)
                out.loose.push_back({p - 1, static_cast<Eigen::Index>(t), multiplier});
        }
    }
    std::stable_sort(out.loose.begin(), out.loose.end(),
                     [](const auto& a, const auto& b) { return a.multiplier < b.multiplier; });
    return out;
}

const model::Network& Feeder::network() const {
    return state_->network;
}

const model::FeederHorizon& Feeder::horizon() const {
    return state_->horizon;
}

std::string describe(const Relaxation& relaxation, const model::Network& network) {
    if (relaxation.exact()) return {};
    std::string out = "the relaxation is not exact: more losses would be worth having on ";
    for (std::size_t i = 0; i < std::min(named_max, relaxation.loose.size()); ++i)
        out += "branch " + network.branches[relaxation.loose[i].branch].name + " in interval " +
               std::to_string(relaxation.loose[i].interval) + "; ";
    if (relaxation.loose.size() > named_max)
        out += "and " + std::to_string(relaxation.loose.size() - named_max) + " more; ";
    return out +
           "schedules and prices obey the physics but are proved optimal only nearby; a tie price "
           "below zero or panels against the upper voltage limit cause it: let panels or the tie "
           "give way sooner, or lower v_max_pu";
}

}  // namespace kilter::prox
