#include "coordinator/cli/bundle.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/page_checksum.hpp"
#include "common/topology/files.hpp"
#include "common/topology/toml_reader.hpp"
#include "coordinator/cli/process.hpp"

namespace kilter::cli {

namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

constexpr int check_attempts = 5;  // a daemon may be writing
constexpr std::chrono::seconds command_max{20};
constexpr std::size_t answer_bytes_max = 1 << 20;

// What may leave a status file. A session's prices, plan and words stay.
constexpr std::array status_fields{
    "program", "pid",  "key",      "doing",    "since_ms", "waiting_for", "roster_epoch", "replica",
    "log",     "sent", "received", "finished", "peers",    "updated_ms",  "log_epoch"};
constexpr std::array session_fields{"interval",   "starts", "opening",  "outcome",
                                    "iterations", "rounds", "certified"};

struct Daemon {
    std::string program;
    fs::path state_dir, runtime_dir, key_file;
    std::string metrics;
};

Result<Daemon> read_daemon(const fs::path& config) {
    const auto text = topology::read_text_file(config);
    if (!text) return text.error();
    auto document = topology::TomlDocument::parse(*text, config.string());
    if (!document) return document.error();
    topology::TomlTable root = document->root();
    const auto located = [&](const std::string& path) { return config.parent_path() / path; };
    Daemon out;
    out.program = root.has("topology") ? "kilter-coordinator" : "kilter-agent";
    out.state_dir = located(root.required<std::string>("state_dir"));
    out.key_file = located(root.required<std::string>("key_file"));
    out.runtime_dir = root.has("runtime_dir") ? located(root.required<std::string>("runtime_dir"))
                                              : out.state_dir;
    out.metrics = root.optional<std::string>("metrics", "");
    return out;
}

std::string first_line_with(const fs::path& file, const std::string& start) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(start)) return line;
    return start + " unknown";
}

std::string machine() {
    utsname system{};
    ::uname(&system);
    std::ifstream up("/proc/uptime");
    double uptime_s = 0;
    up >> uptime_s;
    return std::string(system.sysname) + " " + system.release + " " + system.machine + "\n" +
           first_line_with("/etc/os-release", "PRETTY_NAME=") + "\nprocessors " +
           std::to_string(std::thread::hardware_concurrency()) + "\n" +
           first_line_with("/proc/meminfo", "MemTotal:") + "\n" +
           first_line_with("/proc/meminfo", "MemAvailable:") + "\nup " +
           std::to_string(static_cast<long>(uptime_s)) + " s\nclock " +
           utc_text(runtime::now_ms()) + " UTC\n";
}

std::string status_without_plans(const fs::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error().message + "\n";
    const auto whole = OrderedJson::parse(*text, nullptr, false);
    if (!whole.is_object()) return file.string() + " is not a status file\n";
    OrderedJson out;
    const auto take = [](const OrderedJson& from, OrderedJson& to, const auto& fields) {
        for (const char* field : fields)
            if (from.contains(field)) to[field] = from[field];
    };
    take(whole, out, status_fields);
    if (whole.contains("session") && whole["session"].is_object())
        take(whole["session"], out["session"], session_fields);
    return out.dump(1) + "\n";
}

std::string soundness(const fs::path& store) {
    Result<void> verdict = storage::check_files(store, storage::AfterPowerCut::is_expected);
    for (int i = 1; i < check_attempts && !verdict; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        verdict = storage::check_files(store, storage::AfterPowerCut::is_expected);
    }
    return verdict ? "every page is sound" : verdict.error().message;
}

std::string file_list(const Daemon& daemon) {
    std::string out;
    std::error_code error;
    std::vector<fs::path> files;
    for (auto it = fs::recursive_directory_iterator(daemon.state_dir, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error))
        files.push_back(it->path());
    if (error) return daemon.state_dir.string() + ": " + error.message() + "\n";
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        const bool regular = fs::is_regular_file(file, error);
        out += fs::relative(file, daemon.state_dir, error).string() +
               (regular ? "  " + std::to_string(fs::file_size(file, error)) + " bytes" : "/");
        if (file.extension() == ".db") out += "  " + soundness(file);
        out += "\n";
    }
    const auto mode = fs::status(daemon.key_file, error).permissions();
    out += "key file " + std::string(error ? "missing or out of reach" : "there") +
           (!error && (mode & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none
                ? ", readable by others\n"
                : "\n");
    const auto space = fs::space(daemon.state_dir, error);
    if (!error) out += "free " + std::to_string(space.available) + " bytes\n";
    return out;
}

