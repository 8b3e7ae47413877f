/// How much a log may grow: what a program says is for people to read, and no peer shall be able to fill a disk with it.
///
/// A line that says the same as one of the last minute, digits apart, is left out. Warnings and errors, which others can
/// provoke, come at most `noisy_burst` at once and then `noisy_per_minute`; all lines together at most `burst` and
/// `per_minute`. Pure: time is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kilter::runtime {

class LineLimit {
  public:
    static constexpr std::int64_t same_again_ms = 60'000;
    static constexpr std::size_t remembered_max = 256;  ///< different lines
    static constexpr std::int64_t noisy_burst = 100;
    static constexpr std::int64_t noisy_per_minute = 10;
    static constexpr std::int64_t burst = 2'000;
    static constexpr std::int64_t per_minute = 1'000;

    /// Whether to write the line. `noisy`: a warning or an error. `now_ms`: of a clock that never goes back.
    bool admit(std::string_view line, bool noisy, std::int64_t now_ms);

    /// How many were left out since the last call.
    std::uint64_t take_left_out();

  private:
    // Fills up by `per_minute`, to at most `size`; full at first.
    struct Bucket {
        std::int64_t size;
        std::int64_t per_minute;
        std::int64_t level = size * 60'000;  // in sixty-thousandths
        std::int64_t before_ms = 0;
        bool take(std::int64_t now_ms);
    };

    bool is_repeated(std::string_view line, std::int64_t now_ms);

    std::map<std::string, std::int64_t> said_;  // without digits; when
    Bucket noisy_{noisy_burst, noisy_per_minute};
    Bucket all_{burst, per_minute};
    std::uint64_t left_out_ = 0;
};

}  // namespace kilter::runtime
