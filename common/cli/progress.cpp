#include "common/cli/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>

namespace kilter::cli {

using std::chrono::milliseconds;
using std::chrono::seconds;

Progress::Progress()
    : on_terminal_(::isatty(STDERR_FILENO) == 1),
      started_(Clock::now()),
      next_(started_ + seconds(2)) {}

Progress::~Progress() {
    clear();
}

void Progress::show(std::string_view label, double done, double total) {
    if (!on_terminal_) return;
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    next_ = now + milliseconds(200);
    shown_ = true;

    std::string line = "\r\033[K";
    if (total > 0) {
        constexpr std::size_t width = 30;
        const double share = std::clamp(done / total, 0.0, 1.0);
        const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
        line += "[" + std::string(filled, '#') + std::string(width - filled, ' ') + "] ";
    }
    line += label;
    line +=
        "  " + std::to_string(std::chrono::duration_cast<seconds>(now - started_).count()) + " s";
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
}

void Progress::clear() {
    if (!shown_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    shown_ = false;
}

}  // namespace kilter::cli
