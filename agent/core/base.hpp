/// What a net falls back on when no coordinator is there: its newest record of a session with the feeder, which bound the
/// whole horizon within the feeder's limits, and what this home agreed to in it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "common/market/session.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::agent {

/// This home's schedules of the newest sessions it agreed to, until one of them is recorded.
class Plans {
  public:
    static constexpr std::size_t kept_max = 4;

    /// kW over the horizon, positive = import. Forgets the oldest when there are too many, but not that of `keep`.
    void add(const market::SessionId& session,
             std::vector<double> schedule_kw,
             const std::optional<market::SessionId>& keep);
    /// Null: not agreed to, or too long ago.
    [[nodiscard]] const std::vector<double>* find(const market::SessionId& session) const;

    [[nodiscard]] Bytes encode() const;
    /// Total. Nothing: not what encode() wrote.
    static std::optional<Plans> decode(ByteView bytes);

  private:
    struct One {
        market::SessionId session;
        std::vector<double> schedule_kw;
    };

    std::deque<One> by_age_;
};

struct Base {
    settlement::ClearedNet record;
    Bytes receipt;                    ///< its proof
    std::vector<double> schedule_kw;  ///< of this home; empty: it was not in it

    [[nodiscard]] market::SessionId session() const { return {record.interval, record.opening}; }

    /// Whether this interval is in the record's horizon, after its first.
    [[nodiscard]] bool reaches(IntervalIndex interval) const;
    /// What the home drew in this interval by the schedule. REQUIRES: reaches it; the home was in the record.
    [[nodiscard]] double consumption_kw(IntervalIndex interval) const;

    /// Schedule and y (EUR/kW) of a horizon that begins at `first`; what the record does not reach repeats the same time of
    /// the day before, else the last interval: it binds nobody. From integers of the record: the same bits at all homes.
    /// REQUIRES: reaches(first); the parameters have the record's horizon.
    [[nodiscard]] model::Schedules schedule_at(const market::Parameters& parameters,
                                               IntervalIndex first) const;
    [[nodiscard]] model::Series dual_at(const market::Parameters& parameters,
                                        IntervalIndex first) const;
};

}  // namespace kilter::agent
