/// kilter log verify: the outsider's check of one or several replicas' stores. Nothing is trusted
/// but the genesis document; nothing is written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/settlement/audit.hpp"

namespace kilter::cli {

/// What one store came to.
struct StoreCheck {
    std::filesystem::path file;
    settlement::AuditReport report;
    std::vector<settlement::CheckedEntry> entries;  ///< as far as the check got
    std::vector<consensus::BlockHash> blocks;       ///< by height, the first at 0
    std::size_t receipts = 0;                       ///< proofs of inclusion made and verified
    std::optional<std::string> fault;               ///< what is wrong; nothing if verified
};

struct LogVerify {
    std::vector<std::filesystem::path> stores;
    std::filesystem::path
        genesis;  ///< empty: the first store's own, which proves consistency, not identity
    bool same_height = false;  ///< a replica that is behind is a fault too
    bool json = false;

    /// Prints every entry checked, and every fault.
    [[nodiscard]] int run() const;
};

void add_log_verify(CLI::App& log, int& exit_code);

}  // namespace kilter::cli
