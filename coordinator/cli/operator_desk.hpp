/// The operator's side of the log: reads the newest roster and appends changes of it, signed with the operator's key.
///
/// Normally through the coordinators of genesis, as a peer of theirs that nobody can connect to; what they answer counts
/// only with its proof. Where none can be reached, from a copy of a coordinator's store and into a file, which somebody
/// carries to a coordinator's `submit` folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "common/crypto/identity.hpp"
#include "common/settlement/certified_roster.hpp"
#include "coordinator/cli/log_connection.hpp"

namespace kilter::cli {

struct OperatorOptions {
    std::filesystem::path key_file = "operator.key";
    std::filesystem::path genesis_file = "genesis.bin";
    std::filesystem::path store;  ///< read this instead of asking coordinators
    std::filesystem::path entry;  ///< write the entry here instead of sending it
    int seconds_max = 15;         ///< for each answer of the log

    void add_to(CLI::App& command);
};

/// A change that was made.
struct AppendedChange {
    settlement::Roster roster;     ///< that it leads to
    std::optional<Bytes> receipt;  ///< encoded and checked; nothing when the entry went into a file
};

class OperatorDesk {
  public:
    /// Error: a file that cannot be used, a key that is not the log's operator's.
    static Result<OperatorDesk> open(const OperatorOptions& options);

    [[nodiscard]] const settlement::Genesis& genesis() const { return *genesis_; }

    [[nodiscard]] const crypto::Identity& identity() const { return *identity_; }

    /// Error: no coordinator answers in time.
    Result<settlement::Roster> newest_roster();

    /// Certificates of `before` that have expired leave with it.
    /// Error: the change makes no sense, the log refuses it, or it does not come on the log in time.
    Result<AppendedChange> append(const settlement::Roster& before,
                                  std::vector<settlement::Removal> removals,
                                  std::vector<settlement::RosterMember> grants);

  private:
    OperatorDesk() = default;
    [[nodiscard]] Result<settlement::Roster> roster_of_store() const;
    Result<settlement::Roster> roster_of_coordinators();
    [[nodiscard]] Result<void> write_entry(const consensus::SealedEntry& entry) const;

    OperatorOptions options_;
    // The line refers to both, wherever the desk moves.
    std::unique_ptr<settlement::Genesis> genesis_;
    std::unique_ptr<crypto::Identity> identity_;
    std::unique_ptr<LogConnection> line_;
};

}  // namespace kilter::cli
