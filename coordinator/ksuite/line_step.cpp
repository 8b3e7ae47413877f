#include "coordinator/ksuite/line_step.hpp"

#include <algorithm>
#include <cmath>

namespace kilter::ksuite {
namespace {

constexpr int newton_steps = 4;  // from 15 % off to rounding

struct Flow {
    double sum, flow;
};

/// The projection, without branches, so that lanes stay together.
inline __attribute__((always_inline)) Flow project(
    double k, double capacity, double c, double s, double f) {
    const double wish = std::abs(f);
    const double loss_max = k * capacity * capacity;
    const double slope = c - k * s;
    double x = std::min(wish, capacity);
    for (int step = 0; step < newton_steps; ++step) {
        const double square = k * k * x * x;
        x -= ((square + slope) * x - c * wish) / (3 * square + slope);
    }
    x = std::min(std::max(x, 0.0), capacity);
    const bool below = s < k * wish * wish;
    const bool above = s > loss_max;
    const double sum = above ? loss_max : (below ? k * x * x : s);
    const double flow = above ? std::min(wish, capacity) : (below ? x : wish);
    return {sum, std::copysign(flow, f)};
}

}  // namespace

KILTER_SIMD
double line_step(const LineShape& line,
                 const Exchange& exchange,
                 double* __restrict s1,
                 double* __restrict s2,
                 const double* __restrict y1,
                 const double* __restrict y2) {
    const auto [alpha, scale] = exchange;
    const auto [k, capacity] = line;
    LaneSum moved;
    for (std::size_t base = 0; base < intervals; base += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const std::size_t t = base + lane;
            const double v1 = scale * y1[t];
            const double v2 = scale * y2[t];
            const double z1 = s1[t] - v1;
            const double z2 = s2[t] - v2;
            const double t1 = z1 - v1;
            const double t2 = z2 - v2;
            const Flow x = project(k, capacity, 2.0, t1 + t2, (t1 - t2) / 2);
            const double d1 = alpha * (x.sum / 2 + x.flow - z1);
            const double d2 = alpha * (x.sum / 2 - x.flow - z2);
            s1[t] += d1;
            s2[t] += d2;
            moved.part[lane] += d1 * d1 + d2 * d2;
        }
    return moved.total();
}

KILTER_SIMD
LineSums line_step(const LineShape& line,
                   const PhaseShape& phases,
                   const Exchange& exchange,
                   double* __restrict s1,
                   double* __restrict s2,
                   const double* __restrict y1,
                   const double* __restrict y2,
                   PhaseRows phase1,
                   PhaseRows phase2) {
    const double* __restrict agreed1 = phase1.agreed;
    const double* __restrict agreed2 = phase2.agreed;
    double* __restrict said1 = phase1.said;
    double* __restrict said2 = phase2.said;
    const auto [alpha, scale] = exchange;
    const auto [k, capacity] = line;
    const auto [kappa, c, coupling] = phases;
    const double per_phase = 1 / kappa;
    LaneSum moved;
    LaneSum missed;
    for (std::size_t base = 0; base < intervals; base += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const std::size_t t = base + lane;
            const double v1 = scale * y1[t];
            const double v2 = scale * y2[t];
            const double z1 = s1[t] - v1;
            const double z2 = s2[t] - v2;
            const double t1 = z1 - v1;
            const double t2 = z2 - v2;
            const double u1 = said1[t] - agreed1[t];
            const double u2 = said2[t] - agreed2[t];
            const double delta = (agreed1[t] - u1) - (agreed2[t] - u2);
            const double own = (t1 - t2) / 2;
            const double wish = own + coupling * (delta * per_phase - own);
            const Flow x = project(k, capacity, c, t1 + t2, wish);
            const double d1 = alpha * (x.sum / 2 + x.flow - z1);
            const double d2 = alpha * (x.sum / 2 - x.flow - z2);
            s1[t] += d1;
            s2[t] += d2;
            moved.part[lane] += d1 * d1 + d2 * d2;
            const double turn = (kappa * x.flow - delta) / 2;
            const double off1 = turn - u1;  // θ₁ − agreed
            const double off2 = -turn - u2;
            said1[t] = u1 + agreed1[t] + alpha * off1;
            said2[t] = u2 + agreed2[t] + alpha * off2;
            missed.part[lane] += off1 * off1 + off2 * off2;
        }
    return {moved.total(), missed.total()};
}

}  // namespace kilter::ksuite
