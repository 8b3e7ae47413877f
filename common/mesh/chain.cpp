#include "common/mesh/chain.hpp"

#include <algorithm>

namespace kilter::mesh {

model::Series least_cost_path(double start, const std::vector<ChainStep>& steps, bool& feasible) {
    feasible = true;
    std::vector<MonotoneCurve> before;  // V_{t−1} of every t
    std::vector<MonotoneCurve> joined;  // V_{t−1} □ h_t
    MonotoneCurve value({{start, 0}});
    for (const ChainStep& step : steps) {
        before.push_back(value);
        value = inf_convolution(value, step.change);
        joined.push_back(value);
        feasible = value.restrict_to(step.low, step.high) && feasible;
        value.add(step.linear, step.curvature);
    }
    model::Series out(static_cast<Eigen::Index>(steps.size()));
    double state = value.at(0).low;
    for (std::size_t t = steps.size(); t-- > 0;) {
        out[static_cast<Eigen::Index>(t)] = state;
        const double s = joined[t].slope(state);
        const auto from = before[t].at(s), change = steps[t].change.at(s);
        state = std::clamp(state - change.low, from.low, from.high);
        state = std::clamp(state, out[static_cast<Eigen::Index>(t)] - change.high,
                           std::max(out[static_cast<Eigen::Index>(t)] - change.high,
                                    out[static_cast<Eigen::Index>(t)] - change.low));
    }
    return out;
}

}  // namespace kilter::mesh
