/// The nonlinear power flow of a radial feeder: backward/forward sweep on complex voltages and currents, balanced three
/// phases as one (Shirmohammadi et al. 1988). Independent of the market's convex branch flow and of its device: it is
/// what cleared schedules are validated with.
///
///     backward   current into every branch from the loads behind it, I = conj(S / V) + Y V
///     forward    V_j = V_i / ratio − z I
/// until no voltage moves. Voltages in per unit, power in kW and kvar, impedance in pu²/kW = ohm / (1000 · base_kv²).
/// O(buses) per sweep; converges wherever the feeder can carry its load with some margin.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::powerflow {

/// Order of Network's buses and branches; flows away from the root.
struct OperatingPoint {
    std::vector<std::complex<double>> voltage_pu;
    std::vector<std::complex<double>>
        from_kva;                              ///< into the branch at its `from`, charging included
    std::vector<std::complex<double>> to_kva;  ///< out of the branch at its `to`, likewise
    std::complex<double> import_kva;           ///< from the grid above
    double loss_kw = 0;                        ///< of all branches
};

/// `consumed_kva[i]`: P + jQ that bus i draws, all but its shunts, at whatever voltage.
/// Error: the feeder cannot carry it (voltage collapse); names the bus with the lowest voltage.
/// REQUIRES: network normalised and valid; one finite value per bus.
Result<OperatingPoint> solve(const model::Network& network,
                             const std::vector<std::complex<double>>& consumed_kva);

}  // namespace kilter::powerflow
