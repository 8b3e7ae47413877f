/// A home as one convex quadratic programme over scalars, laid out for HomeSolver.
///
///     minimise   Σ_v (cost_v v + curvature_v/2 v²) + Σ soft price · violation + demand charge · peak + meter cost(x, q)
///     chain i    e_it = keep_it e_i,t−1 + inflow_it + gain_it u_it + gain2_it d_it         (u, d inputs; e state)
///     meter      x_t = base_t + Σ_i (meter_input_i u_it + meter_state_i e_it) − Σ d_it + Σ_f meter_free_f v_ft
///                      + Σ_appliances Σ_s w_s profile_{t−s}
///     bounds     on single scalars, hard or at a price per unit of violation;  Σ_s w_s = 1 per appliance
///     peak       m ≥ buy_t;      inverter  pv_t² + q_t² ≤ kva²
///
/// Every piece of equipment with memory is a chain: its state is energy, temperature or (generator) power. EUR, kW, kWh,
/// °C as in common/model/equipment.hpp; hard bounds on states are widened by `slack_of_bounds`, so that a set without
/// inner points has some.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <Eigen/Core>

#include "common/model/home.hpp"

namespace kilter::prox {

/// sign · (v_at − bound) ≥ 0.
struct Bound {
    Eigen::Index at = 0;
    double sign = 1;
    double bound = 0;
    double price = 0;  ///< per unit of violation, where the bound is soft
};

/// A level that the home must keep where it can: sign · (v_at − bound) ≥ 0, else it is reported.
struct Requirement {
    enum class Kind : std::uint8_t { battery_end, vehicle, deferrable, import_limit, export_limit };
    Kind kind{};
    std::size_t item = 0;
    Eigen::Index interval = 0;
    Eigen::Index at = 0;
    double sign = 1;
    double bound = 0;
};

/// What a chain is, for whoever takes a solution apart.
struct ChainName {
    enum class Kind : std::uint8_t { battery, vehicle, climate, tank, deferrable, generator };
    Kind kind{};
    std::size_t item = 0;
};

/// The start weights of one appliance: w_s is scalar `at` + s − first_start.
struct ApplianceBlock {
    Eigen::Index at = 0;
    Eigen::Index first_start = 0;
    Eigen::Index starts = 0;
    Eigen::ArrayXd profile_kw;
    std::size_t item = 0;
};

struct HomeProgram {
    static constexpr double slack_of_bounds = 1e-9;

    Eigen::Index intervals = 0;
    std::vector<ChainName> names;  ///< those with a second input first
    Eigen::Index two_way = 0;
    Eigen::Index frees =
        0;  ///< free inputs: panels, curtailed loads, the tie's imports and exports

    // Chains: chains × intervals (keep is 0 and the start in inflow where a state starts anew).
    Eigen::ArrayXXd keep, inflow, gain, gain2;
    Eigen::ArrayXd meter_input, meter_state, meter_free;
    Eigen::ArrayXd base_kw, base_kvar;
    std::vector<ApplianceBlock> appliances;
    std::vector<Bound> hard, soft;
    std::vector<Requirement> required;

    // All scalars in one vector: inputs, second inputs, states (interval by interval), frees, meter, start weights, peak.
    Eigen::Index at_second = 0, at_state = 0, at_free = 0, at_meter = 0, at_weight = 0, at_peak = 0,
                 scalars = 0;
    Eigen::ArrayXd cost, curvature;  ///< EUR per unit (and unit²)
    Eigen::ArrayXd low, high;        ///< of inputs, frees and weights; equal where fixed

    std::optional<Eigen::Index> panels;   ///< free input
    std::optional<Eigen::Index> imports;  ///< free input that pays for its peak
    double demand_charge = 0;
    bool reactive = false;  ///< q is a variable: 0 where there is no inverter
    double inverter_kva = 0;

    [[nodiscard]] Eigen::Index chains() const { return static_cast<Eigen::Index>(names.size()); }

    [[nodiscard]] Eigen::Index input(Eigen::Index chain, Eigen::Index t) const {
        return t * chains() + chain;
    }

    [[nodiscard]] Eigen::Index second(Eigen::Index chain, Eigen::Index t) const {
        return at_second + t * two_way + chain;
    }

    [[nodiscard]] Eigen::Index state(Eigen::Index chain, Eigen::Index t) const {
        return at_state + t * chains() + chain;
    }

    [[nodiscard]] Eigen::Index free(Eigen::Index f, Eigen::Index t) const {
        return at_free + t * frees + f;
    }
};

/// `starts[i]`: where shiftable i is fixed to start, or nothing while its weights are free. REQUIRES: home is valid.
HomeProgram program_of(const model::Home& home,
                       const std::vector<std::optional<std::size_t>>& starts);

}  // namespace kilter::prox
