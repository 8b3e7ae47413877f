/// Whose turn it is to open which interval, and when. A value: fed with what is on the log, who was heard, and the time.
///
/// The acting host is the author of the newest cleared record, at first the first, or whoever took over since. The
/// others stand by in the order of their distance from it round the feeder's hosts, and act themselves takeover_ms ×
/// distance after a gate that nobody was heard at.
#pragma once

#include <optional>

#include "common/base/time.hpp"
#include "common/consensus/types.hpp"
#include "common/market/parameters.hpp"

namespace kilter::coordinator {

/// When gates open. Local, not agreed: only the acting host's counts.
struct Pace {
    bool follow_clock = true;  ///< false: the next gate opens as soon as the last interval is final
    IntervalIndex first_interval = 0;  ///< only without the clock
    std::uint32_t intervals = 0;       ///< only without the clock: stop after so many; 0 = never
    std::uint32_t lead_ms =
        120'000;  ///< with the clock: the gate opens this long before the interval starts
    std::uint32_t gather_ms =
        10'000;  ///< how long the first gate waits for homes that have not greeted yet
    std::uint32_t takeover_ms = 4'000;  ///< silence of the acting host that makes the next one act
};

/// After so long, records that are not final count as lost.
constexpr std::uint32_t finality_ms = 30'000;

class Turn {
  public:
    static constexpr std::uint32_t look_again_ms = 30'000;
    static constexpr UnixMs wait_ms_max = 3'600'000;

    struct Gate {
        IntervalIndex interval = 0;
        std::int64_t wait_ms = 0;  ///< until it opens; 0: it is open
    };

    /// For number `own` of so many hosts. REQUIRES: parameters valid, hosts > 0.
    Turn(Pace pace,
         consensus::ReplicaIndex own,
         std::size_t hosts,
         const market::Parameters& parameters);

    /// Other parameters from the next session on. REQUIRES: of the same interval, horizon and channels.
    void follow(const market::Parameters& parameters);

    /// Other hosts: this one's and the acting one's place among them. Whoever acted and left is followed by the first.
    void follow(consensus::ReplicaIndex own,
                std::size_t hosts,
                std::optional<consensus::ReplicaIndex> acting);

    /// Nobody could open anything for a while: what is due is due from now on.
    void resume() { due_.reset(); }

    /// The interval whose gate opens next. With the clock, the interval under way is too late to clear.
    [[nodiscard]] Gate next_gate(UnixMs now) const;
    /// How long until this coordinator is to act, at least 1: until the gate if it acts, if it stands by its distance after
    /// the gate and after the last sign of who acts. Remembers since when the interval is due. A clock that goes back or
    /// jumps shows only when this is asked again: look_again_ms at most is a good time to.
    std::uint32_t await_ms(UnixMs now);

    [[nodiscard]] consensus::ReplicaIndex acting() const { return acting_; }

    /// 0: this coordinator acts. 1, 2, …: it stands by.
    [[nodiscard]] std::uint32_t distance() const;

    [[nodiscard]] bool mine() const { return distance() == 0; }

    /// Whether the pace's last interval is on the log (never with the clock).
    [[nodiscard]] bool all_final() const;

    /// Whether a record of this interval, or of a later one, is on the log.
    [[nodiscard]] bool is_recorded(IntervalIndex interval) const {
        return newest_ && interval <= *newest_;
    }

    /// Whether the clock allows anyone to have cleared this interval by now.
    [[nodiscard]] bool can_be_cleared(IntervalIndex interval, UnixMs now) const;
    /// A record became final; `author` is nothing when no host wrote it.
    void on_record(IntervalIndex interval, std::optional<consensus::ReplicaIndex> author);
    /// Another coordinator says that it acts. To say so is not enough for ever: an interval that is due for longer than
    /// a session takes is anyone's to open; and of two who act, the first in the set goes on. Whether it is followed.
    bool on_presence_of(consensus::ReplicaIndex other, UnixMs now);

    void take_over() { acting_ = own_; }

  private:
    struct Due {
        IntervalIndex interval = 0;
        UnixMs since = 0;
    };

    Pace pace_;
    consensus::ReplicaIndex own_;
    std::uint32_t hosts_;
    std::int64_t interval_s_;
    std::int64_t session_takes_ms_;
    consensus::ReplicaIndex acting_ = 0;
    std::optional<IntervalIndex> newest_;  // on the log
    std::optional<Due> due_;               // when its gate opened or will
    UnixMs heard_ = 0;                     // of the acting host, newest
};

}  // namespace kilter::coordinator
