/// How far an iterate is from agreement, and what follows from it: whether it is good enough, and
/// the next penalty. Everything here is a pure function of announced integers and agreed
/// parameters, by +, −, ×, ÷ and comparisons only: every member computes the same bits.
///
/// Squares travel as integers in units of 2^-36 kW². With n = terminals × channels × intervals,
///     primal residual = √(Σ r² / n) / α        r = α Σ x + (1 − α) Σ z and Σ z = 0, so this is the
///     imbalance of x dual residual   = ρ √(Σ (w Δz)² / n)     the ρ-scaled movement, EUR/kW
#pragma once

#include <array>
#include <cstdint>

#include "common/market/session.hpp"

namespace kilter::market {

inline constexpr double square_unit_kw2 = 0x1.0p-36;
/// What one member may put into a sum of movements: 256 of them do not wrap 64 bits.
inline constexpr std::uint64_t movement_max = std::uint64_t{1} << 55;

/// kW² -> units, rounded down, at most `most`. NaN and infinity are `most`.
std::uint64_t square_units(double square_kw2, std::uint64_t most = UINT64_MAX);
std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b);

struct Residuals {
    double primal_kw = 0;
    double dual_eur_per_kw = 0;
};

/// RMS values of an iterate that was computed with the penalty `rho` and the relaxation `alpha`.
Residuals residuals_of(const Terms& terms,
                       std::uint64_t primal_square,
                       std::uint64_t dual_square,
                       double rho,
                       double alpha);

/// The larger residual in units of its own tolerance; at most 1: good enough.
double badness(const Terms& terms, const Residuals& residuals);

/// How the penalty of a plain session moves, by what is announced. Residuals are compared in units of their own tolerances.
///
/// Balance::gross, a safeguard in the first balance_until iterations: aims at a primal residual of 4 times the dual one; off by
/// more than a factor of 10, ρ moves by a factor of 1.1. It leaves a ρ alone that is about right. A narrower band drifts within
/// the cold session, and the warm ones after it pay (docs/decisions/0008-what-keeps-warm-sessions-short.md).
///
/// Balance::stalled, that and then, until unstall_until: where one residual is over 3 times the other and still over nine tenths of
/// what it was ten iterations before, ρ moves by a factor of 1.2 in its favour (docs/decisions/0051-a-residual-that-stalls.md).
///
/// After that ρ is fixed: convergence is that of fixed ρ.
class Balancing {
  public:
    /// The penalty of iteration `iteration` + 1. `rho` is the present one, `rho_then` the one that the iterate `notice` speaks
    /// of was computed with. Told of every iteration; of one told again the last word counts.
    double next_rho(const Terms& terms,
                    double rho,
                    double rho_then,
                    const Notice& notice,
                    std::uint32_t iteration);

  private:
    struct Squares {
        std::uint32_t iteration = 0;
        double primal = 0, dual = 0;  // in tolerances
    };

    std::array<Squares, 16> heard_;  // by iteration
};

/// Whether a session whose prices the chair sets comes nearer: the chair is told the badness of every iterate in turn.
class Progress {
  public:
    explicit Progress(int stalls_max) : stalls_max_(stalls_max) {}

    /// False once `stalls_max` iterates in a row came no nearer than the best one before them.
    bool made(double badness);

    /// Whether the last iterate is no nearer than the first: better to begin again from where the session started.
    [[nodiscard]] bool strayed() const { return last_ >= first_; }

  private:
    int stalls_max_;
    int stalls_ = 0;
    double best_ = 1e300;
    double first_ = 0, last_ = 0;
};

/// The penalty after a session that ended partial at the iterate `notice` speaks of: times the ratio of its residuals, each in
/// its tolerance, at most a factor of 10 either way. One that is fixed by agreement stays.
double aimed_rho(const Terms& terms, double rho, double rho_then, const Notice& notice);

inline constexpr std::uint32_t balance_until = 60;
inline constexpr std::uint32_t unstall_until = 400;

}  // namespace kilter::market
