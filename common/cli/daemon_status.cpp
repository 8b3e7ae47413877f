#include "common/cli/daemon_status.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"

namespace kilter::cli {

namespace {

using StatusJson = nlohmann::ordered_json;

std::string text_of(const StatusJson& item) {
    return item.is_string() ? item.get<std::string>() : item.dump();
}

// Lists are for --json and for the other reports, but for short ones.
void print_flat(const StatusJson& value, const std::string& prefix) {
    for (const auto& [key, item] : value.items()) {
        if (item.is_object())
            print_flat(item, prefix + key + ".");
        else if (key.ends_with("_ms") && item.is_number_integer())
            std::printf("%-28s %s UTC\n", (prefix + key.substr(0, key.size() - 3)).c_str(),
                        utc_text(item.get<std::int64_t>()).c_str());
        else if (item.is_array() && item.size() > 4)
            std::printf("%-28s %s\n", (prefix + key).c_str(),
                        ("(" + std::to_string(item.size()) + ", see --json)").c_str());
        else
            std::printf("%-28s %s\n", (prefix + key).c_str(), text_of(item).c_str());
    }
}

void print_status(const StatusJson& status) {
    StatusJson brief = status;
    brief.erase("peers");
    if (brief.contains("session"))
        for (const char* detail : {"plan", "explanation"})
            brief["session"].erase(detail);
    print_flat(brief, "");
}

// "12 s", "3 min", "2 h"
std::string ago(std::int64_t then_ms) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    const std::int64_t seconds = std::max<std::int64_t>(0, now_s - then_ms / 1'000);
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7'200) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3'600) + " h";
}

void print_peers(const StatusJson& status) {
    Table table({{"peer", false},
                 {"role", false},
                 {"link", false},
                 {"heard ago"},
                 {"sent"},
                 {"kB"},
                 {"received"},
                 {"kB"},
                 {"dropped"}});
    const auto number = [](const StatusJson& item) {
        return std::to_string(item.get<std::int64_t>());
    };
    const auto kilobytes = [](const StatusJson& item) {
        return fixed(static_cast<double>(item.get<std::int64_t>()) / 1e3, 1);
    };
    if (status.contains("peers"))
        for (const auto& peer : status["peers"])
            table.add(
                {peer["id"].get<std::string>(), peer["role"].get<std::string>(),
                 peer["connected"].get<bool>() ? "up" : "down",
                 peer["heard_ms"].is_null() ? "never" : ago(peer["heard_ms"].get<std::int64_t>()),
                 number(peer["sent"]["messages"]), kilobytes(peer["sent"]["bytes"]),
                 number(peer["received"]["messages"]), kilobytes(peer["received"]["bytes"]),
                 number(peer["dropped"])});
    std::printf("%s", table.text().c_str());
}

void print_sentence(std::string text) {
    if (text.empty()) return;
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    std::printf("%s.\n", text.c_str());
}

void print_explanation(const StatusJson& status) {
    std::string doing = status["doing"].get<std::string>();
    if (status.contains("since_ms"))
        doing += " (for " + ago(status["since_ms"].get<std::int64_t>()) + ")";
    print_sentence(doing);
    if (status.contains("waiting_for") && !status["waiting_for"].empty()) {
        std::string names;
        for (const auto& id : status["waiting_for"])
            names += (names.empty() ? "" : ", ") + id.get<std::string>();
        print_sentence("it waits for " + names);
    }
    if (!status.contains("session") || !status["session"].contains("explanation")) return;
    const StatusJson& session = status["session"];
    print_sentence("last it agreed on " + session["starts"].get<std::string>() + " UTC (" +
                   session["outcome"].get<std::string>() + ", " +
                   (session["certified"].get<bool>() ? "on the log" : "not on the log") +
                   "); all times are UTC");
    for (const auto& sentence : session["explanation"])
        print_sentence(sentence.get<std::string>());
}

StatusJson part_of(Report report, const StatusJson& status) {
    switch (report) {
        case Report::status:
            return status;
        case Report::peers:
            return status.contains("peers") ? status["peers"] : StatusJson::array();
        case Report::explain: {
            StatusJson out;
            for (const char* key : {"doing", "since_ms", "waiting_for", "session"})
                if (status.contains(key)) out[key] = status[key];
            return out;
        }
    }
    return {};
}

const char* name_of(Report report) {
    switch (report) {
        case Report::status:
            return "status";
        case Report::peers:
            return "peers";
        case Report::explain:
            return "explain";
    }
    return "";
}

}  // namespace

int show_daemon(Report report,
                std::string_view program,
                const std::filesystem::path& directory,
                bool json) {
    const std::string command = std::string(program) + " " + name_of(report);
    const auto file = directory / "status.json";
    if (!std::filesystem::exists(file))
        return fail(command, Error{"there is no " + file.string() +
                                   ": it has never run with this configuration; start it "
                                   "with '" +
                                   std::string(program) + " run'"});
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto status = StatusJson::parse(text, nullptr, false);
    if (status.is_discarded() || !status.contains("pid") || !status.contains("doing"))
        return fail(
            command,
            Error{file.string() + " is not a status file: remove it; the daemon writes a new one"});
    if (json)
        std::printf("%s\n", part_of(report, status).dump(1).c_str());
    else if (report == Report::status)
        print_status(status);
    else if (report == Report::peers)
        print_peers(status);
    else
        print_explanation(status);
    const auto pid = status["pid"].get<pid_t>();
    if (::kill(pid, 0) != 0 && errno == ESRCH)
        return fail(command,
                    Error{"it is not running (its last process was " + std::to_string(pid) +
                          "): start it with '" + std::string(program) + " run'"});
    return to_int(ExitCode::success);
}

}  // namespace kilter::cli
