/// One rule of the protocol broken on purpose. Only the tests that prove that the simulator would notice define
/// KILTER_MUTANT, and they compile this folder anew for it; every program is built with `none`.
#pragma once

#include <cstdint>

#ifndef KILTER_MUTANT
#define KILTER_MUTANT none
#endif

namespace kilter::consensus {

enum class Mutant : std::uint8_t {
    none,
    smaller_quorum,     ///< q - 1 votes decide
    final_after_skip,   ///< the signer forgets that skip and final exclude each other
    unjustified_gap,    ///< a proposal may leave views out without skip certificates
    forgetful_journal,  ///< votes are sent without having been written
};
inline constexpr Mutant mutant = Mutant::KILTER_MUTANT;

}  // namespace kilter::consensus
