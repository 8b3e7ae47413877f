#include "coordinator/cli/process.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace kilter::cli {

Result<Process> Process::start(const std::vector<std::string>& arguments,
                               const std::filesystem::path& log,
                               int niceness) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
    argv.push_back(nullptr);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0) return Error{"cannot write " + log.string() + ": " + std::strerror(errno)};
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(127);
        if (niceness != 0) (void)!::nice(niceness);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    const int reason = errno;
    ::close(output);
    if (pid < 0) return Error{"cannot start " + arguments.front() + ": " + std::strerror(reason)};
    return Process(pid);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_(other.exit_) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        kill();
        pid_ = std::exchange(other.pid_, -1);
        exit_ = other.exit_;
    }
    return *this;
}

Process::~Process() {
    kill();
}

std::optional<int> Process::exited() {
    int status = 0;
    if (pid_ > 0 && !exit_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
        exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return exit_;
}

void Process::signal(int number) const {
    if (pid_ > 0 && !exit_) ::kill(pid_, number);
}

void Process::kill() {
    if (pid_ <= 0 || exited()) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    exit_ = 128 + SIGKILL;
}

}  // namespace kilter::cli
