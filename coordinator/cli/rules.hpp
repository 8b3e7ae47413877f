/// kilter rules show, propose, approve, veto, mandate; kilter docket: what is in force on a log, and how it changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

struct RulesShow {
    DeskOptions desk;
    std::optional<std::uint64_t> height;  ///< what will be in force there; default: the next block
    bool json = false;

    [[nodiscard]] int run() const;
};

struct RulesPropose {
    DeskOptions desk;
    std::vector<std::string> market;   ///< NAME=VALUE, all of one proposal
    std::string tariff;                ///< NAME=VALUE
    std::string rule;                  ///< NAME=VERSION
    std::string appoint;               ///< OFFICE=KEY
    std::string dismiss;               ///< OFFICE=KEY
    std::filesystem::path validators;  ///< of `kilter members draft`
    std::filesystem::path reads;       ///< of `kilter reread --document`
    std::string kind = "wrong read";
    bool stop = false;
    bool resume = false;
    std::uint64_t height = 0;
    std::string reason;

    [[nodiscard]] int run() const;
};

struct RulesSay {
    DeskOptions desk;
    governance::Opinion opinion{};
    std::string proposal;  ///< case number, or first digits of the proposal's entry

    [[nodiscard]] int run() const;
};

struct DocketShow {
    std::filesystem::path store;
    bool json = false;

    [[nodiscard]] int run() const;
};

inline constexpr const char* office_key_help =
    "Your key file: it must hold an office, or be a home's";

/// Says on standard output which entry was appended, and where it is.
void print_entry(const Desk& desk, const Appended& appended);

void add_rules(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
