/// `kilter genesis`: the document a log starts from, and the operator's first entry on it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/market/parameters.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::cli {

/// --ledger-rule.
inline constexpr const char* ledger_rule_help =
    "Version of the rule 'ledger' that the log begins with; an earlier one while coordinators or "
    "gateways run a program that knows no other";

/// The default market as programs read it that know no version of the rule `ledger` after this one.
market::Parameters first_parameters(std::uint32_t ledger_version);

/// Error where such programs do not read these: what comes first.
Result<void> known_with(std::uint32_t ledger_version, const market::Parameters& parameters);

struct MakeGenesis {
    std::filesystem::path key = "operator.key";
    std::vector<std::string> coordinators;          ///< KEY@tcp://HOST:PORT
    std::vector<std::filesystem::path> topologies;  ///< the feeders that share the log; one or more
    std::filesystem::path out = "genesis.bin";
    std::filesystem::path entry = "coordinators.entry";
    market::Parameters parameters;  ///< the method is first_parameters()'s, or one of these:
    bool accelerated = false;
    bool proximal = false;
    std::uint32_t ledger_version = settlement::newest_ledger();
    bool json = false;

    [[nodiscard]] int run() const;
};

void add_genesis(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
