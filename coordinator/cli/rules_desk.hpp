/// An office holder's side of the log: reads the docket and adds to it, signed with the holder's key.
#pragma once

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "common/settlement/certified_docket.hpp"
#include "coordinator/cli/log_connection.hpp"

namespace kilter::cli {

struct RulesOptions {
    std::filesystem::path key_file = "operator.key";
    std::filesystem::path genesis_file = "genesis.bin";
    std::filesystem::path store;  ///< read this instead of asking coordinators
    std::filesystem::path entry;  ///< write the entry here instead of sending it
    int seconds_max = 15;

    /// `signs`: whether the command appends something.
    void add_to(CLI::App& command, bool signs);
};

class RulesDesk {
  public:
    /// Error: a file that cannot be used.
    static Result<RulesDesk> open(const RulesOptions& options);

    [[nodiscard]] const settlement::Genesis& genesis() const { return *genesis_; }

    /// With its proof checked; genesis' own when nothing was ever decided. Error: nobody shows it in time.
    Result<settlement::CertifiedDocket> newest();

    /// Signs and appends, and says on standard output where it is. Error: refused, or not on the log in time.
    Result<void> propose(const governance::Proposal& proposal);
    Result<void> state(const governance::Statement& statement);

  private:
    RulesDesk() = default;
    Result<void> append(const consensus::SealedEntry& entry);

    RulesOptions options_;
    std::unique_ptr<settlement::Genesis> genesis_;
    std::unique_ptr<crypto::Identity> identity_;
    std::unique_ptr<LogConnection> line_;  // refers to both
};

}  // namespace kilter::cli
