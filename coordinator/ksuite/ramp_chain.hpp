/// The nearest schedule that respects a band and a ramp limit, exactly:
///
///     minimise ½ Σ_t (p_t − m_t)²   over  low ≤ p_t ≤ high,  |p_t − p_{t−1}| ≤ R.
///
/// V_t(p), the least cost of arriving at p, obeys V_t(p) = ½ (p − m_t)² + min { V_{t−1}(p') : |p' − p| ≤ R }. Its
/// derivative is a rising polyline: the minimum over a window cuts it at its root r, moves what is left of the root by
/// −R, what is right of it by +R, and puts zero between. So the knots live on two stacks, left and right of the root,
/// each moved as a whole; adding p − m_t changes no knot. Then backwards p_T = r_T, p_{t−1} = clamp(r_{t−1}, p_t ∓ R).
/// No iteration, no tolerance; time O(T) where the root crosses few knots per step, as it does in practice.
#pragma once

#include <array>
#include <cstddef>

#include "coordinator/ksuite/instance.hpp"

namespace kilter::ksuite {

class RampChain {
  public:
    /// m and p hold a row each and may be the same. REQUIRES: low ≤ high, ramp ≥ 0.
    void project(const double* m, double low, double high, double ramp, double* p);

  private:
    struct Knot {
        double at;    ///< position less the offset of its stack
        double jump;  ///< of the derivative
        double bend;  ///< change of its slope, right minus left
    };

    struct Stack {
        std::array<Knot, 2 * intervals> knots{};
        std::size_t size = 0;
        double offset = 0;

        [[nodiscard]] double top() const { return knots[size - 1].at + offset; }

        Knot pop();
        void push(Knot knot);  ///< with its true position
    };

    /// The derivative around a point: its value just left and just right of it, and the slopes there.
    struct Around {
        double at, value_left, value_right, slope_left, slope_right;
    };

    Around find_root(double m);
    void keep_within(double low, double high, Around& root);

    Stack left_, right_;
};

}  // namespace kilter::ksuite
