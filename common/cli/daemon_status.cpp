#include "common/cli/daemon_status.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"

namespace kilter::cli {

namespace {

void print(const nlohmann::ordered_json& value, const std::string& prefix) {
    for (const auto& [key, item] : value.items()) {
        if (item.is_object())
            print(item, prefix + key + ".");
        else if (item.is_array() && item.size() > 4)
            std::printf("%-28s %s (and %zu more)\n", (prefix + key).c_str(),
                        item.front().dump().c_str(), item.size() - 1);
        else
            std::printf("%-28s %s\n", (prefix + key).c_str(),
                        item.is_string() ? item.get<std::string>().c_str() : item.dump().c_str());
    }
}

}  // namespace

int show_daemon_status(std::string_view program,
                       const std::filesystem::path& state_dir,
                       bool json) {
    const std::string command = std::string(program) + " status";
    const auto file = state_dir / "status.json";
    if (!std::filesystem::exists(file))
        return fail(command, Error{"there is no " + file.string() +
                                   ": it has never run with this configuration; start it "
                                   "with '" +
                                   std::string(program) + " run'"});
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto status = nlohmann::ordered_json::parse(text, nullptr, false);
    if (status.is_discarded() || !status.contains("pid"))
        return fail(
            command,
            Error{file.string() + " is not a status file: remove it; the daemon writes a new one"});
    if (json)
        std::printf("%s", text.c_str());
    else
        print(status, "");
    const auto pid = status["pid"].get<pid_t>();
    if (::kill(pid, 0) != 0 && errno == ESRCH)
        return fail(command,
                    Error{"it is not running (its last process was " + std::to_string(pid) +
                          "): start it with '" + std::string(program) + " run'"});
    return to_int(ExitCode::success);
}

}  // namespace kilter::cli
