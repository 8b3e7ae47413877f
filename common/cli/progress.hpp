/// One line on standard error that is rewritten while something long runs: only on a terminal, only
/// once it has taken two seconds, a few times per second at most, and gone when it is over.
#pragma once

#include <chrono>
#include <string_view>

namespace kilter::cli {

class Progress {
  public:
    Progress();
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Cheap to call often. `done` of `total` of what `label` says; total 0: only the label and the
    /// seconds.
    void show(std::string_view label, double done = 0, double total = 0);
    /// Removes the line; also done by the destructor.
    void clear();

  private:
    using Clock = std::chrono::steady_clock;
    bool on_terminal_;
    bool shown_ = false;
    Clock::time_point started_;
    Clock::time_point next_;
};

}  // namespace kilter::cli
