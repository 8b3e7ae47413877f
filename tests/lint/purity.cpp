#include "tests/lint/purity.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace kilter::lint {
namespace {

constexpr std::array<std::string_view, 11> shells{
    "common/storage",       "common/transport",    "common/runtime",   "common/cli",
    "agent/drivers",        "agent/host",          "coordinator/host", "coordinator/log",
    "coordinator/logbench", "coordinator/planner", "coordinator/cli"};

/// Headers that reach outside; a trailing '/' stands for everything below.
constexpr std::array<std::string_view, 38> outside_headers{
    "thread",        "mutex",     "shared_mutex", "condition_variable",
    "future",        "semaphore", "latch",        "barrier",
    "stop_token",    "chrono",    "ctime",        "time.h",
    "random",        "fstream",   "iostream",     "filesystem",
    "csignal",       "signal.h",  "pthread.h",    "unistd.h",
    "fcntl.h",       "poll.h",    "netdb.h",      "syslog.h",
    "stdio.h",       "stdlib.h",  "sys/",         "netinet/",
    "arpa/",         "linux/",    "zmq.h",        "zmq.hpp",
    "zmq_addon.hpp", "sqlite3.h", "spdlog/",      "fmt/ostream.h",
    "dlfcn.h",       "execution"};

/// Names of the outside world, wherever they come from.
constexpr std::string_view outside_names =
    R"(\b(steady_clock|system_clock|high_resolution_clock|utc_clock|random_device|mt19937(_64)?|this_thread|jthread|getenv)\b)"
    R"(|(^|[^\w.>:]|std::|[^\w:]::)(rand|srand|time|clock|clock_gettime|gettimeofday|nanosleep|usleep|sleep|)"
    R"(fopen|freopen|popen|system|socket|printf|fprintf|puts|fputs|fwrite|getrandom|randombytes_\w+)\s*\()";

struct Exception {
    std::string_view path;  ///< a file, or a folder with '/' at its end
    std::string_view what;
};

/// What a pure folder may do after all, and why.
constexpr std::array<Exception, 5> exceptions{{
    {"common/topology/", "fstream"},  // topologies are files
    {"common/topology/", "filesystem"},
    {"common/topology/files.cpp", "getenv"},  // where the optional data folder is
    {"common/crypto/identity.cpp",
     "randombytes"},                       // a new identity is the one thing drawn at random
    {"common/base/check.cpp", "fprintf"},  // the last words of a process that ends
}};

bool is_excepted(const SourceFile& file, std::string_view what) {
    return std::any_of(exceptions.begin(), exceptions.end(), [&](const Exception& exception) {
        return file.path.starts_with(exception.path) &&
               what.find(exception.what) != std::string_view::npos;
    });
}

}  // namespace

bool is_pure(std::string_view folder) {
    return std::find(shells.begin(), shells.end(), folder) == shells.end();
}

std::vector<Finding> check_purity(const SourceFile& file, std::string_view folder) {
    static const std::regex names(std::string{outside_names});
    std::vector<Finding> out;
    for (const Include& include : includes_of(file)) {
        const bool is_outside = std::any_of(
            outside_headers.begin(), outside_headers.end(), [&](std::string_view header) {
                return header.ends_with('/') ? include.target.starts_with(header)
                                             : include.target == header;
            });
        if (!include.quoted && is_outside && !is_excepted(file, include.target))
            out.push_back({file.path, include.line,
                           "<" + include.target + "> in the pure folder " + std::string(folder)});
    }
    for (std::size_t i = 0; i < file.code.size(); ++i) {
        std::smatch match;
        if (std::regex_search(file.code[i], match, names) && !is_excepted(file, match.str()))
            out.push_back({file.path, i + 1,
                           "'" + match.str() + "' in the pure folder " + std::string(folder)});
    }
    return out;
}

std::vector<Finding> check_integers_only(const SourceFile& file) {
    static const std::regex floating(R"(\b(float|double)\b)");
    std::vector<Finding> out;
    for (std::size_t i = 0; i < file.code.size(); ++i)
        if (std::regex_search(file.code[i], floating))
            out.push_back({file.path, i + 1, "floating point where only integers are allowed"});
    return out;
}

}  // namespace kilter::lint
