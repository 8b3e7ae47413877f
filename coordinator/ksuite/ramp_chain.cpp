#include "coordinator/ksuite/ramp_chain.hpp"

#include <algorithm>

namespace kilter::ksuite {

RampChain::Knot RampChain::Stack::pop() {
    Knot knot = knots[--size];
    knot.at += offset;
    return knot;
}

void RampChain::Stack::push(Knot knot) {
    knot.at -= offset;
    knots[size++] = knot;
}

/// Between the stacks the derivative is p − m; from there walk over knots towards the root.
RampChain::Around RampChain::find_root(double m) {
    Around here{m, 0, 0, 1, 1};
    if (left_.size > 0 && m < left_.top()) {
        double at = left_.top();
        double value = at - m;  // to the right of the knot, positive
        double slope = 1;
        for (;;) {
            const Knot knot = left_.pop();
            if (value - knot.jump <= 0)
                return {knot.at, value - knot.jump, value, slope - knot.bend, slope};
            right_.push(knot);
            value -= knot.jump;
            slope -= knot.bend;
            const double zero = at - value / slope;
            if (left_.size == 0 || zero > left_.top()) return {zero, 0, 0, slope, slope};
            value -= slope * (at - left_.top());
            at = left_.top();
        }
    }
    if (right_.size > 0 && m > right_.top()) {
        double at = right_.top();
        double value = at - m;  // to the left of the knot, negative
        double slope = 1;
        for (;;) {
            const Knot knot = right_.pop();
            if (value + knot.jump >= 0)
                return {knot.at, value, value + knot.jump, slope, slope + knot.bend};
            left_.push(knot);
            value += knot.jump;
            slope += knot.bend;
            const double zero = at - value / slope;
            if (right_.size == 0 || zero < right_.top()) return {zero, 0, 0, slope, slope};
            value += slope * (right_.top() - at);
            at = right_.top();
        }
    }
    return here;
}

/// Beyond the band there is nothing: the root moves to the edge, where the derivative is what is left of it.
void RampChain::keep_within(double low, double high, Around& root) {
    if (root.at > high) {
        double value = root.value_left;
        double at = root.at;
        double slope = root.slope_left;
        while (left_.size > 0 && left_.top() > high) {
            const Knot knot = left_.pop();
            value -= slope * (at - knot.at) + knot.jump;
            at = knot.at;
            slope -= knot.bend;
        }
        root = {high, value - slope * (at - high), 0, slope, 0};
        right_.size = 0;
    } else if (root.at < low) {
        double value = root.value_right;
        double at = root.at;
        double slope = root.slope_right;
        while (right_.size > 0 && right_.top() < low) {
            const Knot knot = right_.pop();
            value += slope * (knot.at - at) + knot.jump;
            at = knot.at;
            slope += knot.bend;
        }
        root = {low, 0, value + slope * (low - at), 0, slope};
        left_.size = 0;
    }
}

void RampChain::project(const double* m, double low, double high, double ramp, double* p) {
    left_.size = right_.size = 0;
    left_.offset = right_.offset = 0;
    for (std::size_t t = 0; t < intervals; ++t) {
        Around root = find_root(m[t]);
        keep_within(low, high, root);
        p[t] = root.at;
        left_.push({root.at, -root.value_left, -root.slope_left});
        right_.push({root.at, root.value_right, root.slope_right});
        left_.offset -= ramp;
        right_.offset += ramp;
    }
    for (std::size_t t = intervals - 1; t-- > 0;)
        p[t] = std::clamp(p[t], p[t + 1] - ramp, p[t + 1] + ramp);
}

}  // namespace kilter::ksuite
