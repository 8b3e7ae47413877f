/// kilter log prove: proofs as files that kilter log verify checks without the log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/consensus/light_client.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace kilter::cli {

/// A receipt for an entry, or the consistency of the log between two heights.
struct LogProve {
    std::filesystem::path store;
    std::filesystem::path out;
    std::string id;                         ///< hexadecimal; empty: by key
    std::string key;                        ///< semantic key as text
    std::vector<std::uint64_t> consistent;  ///< two heights, or none

    /// Writes the proof; returns the exit code.
    [[nodiscard]] int run() const;
};

/// What LogProve has written. Error: it is something else, or malformed.
using Proof = std::variant<consensus::Receipt, consensus::ConsistencyProof>;
Result<Proof> read_proof(const std::filesystem::path& file);

/// A receipt, a consistency proof or an archive, by its first bytes.
bool is_proof(const std::filesystem::path& file);

/// Checks a proof with nothing but the genesis document.
struct LogCheck {
    std::filesystem::path genesis;
    std::filesystem::path proof;

    [[nodiscard]] int run() const;
};

void add_log_prove(CLI::App& log, int& exit_code);

}  // namespace kilter::cli
