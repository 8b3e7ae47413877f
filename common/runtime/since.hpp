/// Since when a daemon has been doing what it says it does. Words that differ only in their numbers are the same.
#pragma once

#include <string>
#include <string_view>

#include "common/base/time.hpp"

namespace kilter::runtime {

class Since {
  public:
    /// The time at which these words were first said without others in between.
    UnixMs update(std::string_view words, UnixMs now);

  private:
    std::string words_;
    UnixMs since_ = 0;
};

/// What changes from line to line is counted, timed and named; what is said does not.
std::string without_digits(std::string_view text);

}  // namespace kilter::runtime
