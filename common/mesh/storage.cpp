#include "common/mesh/storage.hpp"

#include <algorithm>
#include <vector>

#include "common/mesh/chain.hpp"

namespace kilter::mesh {

namespace {

struct Corner {
    double energy = 0;  ///< w
    double power = 0;   ///< p
};

/// A side of the set of (w, p), both rising.
using Side = std::vector<Corner>;

double power_at(const Side& side, double energy) {
    for (std::size_t i = 1; i < side.size(); ++i)
        if (energy <= side[i].energy && side[i].energy > side[i - 1].energy) {
            const double part =
                (energy - side[i - 1].energy) / (side[i].energy - side[i - 1].energy);
            return side[i - 1].power + part * (side[i].power - side[i - 1].power);
        }
    return side.back().power;
}

/// Appends h' = k (p − target) dp/dw along the part of a side where p − target has this sign.
void append(const Side& side,
            double k,
            double target,
            double sign,
            std::vector<MonotoneCurve::Point>& out) {
    for (std::size_t i = 1; i < side.size(); ++i) {
        Corner from = side[i - 1], to = side[i];
        const double rise = to.power - from.power, run = to.energy - from.energy;
        if (rise <= 0 || run <= 0) continue;
        if (from.power < target && target < to.power) {
            const Corner meets{from.energy + run * (target - from.power) / rise, target};
            (sign > 0 ? from : to) = meets;
        }
        if (sign * (from.power - target) < 0 || sign * (to.power - target) < 0) continue;
        for (const Corner& end : {from, to})
            out.push_back({end.energy, k * (end.power - target) * rise / run});
    }
}

}  // namespace

model::ProxStatus Storage::prox(const model::Schedules& target,
                                const Eigen::VectorXd& penalty,
                                model::Schedules& x) {
    const double in = interval_h_ * data_.charge_efficiency;
    const double out = interval_h_ / data_.discharge_efficiency;
    const double c = data_.charge_max_kw, d = data_.discharge_max_kw;
    const Side low{{-out * d, -d}, {0, 0}, {in * c, c}};
    const Side high{{-out * d, -d}, {in * c - out * d, c - d}, {in * c, c}};

    std::vector<ChainStep> steps;
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        const double wanted = target(0, t) - data_.idle_kw;
        std::vector<MonotoneCurve::Point> change;
        append(high, penalty[0], wanted, -1, change);
        append(low, penalty[0], wanted, 1, change);
        if (change.empty()) change.push_back({0, 0});  // a store without power
        steps.push_back({.low = 0,
                         .high = data_.energy_max_kwh,
                         .linear = 0,
                         .curvature = 0,
                         .change = MonotoneCurve(std::move(change))});
    }
    bool feasible = true;
    energy_kwh_ = least_cost_path(data_.energy_start_kwh, steps, feasible);
    double before = data_.energy_start_kwh;
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        const double energy = energy_kwh_[t] - before;
        const double least = power_at(low, energy);
        x(0, t) = data_.idle_kw + std::clamp(target(0, t) - data_.idle_kw, least,
                                             std::max(least, power_at(high, energy)));
        before = energy_kwh_[t];
    }
    return feasible ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

}  // namespace kilter::mesh
