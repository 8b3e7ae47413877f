#include "coordinator/cli/lossy_way.hpp"

#include <algorithm>

namespace kilter::cli {

namespace {

constexpr std::chrono::milliseconds retransmission_timeout_min{200};

std::chrono::milliseconds carried_in(Loss loss, std::chrono::milliseconds delay) {
    const auto timeout = retransmission_timeout_min + 3 * delay;
    switch (loss) {
        case Loss::none:
            return delay;
        case Loss::within:
            return 3 * delay;
        case Loss::last:
            return std::min(5 * delay, timeout);
        case Loss::whole:
            break;
    }
    return timeout;
}

}  // namespace

void LossyWay::send(std::vector<char> bytes, Loss loss, Time now) {
    if (loss != Loss::whole)
        for (Chunk& before : under_way_)
            if (before.overdue) before.due = std::min(before.due, now + 3 * delay_);
    bytes_ += bytes.size();
    under_way_.push_back({now + carried_in(loss, delay_), loss != Loss::none, std::move(bytes)});
}

std::optional<LossyWay::Time> LossyWay::due() const {
    if (under_way_.empty()) return std::nullopt;
    return under_way_.front().due;
}

LossyWay::Chunk* LossyWay::arrived(Time now) {
    return !under_way_.empty() && under_way_.front().due <= now ? &under_way_.front() : nullptr;
}

void LossyWay::pop() {
    bytes_ -= under_way_.front().bytes.size();
    under_way_.pop_front();
}

}  // namespace kilter::cli
