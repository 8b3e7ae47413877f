#include "coordinator/ksuite/exchange.hpp"

namespace kilter::ksuite {

KILTER_SIMD
void read_message(const double* __restrict s,
                  const double* __restrict y,
                  const Exchange& exchange,
                  double* __restrict z,
                  double* __restrict target) {
    const double scale = exchange.price_scale;
    for (std::size_t t = 0; t < intervals; ++t) {
        const double v = scale * y[t];
        z[t] = s[t] - v;
        target[t] = z[t] - v;
    }
}

KILTER_SIMD
double write_message(const double* __restrict x,
                     const double* __restrict z,
                     const Exchange& exchange,
                     double* __restrict s) {
    const double alpha = exchange.alpha;
    LaneSum square;
    for (std::size_t base = 0; base < intervals; base += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const std::size_t t = base + lane;
            const double d = alpha * (x[t] - z[t]);
            s[t] += d;
            square.part[lane] += d * d;
        }
    return square.total();
}

KILTER_SIMD
void add_row(const double* __restrict row, double* __restrict sum) {
    for (std::size_t t = 0; t < intervals; ++t)
        sum[t] += row[t];
}

KILTER_SIMD
void add_row(const double* __restrict row, double factor, double* __restrict sum) {
    for (std::size_t t = 0; t < intervals; ++t)
        sum[t] += factor * row[t];
}

KILTER_SIMD
Moved update_row(const double* __restrict sum, double factor, double* __restrict y) {
    LaneSum square;
    LaneSum value;
    for (std::size_t base = 0; base < intervals; base += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const std::size_t t = base + lane;
            const double next = factor * sum[t];
            const double d = next - y[t];
            y[t] = next;
            square.part[lane] += d * d;
            value.part[lane] += d * next;
        }
    return {square.total(), value.total()};
}

}  // namespace kilter::ksuite
