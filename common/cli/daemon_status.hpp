/// What a daemon says of itself to people: `status`, `peers` and `explain` read the status.json that it keeps in its runtime
/// directory.
#pragma once

#include <filesystem>
#include <string_view>

namespace kilter::cli {

enum class Report {
    status,   ///< what it is doing, since when, and what it did last
    peers,    ///< with whom it is connected, when each was last heard, and how much went to and fro
    explain,  ///< what it waits for and what it decided last, and why, in whole sentences
};

/// Prints to standard output, with `json` that part of the file as it is; returns the exit code: success while the process
/// named in the file runs, else failure with what to do.
int show_daemon(Report report,
                std::string_view program,
                const std::filesystem::path& directory,
                bool json);

}  // namespace kilter::cli
