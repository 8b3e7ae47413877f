#include "coordinator/planner/unbalanced.hpp"

#include "common/powerflow/three_phase_sweep.hpp"

namespace kilter::planner {

namespace {

/// The feeder's own loads and what the nets draw, −x.col(t).
std::vector<model::PhaseLoad> loads_of(const prox::ThreePhaseFeeder& feeder,
                                       const model::Schedules& x,
                                       Eigen::Index t) {
    std::vector<model::PhaseLoad> out = feeder.network().loads_at(feeder.horizon().load_factor[t]);
    Eigen::Index row = 0;
    for (const model::PhaseNet& net : feeder.network().nets) {
        const model::Complex kva(-x(row, t), feeder.channels() == 2 ? -x(row + 1, t) : 0);
        out.push_back({.name = net.name,
                       .bus = net.bus,
                       .connection = net.connection,
                       .kva = net.shares().cast<model::Complex>() * kva});
        row += feeder.channels();
    }
    return out;
}

}  // namespace

model::Network market_of(const model::ThreePhaseNetwork& network) {
    model::Network out;
    out.name = network.name;
    out.base_kv = network.base_kv;
    out.root = network.root;
    for (const model::PhaseBus& bus : network.buses)
        out.buses.push_back({.name = bus.name, .v_min_pu = bus.v_min_pu, .v_max_pu = bus.v_max_pu});
    for (const model::PhaseBranch& branch : network.branches) {
        model::Branch same;
        same.name = branch.name;
        same.from = branch.from;
        same.to = branch.to;
        out.branches.push_back(same);
    }
    for (const model::PhaseNet& net : network.nets)
        out.nets.push_back({net.name, net.bus});
    out.daily_shape = network.daily_shape;
    out.tie = network.tie;
    return out;
}

void linearise(prox::ThreePhaseFeeder& feeder, const model::Schedules& x) {
    for (Eigen::Index t = 0; t < feeder.intervals(); ++t) {
        auto state = powerflow::three_phase_sweep(feeder.network(), loads_of(feeder, x, t));
        if (!state) continue;
        feeder.linearise_at(t, x,
                            {.voltage_v = std::move(state->voltage_v),
                             .current_a = std::move(state->out_of_a),
                             .import_kw = state->import_kva.sum().real()});
    }
}

Result<PhaseResult> examine(const prox::ThreePhaseFeeder& feeder, const model::Schedules& x) {
    const model::ThreePhaseNetwork& network = feeder.network();
    const model::Schedules linear = feeder.voltages_pu(x);
    model::Schedules nonlinear(linear.rows(), linear.cols());
    PhaseResult out;
    out.prices = feeder.prices(x);
    out.limits = feeder.linear_set();
    out.import_kw.resize(feeder.intervals());
    for (Eigen::Index t = 0; t < feeder.intervals(); ++t) {
        const auto state = powerflow::three_phase_sweep(network, loads_of(feeder, x, t));
        if (!state)
            return Error{"interval " + std::to_string(t) +
                         " of the cleared schedule: " + state.error().message};
        out.import_kw[t] = state->import_kva.sum().real();
        for (std::size_t i = 0; i < network.buses.size(); ++i)
            nonlinear.block<3, 1>(static_cast<Eigen::Index>(3 * i), t) =
                powerflow::magnitudes_pu(network.buses[i], state->voltage_v[i]);
    }
    std::vector<Eigen::Index> rows;
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const model::PhaseBus& bus = network.buses[i];
        for (int phase = 0; phase < 3; ++phase) {
            if (!bus.phases.has(phase)) continue;
            std::string place = bus.name + "." + model::PhaseSet::of(phase).text();
            if (bus.connection == model::Connection::delta)
                place += model::PhaseSet::of((phase + 1) % 3).text();
            out.places.push_back(place);
            rows.push_back(static_cast<Eigen::Index>(3 * i) + phase);
        }
    }
    out.linear_pu = linear(rows, Eigen::all);
    out.nonlinear_pu = nonlinear(rows, Eigen::all);
    return out;
}

}  // namespace kilter::planner
