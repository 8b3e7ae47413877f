/// A home that does not send what its gateway says (Lie says what it does instead).
#pragma once

#include <deque>
#include <vector>

#include "common/wire/outgoing.hpp"
#include "tests/simulator/neighbourhood/options.hpp"

namespace kilter::simulation {

class Liar {
  public:
    Liar(Lie lie, Prng prng) : lie_(lie), prng_(prng) {}

    /// What leaves in place of `letter`.
    std::vector<wire::Outgoing> alter(wire::Outgoing letter);

  private:
    void lie_about(market::MaskedShare& share, const crypto::PublicKey& to);

    Lie lie_;
    Prng prng_;
    std::deque<wire::Outgoing> sent_;
};

}  // namespace kilter::simulation
