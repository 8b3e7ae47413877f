#include "coordinator/ksuite/kernels.hpp"

#include <algorithm>
#include <cmath>

#include "coordinator/ksuite/simd.hpp"

namespace kilter::ksuite {

Generator generator(const Generators& all, std::size_t i) {
    return {all.power_min[i], all.power_max[i], all.ramp[i], all.quadratic[i], all.linear[i]};
}

DeferrableLoad deferrable_load(const DeferrableLoads& all, std::size_t i) {
    return {all.first[i], all.last[i], all.energy[i], all.power_max[i], all.fixed[i].data()};
}

CurtailableLoad curtailable_load(const CurtailableLoads& all, std::size_t i) {
    return {all.wanted[i], all.penalty[i], all.fixed[i].data()};
}

void prox(const Battery& battery, const double* target, double* x, prox::StorageChain& chain) {
    const double power = battery.power_max;
    for (std::size_t t = 0; t < intervals; ++t) {
        prox::Stage& stage = chain.stage(t);
        stage.low = -power;
        stage.high = power;
        stage.count = 0;
        stage.add({2 * power, -power - target[t], power - target[t]});
        chain.bounds(t) = {0, battery.energy_max};
    }
    chain.solve(0);
    std::copy(chain.steps().begin(), chain.steps().end(), x);
}

KILTER_SIMD
void prox(
    const Generator& generator, double rho, const double* target, double* x, RampChain& chain) {
    const double scale = -1 / (2 * generator.quadratic + rho);
    double m[intervals];
    for (std::size_t t = 0; t < intervals; ++t)
        m[t] = (rho * target[t] + generator.linear) * scale;
    double p[intervals];
    for (std::size_t t = 0; t < intervals; ++t)
        p[t] = std::min(std::max(m[t], generator.power_min), generator.power_max);
    double steepest[lanes] = {};
    for (std::size_t t = 0; t + lanes < intervals; t += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane)
            steepest[lane] = std::max(steepest[lane], std::abs(p[t + lane + 1] - p[t + lane]));
    double steep = *std::max_element(steepest, steepest + lanes);
    for (std::size_t t = intervals - lanes; t + 1 < intervals; ++t)
        steep = std::max(steep, std::abs(p[t + 1] - p[t]));
    if (steep > generator.ramp)
        chain.project(m, generator.power_min, generator.power_max, generator.ramp, p);
    for (std::size_t t = 0; t < intervals; ++t)
        x[t] = -p[t];
}

KILTER_SIMD
double cost(const Generator& generator, const double* x) {
    LaneSum sum;
    for (std::size_t t = 0; t < intervals; t += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double p = -x[t + lane];
            sum.part[lane] += (generator.quadratic * p + generator.linear) * p;
        }
    return sum.total();
}

void prox(const DeferrableLoad& load, const double* target, double* x) {
    double wish[intervals];
    std::size_t count = 0;
    double lowest = load.power_max;
    double all = 0;
    for (std::size_t t = load.first; t <= load.last; ++t) {
        const double want = target[t] - load.fixed[t];
        wish[count++] = want;
        lowest = std::min(lowest, want);
        all += std::clamp(want, 0.0, load.power_max);
    }
    double raise = 0;
    if (all < load.energy) {
        double low = 0;
        double high = load.power_max - lowest;
        for (int step = 0; step < 100; ++step) {
            all = 0;
            double inside = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const double want = wish[i] + raise;
                all += std::min(std::max(want, 0.0), load.power_max);
                inside += want > 0 && want < load.power_max ? 1 : 0;
            }
            const double miss = load.energy - all;
            if (std::abs(miss) <= 1e-13 * load.energy) break;
            (miss > 0 ? low : high) = raise;
            const double newton = raise + miss / inside;  // not finite where the polyline is flat
            raise = newton > low && newton < high ? newton : low + (high - low) / 2;
            if (!(low < raise && raise < high)) break;
        }
    }
    std::copy_n(load.fixed, intervals, x);
    for (std::size_t i = 0; i < count; ++i)
        x[load.first + i] += std::clamp(wish[i] + raise, 0.0, load.power_max);
}

KILTER_SIMD
void prox(const CurtailableLoad& load, double rho, const double* target, double* x) {
    const double raise = load.penalty / rho;
    for (std::size_t t = 0; t < intervals; ++t) {
        const double want = target[t] - load.fixed[t];
        x[t] = load.fixed[t] + std::min(std::max(want + raise, 0.0), load.wanted);
    }
}

KILTER_SIMD
double cost(const CurtailableLoad& load, const double* x) {
    LaneSum sum;
    for (std::size_t t = 0; t < intervals; t += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane)
            sum.part[lane] += std::max(0.0, load.wanted - (x[t + lane] - load.fixed[t + lane]));
    return load.penalty * sum.total();
}

}  // namespace kilter::ksuite
