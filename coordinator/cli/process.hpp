/// A child process of this one: started, signalled and waited for by its own pid only.
#pragma once

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::cli {

class Process {
  public:
    /// Runs `arguments[0]` with the rest as its arguments; standard output and error are appended to `log`. The child
    /// gets SIGTERM should this process die. `niceness`: how far behind others it stands in the queue for processors.
    /// Error: cannot be started, with the reason.
    static Result<Process> start(const std::vector<std::string>& arguments,
                                 const std::filesystem::path& log,
                                 int niceness = 0);

    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    /// Kills (SIGKILL) and reaps a child that still runs.
    ~Process();

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// Nothing while it runs; then its exit code, or 128 + the signal that ended it.
    std::optional<int> exited();
    void signal(int number) const;
    /// SIGKILL, and reaps it.
    void kill();

  private:
    explicit Process(pid_t pid) : pid_(pid) {}

    pid_t pid_ = -1;  // -1: moved from
    std::optional<int> exit_;
};

}  // namespace kilter::cli
