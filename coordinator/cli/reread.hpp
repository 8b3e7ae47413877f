/// `kilter reread`: a home puts right what its meter said wrong, once the docket has decided so, and its bill with it.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct RereadCommand {
    std::filesystem::path home;
    std::filesystem::path log;
    std::string period;                ///< of the bill
    std::filesystem::path reads;       ///< CSV: interval, energy_wh; without gap
    std::filesystem::path document;    ///< commitments for the docket go here
    std::uint32_t decided_by = 0;      ///< the case in force; then:
    std::filesystem::path entry;       ///< the corrected reads go here
    std::filesystem::path bill_entry;  ///< and the bill's correction here

    [[nodiscard]] int run() const;
};

void add_reread(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
