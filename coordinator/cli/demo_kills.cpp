#include "coordinator/cli/demo_kills.hpp"

#include <algorithm>

namespace kilter::cli {

namespace {

// A warm session takes a third of the cold one's time: this part of that is well within it.
constexpr std::int64_t into_the_next_session = 10;

}  // namespace

Result<void> DemoKills::look(const DemoSessions& sessions,
                             DemoNeighbours& neighbours,
                             Clock::time_point now) {
    const auto& cleared = sessions.cleared();
    if (stage_ == Stage::waiting && !cleared.empty()) {
        stage_ = Stage::aiming;
        strikes_ = now + std::chrono::milliseconds(
                             cleared.begin()->second["clearing_ms"].get<std::int64_t>() /
                             into_the_next_session);
    }
    if (stage_ == Stage::aiming && now >= strikes_) {
        stage_ = Stage::killed;
        if (victims_.coordinator) neighbours.coordinators[*victims_.coordinator].kill();
        if (victims_.agent) neighbours.agents[*victims_.agent].kill();
    }
    if (stage_ == Stage::killed && cleared.size() >= std::min<std::size_t>(2, intervals_)) {
        stage_ = Stage::restarted;
        if (victims_.coordinator)
            if (auto up = neighbours.coordinators[*victims_.coordinator].start(); !up) return up;
        if (victims_.agent)
            if (auto up = neighbours.agents[*victims_.agent].start(); !up) return up;
    }
    return {};
}

DemoKills::Clock::duration DemoKills::pause(Clock::duration most, Clock::time_point now) const {
    return stage_ == Stage::aiming ? std::clamp(strikes_ - now, Clock::duration::zero(), most)
                                   : most;
}

}  // namespace kilter::cli
