/// `kilter audit`: an outsider's check of a period's money, from the log alone.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "coordinator/cli/settled_log.hpp"

namespace kilter::cli {

struct AuditCommand {
    std::filesystem::path log;
    std::string period;
    unsigned threads = 2;
    std::filesystem::path csv;
    std::filesystem::path aggregates;
    std::filesystem::path bids;
    std::size_t floor = 10;
    std::filesystem::path json;
    std::optional<settlement::FeederNumber> feeder;  ///< of those that share the log; default: all

    [[nodiscard]] int run() const;

  private:
    [[nodiscard]] Result<void> write_exports(const SettledLog& opened,
                                             const std::vector<settlement::NetVerdict>& nets,
                                             const settlement::FeederVerdict& verdict) const;
};

using Nets = std::vector<settlement::NetVerdict>;

/// The nets of each feeder on the log.
std::map<settlement::FeederNumber, Nets> by_feeder(Nets nets);
/// One feeder's verdict, with its trades over ties. Error: its settlement is out of range.
Result<settlement::FeederVerdict> conclude(const settlement::AuditContext& context,
                                           settlement::FeederNumber feeder,
                                           const Nets& nets);

/// The result in one line each: what is owed, and what was checked.
std::string in_words(const settlement::FeederVerdict& verdict);

void add_audit(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
