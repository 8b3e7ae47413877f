#include "common/powerflow/radial.hpp"

#include <cmath>

#include "common/base/check.hpp"

namespace kilter::powerflow {

namespace {

using Complex = std::complex<double>;

constexpr int sweeps_max = 1000;
constexpr double tolerance_pu = 1e-13;
constexpr double collapsed_pu = 1e-3;

}  // namespace

Result<OperatingPoint> solve(const model::Network& network,
                             const std::vector<Complex>& consumed_kva) {
    const std::size_t buses = network.buses.size();
    KILTER_CHECK(consumed_kva.size() == buses, "one load per bus");
    const double base = 1000 * network.base_kv * network.base_kv;
    std::vector<Complex> shunt(buses);
    for (std::size_t i = 0; i < buses; ++i)
        shunt[i] = {network.buses[i].shunt_p_kw, network.buses[i].shunt_q_kvar};

    OperatingPoint out;
    out.voltage_pu.assign(buses, Complex(network.v_root_pu));
    std::vector<Complex> current(buses);                   // drawn at the bus and behind it
    std::vector<Complex> series(network.branches.size());  // through the impedance
    std::vector<Complex> before(network.branches.size());  // voltage before it
    for (std::size_t b = 0; b < network.branches.size(); ++b)
        before[b] = out.voltage_pu[network.branches[b].from] / network.branches[b].ratio;

    std::size_t lowest = network.root;
    bool settled = false;
    for (int sweep = 0; sweep < sweeps_max && !settled; ++sweep) {
        for (std::size_t i = 0; i < buses; ++i) {
            const Complex v = out.voltage_pu[i];
            current[i] = std::conj(consumed_kva[i] / v) + shunt[i] * v;
        }
        for (std::size_t b = network.branches.size(); b-- > 0;) {
            const model::Branch& branch = network.branches[b];
            const Complex half(0, branch.charging_kvar / 2);
            series[b] = current[branch.to] + half * out.voltage_pu[branch.to];
            current[branch.from] += (series[b] + half * before[b]) / branch.ratio;
        }
        double moved = 0;
        for (std::size_t b = 0; b < network.branches.size(); ++b) {
            const model::Branch& branch = network.branches[b];
            const Complex z(branch.r_ohm / base, branch.x_ohm / base);
            before[b] = out.voltage_pu[branch.from] / branch.ratio;
            const Complex v = before[b] - z * series[b];
            moved = std::max(moved, std::abs(v - out.voltage_pu[branch.to]));
            out.voltage_pu[branch.to] = v;
            if (!(std::abs(v) >= std::abs(out.voltage_pu[lowest]))) lowest = branch.to;
        }
        settled = moved <= tolerance_pu;
        if (!(std::abs(out.voltage_pu[lowest]) > collapsed_pu)) break;
    }
    if (!settled)
        return Error{"the power flow of " + network.name + " has no solution near bus " +
                     network.buses[lowest].name +
                     ": its voltage collapses under the load; lower the load or shorten the line"};

    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        const model::Branch& branch = network.branches[b];
        const Complex half(0, branch.charging_kvar / 2);
        const Complex after = out.voltage_pu[branch.to];
        out.from_kva.push_back(before[b] * std::conj(series[b] + half * before[b]));
        out.to_kva.push_back(after * std::conj(series[b] - half * after));
        out.loss_kw += (out.from_kva[b] - out.to_kva[b]).real();
    }
    out.import_kva = network.v_root_pu * std::conj(current[network.root]);
    return out;
}

}  // namespace kilter::powerflow
