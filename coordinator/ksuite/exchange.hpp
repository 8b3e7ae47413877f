/// The arithmetic of one exchange between terminals and nets, row by row.
///
/// The state of a terminal is one row: its message s = z + y/(ρ w), where z are balanced powers (Σ z = 0 on a net) and
/// y the net's price. A net reads y = ρ Σ s / Σ (1/w) from the sum of the messages alone, so nothing else is stored.
/// Device step:  z = s − y/(ρ w),  x = prox(z − y/(ρ w)),  s ← s + α (x − z).
#pragma once

#include "coordinator/ksuite/simd.hpp"

namespace kilter::ksuite {

/// What a terminal's arithmetic needs to know of the iteration.
struct Exchange {
    double alpha;        ///< over-relaxation
    double price_scale;  ///< 1/(ρ w)
};

/// z and the prox's target from a message and a price.
void read_message(
    const double* s, const double* y, const Exchange& exchange, double* z, double* target);

/// s ← s + α (x − z). Returns the square of its movement.
double write_message(const double* x, const double* z, const Exchange& exchange, double* s);

/// sum ← sum + factor · row
void add_row(const double* row, double* sum);
void add_row(const double* row, double factor, double* sum);

/// y ← factor · sum.
struct Moved {
    double square;  ///< Σ (movement)²
    double value;   ///< Σ movement · new value
};

Moved update_row(const double* sum, double factor, double* y);

/// Asks for a row ahead of its use.
inline void prefetch(const double* row) {
    for (std::size_t t = 0; t < intervals; t += 8)
        __builtin_prefetch(row + t);
}

}  // namespace kilter::ksuite
