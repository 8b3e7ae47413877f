#include "common/runtime/line_limit.hpp"

#include <algorithm>
#include <utility>

#include "common/runtime/since.hpp"

namespace kilter::runtime {

namespace {

constexpr std::int64_t minute_ms = 60'000;

}  // namespace

bool LineLimit::Bucket::take(std::int64_t now_ms) {
    const std::int64_t full = size * minute_ms;
    const std::int64_t elapsed = std::clamp<std::int64_t>(now_ms - before_ms, 0, full);
    before_ms = now_ms;
    level = std::min(full, level + elapsed * per_minute);
    if (level < minute_ms) return false;
    level -= minute_ms;
    return true;
}

bool LineLimit::is_repeated(std::string_view line, std::int64_t now_ms) {
    const auto [said, fresh] = said_.try_emplace(without_digits(line), now_ms);
    if (!fresh && now_ms - said->second < same_again_ms) return true;
    said->second = now_ms;
    if (said_.size() > remembered_max)
        said_.erase(std::min_element(said_.begin(), said_.end(), [](const auto& a, const auto& b) {
            return a.second < b.second;
        }));
    return false;
}

bool LineLimit::admit(std::string_view line, bool noisy, std::int64_t now_ms) {
    const bool repeated = noisy && is_repeated(line, now_ms);
    const bool admitted = !repeated && (!noisy || noisy_.take(now_ms)) && all_.take(now_ms);
    if (!admitted) ++left_out_;
    return admitted;
}

std::uint64_t LineLimit::take_left_out() {
    return std::exchange(left_out_, 0);
}

}  // namespace kilter::runtime
