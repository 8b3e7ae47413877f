#include "common/model/three_phase_circuit.hpp"

#include <cmath>
#include <numbers>

#include <Eigen/LU>

namespace kilter::model {

namespace {

/// Takes phase voltages to those between phases; its transpose, currents between to phase currents.
PhaseMatrix between_phases() {
    PhaseMatrix m;
    m << 1, -1, 0, 0, 1, -1, -1, 0, 1;
    return m;
}

/// Keeps what has no common part in all three phases.
PhaseMatrix without_common() {
    return PhaseMatrix::Identity() - PhaseMatrix::Constant(1.0 / 3);
}

PhaseMatrix on_phases(PhaseSet phases, const Phasors& values) {
    PhaseMatrix out = PhaseMatrix::Zero();
    for (int i = 0; i < 3; ++i)
        if (phases.has(i)) out(i, i) = values[i];
    return out;
}

PhaseMatrix on_phases(PhaseSet phases, Complex value) {
    return on_phases(phases, Phasors::Constant(value));
}

TwoPort two_port_of(const PhaseLine& line, PhaseSet phases) {
    const PhaseMatrix& z = line.series_ohm;
    const PhaseMatrix& y = line.shunt_s;
    const PhaseMatrix there = on_phases(phases, Complex(1));
    const PhaseMatrix a = (PhaseMatrix::Identity() + z * y / 2.0).inverse() * there;
    return {a, a * z, y + y * z * y / 4.0, there + y * z / 2.0};
}

TwoPort two_port_of(const Regulator& regulator, PhaseSet phases) {
    Phasors ratio;
    for (int i = 0; i < 3; ++i)
        ratio[i] = 1 + Regulator::step * regulator.taps[static_cast<std::size_t>(i)];
    const PhaseMatrix none = PhaseMatrix::Zero();
    if (regulator.connection == Connection::wye) {
        const PhaseMatrix a = on_phases(phases, ratio);
        return {a, none, none, a};
    }
    // In rows ab, bc, ca: V_bc = −V_cb and V_ca = −V_ab − V_bc.
    PhaseMatrix regulated;
    regulated << ratio[0], 0, 0, 0, ratio[2], 0, -ratio[0], -ratio[2], 0;
    const PhaseMatrix m = between_phases();
    PhaseMatrix d;
    d << ratio[0], 0, 0, -ratio[0], 0, -ratio[2], 0, 0, ratio[2];
    return {m.transpose() / 3.0 * regulated * m, none, none, d};
}

TwoPort two_port_of(const Transformer& transformer, PhaseSet phases) {
    using Windings = Transformer::Windings;
    const double from_kv = transformer.from_kv * transformer.from_tap;
    const double to_kv = transformer.to_kv * transformer.to_tap;
    const double ratio = to_kv / from_kv;
    const double share = phases.count() / 3.0;  // of a three-phase bank that is there
    const Complex z = transformer.impedance_pu * (1000 * to_kv * to_kv / transformer.kva * share);
    const Complex y = std::conj(transformer.no_load_kva) / (1000 * to_kv * to_kv * share);
    PhaseMatrix a;
    PhaseMatrix there = on_phases(phases, Complex(1));
    switch (transformer.windings) {
        case Windings::wye_wye:
            a = ratio * there;
            break;
        case Windings::delta_wye:
            a = ratio / std::numbers::sqrt3 * between_phases();
            if (!transformer.leads) a.transposeInPlace();
            break;
        case Windings::delta_delta:
            there = without_common();
            a = ratio * there;
            break;
    }
    const PhaseMatrix d = a.transpose();
    const Complex divide = 1.0 / (1.0 + z * y);
    return {divide * a, divide * z * there, y * d * there, d};
}

}  // namespace

TwoPort two_port(const PhaseBranch& branch) {
    return std::visit([&](const auto& element) { return two_port_of(element, branch.phases); },
                      branch.element);
}

Phasors line_to_line(const Phasors& v) {
    return {v[0] - v[1], v[1] - v[2], v[2] - v[0]};
}

Phasors phase_currents(const Phasors& between_a) {
    return {between_a[0] - between_a[2], between_a[1] - between_a[0], between_a[2] - between_a[1]};
}

double nominal_v(const PhaseBus& bus) {
    return 1000 * bus.base_kv / std::numbers::sqrt3;
}

Phasors load_current(const PhaseLoad& load, const PhaseBus& bus, const Phasors& voltage_v) {
    const bool delta = load.connection == Connection::delta;
    const double nominal = nominal_v(bus) * (delta ? std::numbers::sqrt3 : 1);
    const Phasors across = delta ? line_to_line(voltage_v) : voltage_v;
    Phasors current = Phasors::Zero();
    for (int i = 0; i < 3; ++i) {
        const double magnitude = std::abs(across[i]);
        if (load.kva[i] == 0.0 || magnitude == 0) continue;
        const Complex at_power = std::conj(1000.0 * load.kva[i] / across[i]);
        const double relative = magnitude / nominal;
        switch (load.model) {
            case LoadModel::power:
                current[i] = at_power;
                break;
            case LoadModel::current:
                current[i] = at_power * relative;
                break;
            case LoadModel::impedance:
                current[i] = at_power * (relative * relative);
                break;
        }
    }
    return delta ? phase_currents(current) : current;
}

std::vector<Phasors> no_load_voltages(const ThreePhaseNetwork& network) {
    std::vector<Phasors> out(network.buses.size(), Phasors::Zero());
    out[network.root] = network.source_pu * nominal_v(network.buses[network.root]);
    for (const PhaseBranch& branch : network.branches) {
        // D is Aᵀ but for what charging and magnetising currents add to it.
        const PhaseMatrix d = std::holds_alternative<PhaseLine>(branch.element)
                                  ? on_phases(branch.phases, Complex(1))
                                  : two_port(branch).d;
        out[branch.to] = d.transpose() * out[branch.from];
    }
    return out;
}

}  // namespace kilter::model
