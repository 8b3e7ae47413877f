#include "common/powerflow/three_phase_sweep.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kilter::powerflow {

using model::Complex;
using model::Phasors;

Result<ThreePhaseState> three_phase_sweep(const model::ThreePhaseNetwork& network,
                                          std::span<const model::PhaseLoad> loads,
                                          const SweepOptions& options) {
    const std::size_t buses = network.buses.size();
    const std::size_t count = network.branches.size();
    std::vector<model::TwoPort> ports;
    ports.reserve(count);
    for (const model::PhaseBranch& branch : network.branches)
        ports.push_back(model::two_port(branch));
    ThreePhaseState out{.voltage_v = model::no_load_voltages(network),
                        .into_a = std::vector<Phasors>(count, Phasors::Zero()),
                        .out_of_a = std::vector<Phasors>(count, Phasors::Zero()),
                        .import_kva = Phasors::Zero()};
    std::vector<Phasors> drawn(buses);
    std::size_t farthest = network.root;
    double moved = 0;
    for (out.rounds = 1; out.rounds <= options.rounds_max; ++out.rounds) {
        std::fill(drawn.begin(), drawn.end(), Phasors::Zero());
        for (const model::PhaseLoad& load : loads)
            drawn[load.bus] +=
                model::load_current(load, network.buses[load.bus], out.voltage_v[load.bus]);
        for (std::size_t b = count; b-- > 0;) {
            const model::PhaseBranch& branch = network.branches[b];
            out.out_of_a[b] = drawn[branch.to];
            out.into_a[b] = ports[b].c * out.voltage_v[branch.to] + ports[b].d * out.out_of_a[b];
            drawn[branch.from] += out.into_a[b];
        }
        moved = 0;
        for (std::size_t b = 0; b < count; ++b) {
            const model::PhaseBranch& branch = network.branches[b];
            const Phasors next =
                ports[b].a * out.voltage_v[branch.from] - ports[b].b * out.out_of_a[b];
            const double by = (next - out.voltage_v[branch.to]).cwiseAbs().maxCoeff() /
                              model::nominal_v(network.buses[branch.to]);
            if (!(by <= moved)) {
                moved = by;
                farthest = branch.to;
            }
            out.voltage_v[branch.to] = next;
        }
        if (!std::isfinite(moved)) break;
        if (moved > options.tolerance_pu) continue;
        for (int i = 0; i < 3; ++i)
            out.import_kva[i] =
                out.voltage_v[network.root][i] * std::conj(drawn[network.root][i]) / 1000.0;
        return out;
    }
    return Error{"the power flow of " + network.name + " found no solution in " +
                 std::to_string(options.rounds_max) + " rounds; the voltage of bus " +
                 network.buses[farthest].name +
                 " moved most: the feeder cannot carry this load, "
                 "lower it or correct the impedances on the way there"};
}

namespace {

/// How many taps the relay of regulator `i` asks for: −1, 0 or 1.
int asked(const model::Regulator& regulator,
          std::size_t i,
          const Phasors& voltage_v,
          const Phasors& current_a) {
    const model::LineDropCompensator& relay = *regulator.compensator;
    const auto at = static_cast<Eigen::Index>(i);
    Complex across = voltage_v[at];
    if (regulator.connection == model::Connection::delta) across -= voltage_v[1];
    const Complex seen = across / relay.pt_ratio -
                         Complex(relay.r_v[i], relay.x_v[i]) * current_a[at] / relay.ct_primary_a;
    const double off = std::abs(seen) - relay.level_v;
    if (std::abs(off) <= relay.bandwidth_v / 2) return 0;
    return off < 0 ? 1 : -1;
}

/// Moves the taps of one regulator by a step towards its band; false where nothing moves.
bool move_taps(model::Regulator& regulator,
               model::PhaseSet phases,
               const Phasors& voltage_v,
               const Phasors& current_a) {
    if (!regulator.compensator) return false;
    std::array<int, 3> by{};
    int first = 0;
    bool have_first = false;
    for (std::size_t i = 0; i < 3; ++i) {
        const bool there = phases.has(static_cast<int>(i)) &&
                           !(regulator.connection == model::Connection::delta && i == 1);
        if (!there) continue;
        if (!have_first || !regulator.compensator->ganged)
            first = asked(regulator, i, voltage_v, current_a);
        have_first = true;
        by[i] = first;
    }
    bool moved = false;
    for (std::size_t i = 0; i < 3; ++i) {
        const int tap = std::clamp(regulator.taps[i] + by[i], -model::Regulator::tap_max,
                                   model::Regulator::tap_max);
        moved = moved || tap != regulator.taps[i];
        regulator.taps[i] = tap;
    }
    return moved;
}

}  // namespace

Result<ThreePhaseState> regulated_sweep(model::ThreePhaseNetwork& network,
                                        std::span<const model::PhaseLoad> loads,
                                        const SweepOptions& options) {
    // A band wider than a step is met from any start in a full travel of each regulator.
    const std::size_t moves_max = 64 * network.branches.size() + 1;
    for (std::size_t moves = 0; moves < moves_max; ++moves) {
        auto state = three_phase_sweep(network, loads, options);
        if (!state) return state;
        bool moved = false;
        for (std::size_t b = 0; b < network.branches.size() && !moved; ++b) {
            model::PhaseBranch& branch = network.branches[b];
            if (auto* regulator = std::get_if<model::Regulator>(&branch.element))
                moved = move_taps(*regulator, branch.phases, state->voltage_v[branch.to],
                                  state->out_of_a[b]);
        }
        if (!moved) return state;
    }
    return Error{"the regulators of " + network.name +
                 " never rest; give their bandwidth_v more than one step of 0.75 V"};
}

Eigen::Vector3d magnitudes_pu(const model::PhaseBus& bus, const Phasors& voltage_v) {
    if (bus.connection == model::Connection::wye)
        return voltage_v.cwiseAbs() / model::nominal_v(bus);
    return model::line_to_line(voltage_v).cwiseAbs() /
           (model::nominal_v(bus) * std::numbers::sqrt3);
}

}  // namespace kilter::powerflow
