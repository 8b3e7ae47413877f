#include "coordinator/cli/process_usage.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace kilter::cli {

namespace {

// A line "NAME:   123 kB" of a file below /proc/PID.
std::uint64_t kilobytes(pid_t pid, const std::string& file, const std::string& name) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(name + ":")) continue;
        std::uint64_t out = 0;
        std::istringstream(line.substr(name.size() + 1)) >> out;
        return out;
    }
    return 0;
}

}  // namespace

Memory memory_of(pid_t pid) {
    constexpr std::uint64_t kilobyte = 1024;
    return {kilobytes(pid, "smaps_rollup", "Pss") * kilobyte,
            kilobytes(pid, "status", "VmHWM") * kilobyte};
}

Usage usage_of(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(in, line);
    // proc(5): fields are counted after the command in parentheses, which may hold blanks.
    const auto command_end = line.rfind(')');
    if (command_end == std::string::npos) return {};
    std::istringstream rest(line.substr(command_end + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        rest >> skipped;
    double user = 0, system = 0;
    rest >> user >> system;
    for (int field = 16; field < 24; ++field)
        rest >> skipped;
    std::uint64_t pages = 0;
    rest >> pages;
    return {(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)),
            pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
}

}  // namespace kilter::cli
