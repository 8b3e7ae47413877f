/// The devices' proximal operators, exact, one row of 96 intervals at a time:
///
///     x = argmin f(x) + ρ/2 ‖x − target‖²
///
/// Lines are solved together with their message (line_step.hpp).
/// Rows do not overlap unless said otherwise; nothing allocates.
#pragma once

#include "common/prox/storage_chain.hpp"
#include "coordinator/ksuite/instance.hpp"
#include "coordinator/ksuite/ramp_chain.hpp"

namespace kilter::ksuite {

/// Solved as a store over time: common/prox/storage_chain.hpp.
struct Battery {
    double power_max, energy_max;
};

/// REQUIRES: a chain of 96 steps.
void prox(const Battery& battery, const double* target, double* x, prox::StorageChain& chain);

/// A generator's parameters and the prox. The cost and the penalty have the same curvature in every interval, so it is
/// the projection of m = −(ρ target + b) / (2a + ρ) onto band and ramp: a clamp where the ramp does not bind.
struct Generator {
    double power_min, power_max, ramp, quadratic, linear;
};

Generator generator(const Generators& all, std::size_t i);
void prox(
    const Generator& generator, double rho, const double* target, double* x, RampChain& chain);
double cost(const Generator& generator, const double* x);

/// target + μ clamped to [0, P] in the window, with the smallest μ ≥ 0 that reaches the energy: μ is the root of a
/// rising polyline, found by Newton's steps inside a bracket.
struct DeferrableLoad {
    std::uint32_t first, last;
    double energy, power_max;
    const double* fixed;
};

DeferrableLoad deferrable_load(const DeferrableLoads& all, std::size_t i);
void prox(const DeferrableLoad& load, const double* target, double* x);

/// γ/ρ is added to the target, within [0, l].
struct CurtailableLoad {
    double wanted, penalty;
    const double* fixed;
};

CurtailableLoad curtailable_load(const CurtailableLoads& all, std::size_t i);
void prox(const CurtailableLoad& load, double rho, const double* target, double* x);
double cost(const CurtailableLoad& load, const double* x);

}  // namespace kilter::ksuite
