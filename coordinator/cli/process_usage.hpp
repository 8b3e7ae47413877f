/// What a process has used so far, from /proc.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace kilter::cli {

struct Usage {
    double cpu_s = 0;                ///< user and system, all threads
    std::uint64_t memory_bytes = 0;  ///< resident
};

/// Zeros for a process that is gone.
Usage usage_of(pid_t pid);

}  // namespace kilter::cli
