/// When kilter demo kills whom, and starts them again: within the second session, and when that has cleared.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "coordinator/cli/demo_neighbours.hpp"
#include "coordinator/cli/demo_sessions.hpp"

namespace kilter::cli {

struct DemoVictims {
    std::optional<std::size_t> coordinator;  ///< from 0
    std::optional<std::size_t> agent;
};

class DemoKills {
  public:
    using Clock = std::chrono::steady_clock;

    DemoKills(DemoVictims victims, std::uint32_t intervals)
        : victims_(victims), intervals_(intervals) {}

    /// Does what is due. REQUIRES: the victims are among the neighbours.
    Result<void> look(const DemoSessions& sessions,
                      DemoNeighbours& neighbours,
                      Clock::time_point now);
    /// How long until something is due, at most `most`.
    [[nodiscard]] Clock::duration pause(Clock::duration most, Clock::time_point now) const;

  private:
    enum class Stage : std::uint8_t { waiting, aiming, killed, restarted };

    DemoVictims victims_;
    std::uint32_t intervals_;
    Stage stage_ = Stage::waiting;
    Clock::time_point strikes_;
};

}  // namespace kilter::cli
