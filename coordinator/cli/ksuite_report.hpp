/// One instance of the K-suite, cleared and measured, and what several of them show together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "coordinator/ksuite/accounting.hpp"
#include "coordinator/ksuite/generate.hpp"
#include "coordinator/ksuite/solver.hpp"

namespace kilter::cli {

enum class KsuitePreset : std::uint8_t { standard, paper };

std::string_view name_of(KsuitePreset preset);
std::string_view name_of(ksuite::LineRule rule);

struct Spent {
    double wall_s = 0;
    double cpu_s = 0;  ///< user and system, all threads
};

/// A much longer run of the default preset on the same instance.
struct KsuiteReference {
    std::uint32_t iterations = 0;
    double objective = 0;
    double residual = 0;  ///< the larger one, at most the tolerance of 1e-6
};

struct KsuiteRun {
    ksuite::Recipe recipe;
    ksuite::Size size;
    std::size_t lines = 0;
    bool converged = false;
    ksuite::Iterate end;
    std::optional<KsuiteReference> reference;  ///< up to reference_nets_max nets
    Spent generate, solve;
    ksuite::Traffic traffic;              ///< of all iterations
    std::size_t row_bytes = 0;            ///< of the iteration's rows
    std::uint64_t peak_memory_bytes = 0;  ///< of the process so far
};

constexpr std::size_t reference_nets_max = 3000;

struct KsuiteReport {
    KsuitePreset preset = KsuitePreset::standard;
    ksuite::LineRule lines = ksuite::LineRule::lossy;
    unsigned threads = 1;
    std::vector<KsuiteRun> runs;
};

/// `problem`, where wanted, receives the instance and its solution as JSON.
Result<KsuiteRun> run_ksuite(const ksuite::Recipe& recipe,
                             KsuitePreset preset,
                             ksuite::Workers& workers,
                             std::string* problem);

/// b in time ≈ a · nets^b by least squares of logarithms; nothing where all sizes are one.
struct Growth {
    double wall = 0;
    double cpu = 0;
    double cpu_per_iteration = 0;
};

std::optional<Growth> growth_of(const std::vector<KsuiteRun>& runs);

/// docs/ksuite.md
std::string to_json(const KsuiteReport& report);

}  // namespace kilter::cli
