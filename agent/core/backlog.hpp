/// What the net has cleared among itself and the log does not hold yet: records that all of their homes have signed. Durable
/// before the devices follow them, brought to the log when it is back, oldest first, and kept until a receipt for that
/// interval says what the log holds: this record, whoever brought it, or another.
#pragma once

#include <limits>
#include <map>
#include <optional>

#include "agent/core/charter.hpp"
#include "agent/core/gateway.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::agent {

/// Of the keys under which it is remembered.
inline constexpr const char* backlog_prefix = "interim|";

class Backlog {
  public:
    /// Of several days of an absent log; then the oldest is given up.
    static constexpr std::size_t kept_max = 1'000;

    /// Error: a remembered record that does not decode; it names the key.
    static Result<Backlog> recall(const Memory& memory);

    void add(const settlement::ClearedNet& record, Outputs& out);

    enum class Settled : std::uint8_t { unknown, same, other };
    /// The log holds `record`: what was kept of that interval is no longer. Which of the two it was, if it was any.
    Settled settle(const settlement::ClearedNet& record, Outputs& out);

    [[nodiscard]] bool empty() const { return records_.empty(); }

    [[nodiscard]] std::size_t size() const { return records_.size(); }

    [[nodiscard]] const settlement::ClearedNet* find(IntervalIndex interval) const;

    /// Not after `until`.
    [[nodiscard]] std::optional<IntervalIndex> newest(
        IntervalIndex until = std::numeric_limits<IntervalIndex>::max()) const;

    /// Whether there was anything after `last`.
    bool forget_after(IntervalIndex last, Outputs& out);

    /// The oldest, at most so many, as entries of this home; the same ones as long as they are valid. Not those of intervals
    /// that have not begun: they cannot be on the log yet.
    std::vector<consensus::EntryPtr> due(const Charter& charter, UnixMs now, std::size_t count_max);

  private:
    std::map<IntervalIndex, settlement::ClearedNet> records_;
    std::map<IntervalIndex, consensus::EntryPtr> entries_;  // as far as they have been due
};

}  // namespace kilter::agent
