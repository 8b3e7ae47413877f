/// What flows through a three-phase feeder's elements: the equations that the nonlinear sweep
/// (common/powerflow) and the linear feeder device (common/prox) share.
///
/// Every branch is a two-port between its bus n, nearer to the root, and its bus m:
///
///     V_m = A V_n − B I_m            (away from the root)
///     I_n = C V_m + D I_m            (towards it; currents flow away from the root)
///
/// with 3×3 matrices after Kersting, Distribution System Modeling and Analysis (2002), chapters 6
/// to 8. For a line with series impedance Z and shunt admittance Y, half of it at each end,
///     A = (1 + ZY/2)⁻¹, B = A Z, C = Y + YZY/4, D = 1 + YZ/2.
/// An ideal transformer with V_m = A V_n gives its power on, so D = Aᵀ for real A:
///     wye-wye      A = 1/n                                          n: phase to neutral on both sides
///     delta-wye    A = (1/n) (1 −1 0; 0 1 −1; −1 0 1) leads by 30°, its transpose lags;  n: line to
///                  line over phase to neutral
///     delta-delta  A = (1/n) (1 − J/3), J all ones: equivalent phase voltages sum to zero
/// and its impedance z and then no-load admittance y, both on the m side, divide A by 1 + zy and make
/// B = z/(1 + zy), C = D y. A wye regulator
/// multiplies each phase by 1 + 0.00625 tap. In open delta, with regulated V_ab = r_ab V_ab and
/// V_cb = r_cb V_cb and line-to-line M = (1 −1 0; 0 1 −1; −1 0 1),
///     A = W R M,  W = ⅓ (1 0 −1; −1 1 0; 0 −1 1) = M⁺,  R = (r_ab 0 0; 0 r_cb 0; −r_ab −r_cb 0),
/// and D takes phase currents to I_a = r_ab i_a, I_c = r_cb i_c, I_b = −(I_a + I_c).
#pragma once

#include "common/model/three_phase.hpp"

namespace kilter::model {

struct TwoPort {
    PhaseMatrix a, b, c, d;
};

/// REQUIRES: the network is normalised and valid.
TwoPort two_port(const PhaseBranch& branch);

/// Voltages between phases, (ab, bc, ca).
Phasors line_to_line(const Phasors& voltage_v);

/// Phase currents that currents between phases (ab, bc, ca) draw.
Phasors phase_currents(const Phasors& between_a);

/// Phase to neutral magnitude of nominal voltage, V.
double nominal_v(const PhaseBus& bus);

/// The phase currents, A, that a load draws at this voltage. Zero where the voltage is.
Phasors load_current(const PhaseLoad& load, const PhaseBus& bus, const Phasors& voltage_v);

/// The voltages with no current anywhere, per bus: the source, transformed and regulated.
std::vector<Phasors> no_load_voltages(const ThreePhaseNetwork& network);

}  // namespace kilter::model
