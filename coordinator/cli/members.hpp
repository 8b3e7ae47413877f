/// kilter members show, draft: who orders a log, and the paper on which the next set goes round for signatures
/// (settlement/members_document.hpp).
#pragma once

#include <string>
#include <vector>

#include "common/settlement/members_document.hpp"
#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

/// KEY@tcp://HOST:PORT.
Result<consensus::Validator> parse_validator(const std::string& text);

/// Error: names the file, the line and what is wrong.
Result<settlement::MembersDocument> read_members(const std::filesystem::path& file);

struct MembersShow {
    DeskOptions desk;
    bool json = false;

    [[nodiscard]] int run() const;
};

struct MembersDraft {
    DeskOptions desk;
    std::vector<std::string> replace;  ///< OLD=NEW@ENDPOINT: in its place
    std::vector<std::string> add;      ///< KEY@ENDPOINT
    std::vector<std::string> remove;   ///< KEY
    std::vector<std::string> move;     ///< KEY@ENDPOINT: the same coordinator elsewhere
    std::filesystem::path out = "next.members";

    [[nodiscard]] int run() const;
};

void add_members(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
