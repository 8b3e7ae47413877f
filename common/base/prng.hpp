/// A small deterministic generator for instances, simulations and back-off; the same seed gives the same numbers on
/// every machine. Never for keys or masks (those come from libsodium).
/// Source: SplitMix64, Steele, Lea, Flood (2014); public-domain constants.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace kilter {

class Prng {
  public:
    explicit Prng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

    /// Uniform in [0, 1).
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    double uniform(double low, double high) { return low + (high - low) * uniform(); }

    /// Uniform in [0, bound); REQUIRES: bound > 0. Bias below 2^-32 for the bounds used here.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    bool chance(double probability) { return uniform() < probability; }

    /// Standard normal (Box-Muller).
    double normal() {
        const double radius = std::sqrt(-2 * std::log(1 - uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }

  private:
    std::uint64_t state_;
};

}  // namespace kilter
