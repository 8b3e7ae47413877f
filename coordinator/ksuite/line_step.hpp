/// A line's part of one iteration, for all intervals: targets from what its nets said, the prox, the message back.
///
/// With s = x₁ + x₂ and f = (x₁ − x₂)/2 the prox is the projection of the targets onto k f² ≤ s ≤ k C². Below the
/// parabola it is the point (f, k f²) with
///     k² f³ + (c − k s) f − c f̂ = 0,   c = 2,  f̂ = the target's f,
/// one root on [0, |f̂|], where the left side is convex: Newton's steps from min(|f̂|, C). A phase difference κ f that
/// is penalised by w/2 ‖θ − target‖² adds w κ²/2 to c and draws f̂ towards δ/κ, δ = the target's phase difference:
///     f̂ ← f̂ + (w κ²/2)/c (δ/κ − f̂).
#pragma once

#include "coordinator/ksuite/exchange.hpp"

namespace kilter::ksuite {

struct LineShape {
    double loss;      ///< k
    double capacity;  ///< C
};

/// What a line with phases has besides.
struct PhaseShape {
    double phase;      ///< κ
    double curvature;  ///< c
    double coupling;   ///< (w κ²/2)/c
};

/// A terminal's phases: its message θ + u, with u the multiplier, and its net's agreed phase.
struct PhaseRows {
    double* said;
    const double* agreed;
};

/// Σ over both terminals and all intervals.
struct LineSums {
    double moved;         ///< (movement of s)²
    double phase_missed;  ///< (θ − agreed)²
};

/// s₁, s₂: the messages, updated in place; y₁, y₂: the nets' prices. The rows do not overlap. Returns the square of the
/// messages' movement.
double line_step(const LineShape& line,
                 const Exchange& exchange,
                 double* s1,
                 double* s2,
                 const double* y1,
                 const double* y2);

LineSums line_step(const LineShape& line,
                   const PhaseShape& phases,
                   const Exchange& exchange,
                   double* s1,
                   double* s2,
                   const double* y1,
                   const double* y2,
                   PhaseRows phase1,
                   PhaseRows phase2);

}  // namespace kilter::ksuite
