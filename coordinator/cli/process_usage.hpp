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

struct Memory {
    std::uint64_t proportional_bytes = 0;  ///< PSS: pages shared with others count in part
    std::uint64_t peak_bytes = 0;          ///< resident, at most so far
};

/// Zeros for a process that is gone, or of another user.
Memory memory_of(pid_t pid);

}  // namespace kilter::cli
