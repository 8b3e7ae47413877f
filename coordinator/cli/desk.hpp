/// A desk: whoever has a say on a log (the operator, the holder of an office, a home's owner) reads it and adds entries to
/// it, signed with a key file.
///
/// Through the coordinators of genesis, or of the newest epoch that a file proves, as a peer of theirs that nobody can connect
/// to; what they answer counts only with its proof. Where none can be reached, from a copy of a coordinator's store and into a
/// file, which somebody carries to a coordinator's `submit` folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "common/crypto/identity.hpp"
#include "common/settlement/certified_docket.hpp"
#include "common/settlement/certified_roster.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/neighbour_log.hpp"
#include "common/settlement/tie_trade.hpp"
#include "coordinator/cli/log_connection.hpp"

namespace kilter::cli {

/// What a command does at its desk, and so which options it has.
enum class DeskWork : std::uint8_t {
    reads,
    signs,
    signs_from_store,  ///< what it signs depends on the log: --entry needs --store, and the other way round
};

struct DeskOptions {
    std::filesystem::path key_file = "operator.key";
    std::filesystem::path genesis_file = "genesis.bin";
    std::filesystem::path
        epochs;  ///< a coordinator's log.epochs; none: genesis' coordinators are asked
    std::filesystem::path store;  ///< read this instead of asking coordinators
    std::filesystem::path entry;  ///< write the entry here instead of sending it
    int seconds_max = 15;         ///< for each answer of the log

    /// `key_help`: what the key must be.
    void add_to(CLI::App& command, DeskWork work, const std::string& key_help);
};

/// An entry that was signed.
struct Appended {
    consensus::EntryId id;
    std::optional<Bytes> receipt;  ///< encoded and checked; nothing: the entry is in a file
};

class Desk {
  public:
    /// Error: a file that cannot be used.
    static Result<Desk> open(const DeskOptions& options);

    [[nodiscard]] const settlement::Genesis& genesis() const { return *genesis_; }

    [[nodiscard]] const crypto::Identity& identity() const { return *identity_; }

    /// Error: nobody shows it in time.
    Result<settlement::Roster> newest_roster();
    /// With its proof checked; genesis' own when nothing was ever decided. Error: nobody shows it in time.
    Result<settlement::CertifiedDocket> newest_docket();

    /// Those who order the log now, by epochs proved. Error: nobody shows them in time.
    Result<consensus::EpochTable> epochs();

    /// A change of the roster, a proposal, a statement, or what concerns a neighbour, signed now, good for twelve hours. Error: refused, or not on the log in time.
    template <class Value>
    Result<Appended> append(const Value& value) {
        const auto [seq, expires_ms] = now_and_later();
        return append(
            *settlement::make_entry(value, genesis_->chain_id(), seq, expires_ms, *identity_));
    }

    /// An entry that somebody has signed.
    Result<Appended> append(const consensus::SealedEntry& entry);

    /// Where it is, for people: on the log at which height, or in which file and what to do with it.
    [[nodiscard]] std::string whereabouts(const Appended& appended) const;

  private:
    Desk() = default;
    static std::pair<std::uint64_t, UnixMs> now_and_later();

    /// What the store's newest state says; nothing: it holds no block yet.
    struct Kept {
        consensus::StatePtr state;
        consensus::Height height = 0;
    };

    [[nodiscard]] Result<std::optional<Kept>> kept() const;

    DeskOptions options_;
    // The line refers to both, wherever the desk moves.
    std::unique_ptr<settlement::Genesis> genesis_;
    std::unique_ptr<crypto::Identity> identity_;
    std::unique_ptr<LogConnection> line_;
};

}  // namespace kilter::cli
