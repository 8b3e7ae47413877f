#include "common/cli/output.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>

namespace kilter::cli {
namespace {

Error cannot_write(const std::string& what, int reason) {
    return Error{"cannot write " + what + ": " +
                 (reason ? std::strerror(reason) : "unknown reason")};
}

}  // namespace

Result<void> write_output(const std::filesystem::path& path, std::string_view text) {
    errno = 0;
    if (path == "-") {
        std::cout << text << std::flush;
        if (!std::cout) return cannot_write("to standard output", errno);
        return {};
    }
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text << std::flush;
    if (!file) return cannot_write(path.string(), errno);
    return {};
}

std::string utc_text(std::int64_t unix_ms) {
    const std::time_t time = static_cast<std::time_t>(unix_ms / 1000);
    std::tm parts{};
    char buffer[32];
    if (!gmtime_r(&time, &parts)) return std::to_string(unix_ms) + " ms";
    const std::size_t length = std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M", &parts);
    return {buffer, length};
}

}  // namespace kilter::cli
