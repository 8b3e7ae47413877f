/// The last limits::history_max completed iterates, oldest first: to stop at one of them, or to
/// undo the last.
#pragma once

#include <cstdint>
#include <deque>

#include "common/base/limits.hpp"
#include "common/market/step.hpp"

namespace kilter::market {

class History {
  public:
    explicit History(Iterate start) { iterates_.push_back(std::move(start)); }

    void push(Iterate iterate) {
        iterates_.push_back(std::move(iterate));
        if (iterates_.size() > limits::history_max) iterates_.pop_front();
    }

    /// REQUIRES: can_undo().
    Iterate undo() {
        KILTER_CHECK(can_undo(), "nothing left to undo");
        Iterate out = std::move(iterates_.back());
        iterates_.pop_back();
        return out;
    }

    [[nodiscard]] bool can_undo() const { return iterates_.size() > 1; }

    [[nodiscard]] const Iterate& last() const { return iterates_.back(); }

    /// Null if it is not kept (any more). Iterate 0, the start, is never found.
    [[nodiscard]] const Iterate* find(std::uint32_t iteration) const {
        for (const Iterate& iterate : iterates_)
            if (iterate.iteration == iteration && iteration > 0) return &iterate;
        return nullptr;
    }

    [[nodiscard]] const std::deque<Iterate>& all() const { return iterates_; }

  private:
    std::deque<Iterate> iterates_;
};

}  // namespace kilter::market
