/// The voltages of an unbalanced radial feeder, nonlinear and to rounding: what a schedule really
/// does, against which the market's linear model is checked.
///
/// Backward/forward sweep ("ladder" iteration) over the two-ports of
/// common/model/three_phase_circuit.hpp. With the loads' currents at the voltages of the round
/// before, currents are summed towards the root, I_n = C V_m + D I_m, and voltages propagated away
/// from it, V_m = A V_n − B I_m, until no voltage moves by more than the tolerance. Converges
/// linearly, by about the voltage drop in per unit each round. Sources: Shirmohammadi et al., IEEE
/// Trans. Power Systems 3(2), 1988; Kersting (2002), chapter 10.
#pragma once

#include <span>

#include "common/model/three_phase_circuit.hpp"

namespace kilter::powerflow {

struct SweepOptions {
    double tolerance_pu = 1e-12;
    int rounds_max = 200;
};

struct ThreePhaseState {
    std::vector<model::Phasors> voltage_v;  ///< per bus, phase to neutral
    std::vector<model::Phasors> into_a;     ///< per branch, at its `from` end, away from the root
    std::vector<model::Phasors> out_of_a;   ///< per branch, at its `to` end, away from the root
    model::Phasors import_kva;              ///< by phase, from the source into the feeder
    int rounds = 0;
};

/// REQUIRES: network normalised and valid, loads on its buses (ThreePhaseNetwork::loads_at).
/// Error: no solution found, naming the bus that moved most; the load is more than the feeder can
/// carry.
Result<ThreePhaseState> three_phase_sweep(const model::ThreePhaseNetwork& network,
                                          std::span<const model::PhaseLoad> loads,
                                          const SweepOptions& options = {});

/// The same, with the relays of the network's compensators at work: starting from the taps given,
/// the regulators out of their band and nearest to the root move by one step, and the sweep is
/// repeated until all are inside or at their last tap. The taps found are left in `network`.
Result<ThreePhaseState> regulated_sweep(model::ThreePhaseNetwork& network,
                                        std::span<const model::PhaseLoad> loads,
                                        const SweepOptions& options = {});

/// Magnitudes in per unit of nominal, phase by phase; between phases (ab, bc, ca) where the bus has
/// no neutral. Zero where there is no phase.
Eigen::Vector3d magnitudes_pu(const model::PhaseBus& bus, const model::Phasors& voltage_v);

}  // namespace kilter::powerflow
