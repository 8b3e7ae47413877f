#include "coordinator/cli/process_usage.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace kilter::cli {

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
