#include "coordinator/cli/period.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/settlement/bill.hpp"

namespace kilter::cli {

namespace {

std::optional<std::vector<std::int64_t>> numbers_between(std::string_view text, char separator) {
    std::vector<std::int64_t> out;
    for (;;) {
        const std::size_t end = std::min(text.find(separator), text.size());
        std::int64_t value = 0;
        const auto [rest, error] = std::from_chars(text.data(), text.data() + end, value);
        if (error != std::errc{} || rest != text.data() + end || value < 0) return std::nullopt;
        out.push_back(value);
        if (end == text.size()) return out;
        text.remove_prefix(end + 1);
    }
}

IntervalIndex interval_of(std::chrono::sys_days day, std::int64_t interval_s) {
    return day.time_since_epoch().count() * std::int64_t{86'400} / interval_s;
}

}  // namespace

Result<Period> parse_period(std::string_view text, std::int64_t interval_s) {
    const Error wrong{"'" + std::string(text) +
                      "' is no period: write a month (2026-06), a day (2026-06-01) or the number "
                      "of the first interval and how many (1978148:4), at most a year"};
    if (interval_s <= 0) return wrong;
    if (const auto pair = numbers_between(text, ':'); pair && pair->size() == 2) {
        if ((*pair)[1] == 0 || (*pair)[1] > settlement::bill_intervals_max) return wrong;
        return Period{(*pair)[0], (*pair)[0] + (*pair)[1]};
    }
    const auto parts = numbers_between(text, '-');
    if (!parts || parts->size() < 2 || parts->size() > 3 || (*parts)[0] > 9'999) return wrong;
    const std::chrono::year year(static_cast<int>((*parts)[0]));
    const std::chrono::month month(static_cast<unsigned>((*parts)[1] % 100));
    const bool whole_month = parts->size() == 2;
    const std::chrono::day day(whole_month ? 1U : static_cast<unsigned>((*parts)[2] % 100));
    const std::chrono::year_month_day begin(year, month, day);
    if (!begin.ok() || (*parts)[1] > 12 || (!whole_month && (*parts)[2] > 31)) return wrong;
    const std::chrono::sys_days first(begin);
    const std::chrono::sys_days end = whole_month
                                          ? std::chrono::sys_days(begin + std::chrono::months(1))
                                          : first + std::chrono::days(1);
    return Period{interval_of(first, interval_s), interval_of(end, interval_s)};
}

}  // namespace kilter::cli
