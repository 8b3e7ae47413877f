#include "common/wire/replay.hpp"

#include <algorithm>

namespace kilter::wire {

Freshness ReplayWindow::accept(std::uint64_t counter) {
    const std::uint64_t word = counter / word_bits;
    if (counter > newest_) {
        const std::uint64_t entered = std::min<std::uint64_t>(word - newest_ / word_bits, words);
        for (std::uint64_t i = 0; i < entered; ++i)
            seen_[(word - i) % words] = 0;
        newest_ = counter;
    } else if (newest_ - counter >= limits::replay_window) {
        return Freshness::too_old;
    }
    std::uint64_t& bits = seen_[word % words];
    const std::uint64_t bit = std::uint64_t{1} << (counter % word_bits);
    if ((bits & bit) != 0) return Freshness::replayed;
    bits |= bit;
    return Freshness::fresh;
}

}  // namespace kilter::wire
