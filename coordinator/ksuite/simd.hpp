/// KILTER_SIMD: a function compiled once for every width of vectors, of which the machine takes its widest. All of them
/// give the same bits: the loops work element by element, sums have lanes of their own, and nothing is contracted.
#pragma once

#include <cstddef>

#include "coordinator/ksuite/instance.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define KILTER_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KILTER_SIMD
#endif

namespace kilter::ksuite {

constexpr std::size_t lanes = 8;
static_assert(intervals % lanes == 0);

/// A sum in as many parts as lanes, so that its order is the same at every width.
struct LaneSum {
    double part[lanes] = {};

    [[nodiscard]] double total() const {
        return ((part[0] + part[1]) + (part[2] + part[3])) +
               ((part[4] + part[5]) + (part[6] + part[7]));
    }
};

}  // namespace kilter::ksuite
