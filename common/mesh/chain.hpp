/// A state that one interval hands to the next, at the least cost, exactly:
///
///     minimise  Σ_t q_t(e_t) + h_t(e_t − e_{t−1})    over  low_t ≤ e_t ≤ high_t,  e_{−1} = start
///
/// with convex, piecewise quadratic q_t and h_t. Forwards V_t = (V_{t−1} □ h_t) + q_t on the box, as curves of derivatives;
/// backwards e_{t−1} is where both V_{t−1} and h_t have the slope that e_t asks for. O(T · points).
#pragma once

#include <vector>

#include "common/mesh/monotone_curve.hpp"
#include "common/model/device.hpp"

namespace kilter::mesh {

struct ChainStep {
    double low = 0, high = 0;
    double linear = 0;     ///< q'(0)
    double curvature = 0;  ///< q'', ≥ 0
    MonotoneCurve change;  ///< h'
};

/// The states e_t. `feasible`: false where no path keeps the boxes; the states are then the nearest ones.
model::Series least_cost_path(double start, const std::vector<ChainStep>& steps, bool& feasible);

}  // namespace kilter::mesh