// GET /metrics of a daemon on this machine; bounded in time and size.
std::string figures(const std::string& address) {
    if (address.empty()) return "no metrics are configured\n";
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(
        std::strtoul(colon == std::string::npos ? "" : address.c_str() + colon + 1, nullptr, 10)));
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 3, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    std::string answer;
    if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) == 1 &&
        ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size())) {
        char buffer[4'096];
        for (ssize_t size = 0; answer.size() < answer_bytes_max &&
                               (size = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
            answer.append(buffer, static_cast<std::size_t>(size));
    }
    ::close(socket);
    const std::size_t body = answer.find("\r\n\r\n");
    return body == std::string::npos ? "nobody answers at " + address + "\n"
                                     : answer.substr(body + 4);
}

/// Its exit code; an error when it cannot be started or takes too long.
Result<int> run_command(const std::vector<std::string>& arguments, const fs::path& said) {
    auto process = Process::start(arguments, said);
    if (!process) return process.error();
    const auto deadline = std::chrono::steady_clock::now() + command_max;
    while (std::chrono::steady_clock::now() < deadline) {
        if (const auto code = process->exited()) return *code;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Error{arguments.front() + " takes too long"};
}

class TemporaryDirectory {
  public:
    TemporaryDirectory() : path_((fs::temp_directory_path() / "kilter-bundle-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) path_.clear();
    }

    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }

    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] fs::path path() const { return path_; }

  private:
    std::string path_;
};

fs::path installed_config() {
    std::error_code ignored;
    const fs::path agent = "/etc/kilter/agent.toml";
    return fs::exists(agent, ignored) ? agent : fs::path("/etc/kilter/coordinator.toml");
}

/// Everything below `folder`; the names of what is in it.
Result<void> collect(const DiagnosticBundle& command,
                     const fs::path& config,
                     const Daemon& daemon,
                     const fs::path& folder) {
    const auto text = topology::read_text_file(config);
    if (!text) return text.error();
    const std::array<std::pair<const char*, std::string>, 6> files{
        {{"version.txt", daemon.program + ", collected by kilter " + command.version + "\n"},
         {"machine.txt", machine()},
         {"config.toml", *text},
         {"status.json", status_without_plans(daemon.runtime_dir / "status.json")},
         {"files.txt", file_list(daemon)},
         {"metrics.txt", figures(daemon.metrics)}}};
    for (const auto& [name, content] : files)
        if (auto written = runtime::replace_file(folder / name, content); !written)
            return written.error();
    const fs::path journal = "/bin/journalctl";
    std::error_code ignored;
    if (command.log_lines == 0 || !fs::exists(journal, ignored)) return {};
    const auto ran = run_command({journal.string(), "--no-pager", "--output=short-iso", "--unit",
                                  daemon.program, "--lines", std::to_string(command.log_lines)},
                                 folder / "log.txt");
    return ran ? Result<void>{} : Result<void>{ran.error()};
}

}  // namespace

int DiagnosticBundle::run() const {
    const auto failed = [](const Error& error) { return fail("kilter bundle", error); };
    const fs::path from = config.empty() ? installed_config() : config;
    const auto daemon = read_daemon(from);
    if (!daemon) return failed(daemon.error());
    std::string time = utc_text(runtime::now_ms());
    for (char& c : time)
        if (c == ' ' || c == ':') c = '-';
    const fs::path archive = out.empty() ? fs::path(daemon->program + "-" + time + ".tar.gz") : out;

    const TemporaryDirectory folder;
    if (folder.path().empty())
        return failed(Error{"no temporary directory can be made: is " +
                            fs::temp_directory_path().string() + " full or read-only?"});
    const fs::path content = folder.path() / daemon->program;
    if (auto made = runtime::make_private_directory(content); !made) return failed(made.error());
    if (auto done = collect(*this, from, *daemon, content); !done) return failed(done.error());

    const int created =
        ::open(archive.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (created < 0)
        return failed(Error{"cannot create " + archive.string() +
                            ": it exists already, or its folder is not yours"});
    ::close(created);
    const auto packed = run_command({"/bin/tar", "--create", "--gzip", "--file", archive.string(),
                                     "--directory", folder.path().string(), daemon->program},
                                    folder.path() / "tar.log");
    if (!packed || *packed != 0) {
        std::error_code ignored;
        fs::remove(archive, ignored);
        const auto said = topology::read_text_file(folder.path() / "tar.log");
        return failed(packed ? Error{"tar failed: " + (said ? *said : std::string())}
                             : packed.error());
    }
    std::cout << archive.string() << "\n";
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(content))
        names.push_back(file.path().filename().string() + "  " + std::to_string(file.file_size()) +
                        " bytes");
    std::sort(names.begin(), names.end());
    for (const std::string& name : names)
        std::cout << "  " << name << '\n';
    std::cout << "No key, reading, schedule or price is in it; look before you send it.\n";
    return to_int(ExitCode::success);
}

void add_bundle(CLI::App& app, const std::string& version, int& exit_code) {
    const auto options = std::make_shared<DiagnosticBundle>();
    options->version = version;
    CLI::App* command = app.add_subcommand(
        "bundle", "Collect what a person needs who is to help, without secrets or schedules");
    command->add_option("--config", options->config,
                        "The daemon's configuration (default: the installed one)");
    command->add_option("--out", options->out,
                        "The archive; must not exist (default: program and time .tar.gz)");
    command->add_option("--log-lines", options->log_lines, "Lines of the journal, 0: none")
        ->capture_default_str();
    command->footer("Example:\n  kilter bundle --config /etc/kilter/coordinator.toml");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
