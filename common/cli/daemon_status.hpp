/// `status` of a daemon: reads the status.json it keeps in its state directory and says, in words,
/// what it is doing.
#pragma once

#include <filesystem>
#include <string_view>

namespace kilter::cli {

/// Prints to standard output; returns the exit code: success while the process named in the file
/// runs, else failure with what to do.
int show_daemon_status(std::string_view program, const std::filesystem::path& state_dir, bool json);

}  // namespace kilter::cli
