/// What kilter bench log measured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/logbench/site.hpp"

namespace kilter::cli {

struct LoadFigures {
    std::size_t replicas_alive = 0;
    std::size_t outstanding = 0;
    double seconds = 0;
    std::uint64_t entries = 0;
    double p50_ms = 0;
    double p99_ms = 0;
    double replica_cpu_us = 0;  ///< per entry, of all replicas together
    double client_cpu_us = 0;   ///< per entry
    std::uint64_t resent = 0;
    std::uint64_t refused = 0;

    [[nodiscard]] double rate() const {
        return seconds > 0 ? static_cast<double>(entries) / seconds : 0;
    }
};

struct ReceiptFigures {
    std::size_t checked = 0;
    std::size_t bytes_beyond_entry_max = 0;
    double verify_us = 0;  ///< median
};

struct CatchUpFigures {
    std::uint64_t entries = 0;
    double seconds = 0;
};

struct DiskFigures {
    std::uint64_t entry_bytes = 0;  ///< of all entries on the log, as they are signed
    std::uint64_t store_bytes = 0;  ///< everything in one replica's directory at the end
    std::uint64_t pruned_bytes =
        0;  ///< after pruning into the archive; 0: there was nothing to prune
};

struct MemoryFigures {
    std::uint64_t entries = 0;
    /// Of the largest replica, after each tenth of the entries.
    std::vector<std::uint64_t> resident_bytes;
};

struct LogReport {
    std::size_t replicas = 0;
    coordinator::Mode mode = coordinator::Mode::full;
    std::size_t entry_bytes = 0;
    double load_average = 0;  ///< of the machine, before
    std::optional<LoadFigures> single, full_load, degraded;
    std::optional<double> kill_gap_ms;
    std::optional<CatchUpFigures> catch_up;
    std::optional<ReceiptFigures> receipts;
    std::optional<DiskFigures> disk;
    std::optional<MemoryFigures> memory;
    std::uint64_t heights = 0;  ///< of the log at the end
    std::uint64_t entries = 0;
};

std::string to_text(const LogReport& report);
std::string to_json(const LogReport& report);

}  // namespace kilter::cli
