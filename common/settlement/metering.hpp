/// From what a meter shows to energies per interval: validation and substitution, decided the same way every time.
///
/// A meter has two registers that only grow, until they begin again at zero: energy imported and exported since it was made,
/// in Wh. A read is what both show at the end of an interval. Its interval's energies are the differences from the read
/// before; what becomes of reads that do not follow nicely is said at ReadOutcome. Integers only.
#pragma once

#include <optional>
#include <vector>

#include "common/settlement/meter_reads.hpp"

namespace kilter::settlement {

/// What both registers show at the end of `interval`.
struct RegisterRead {
    IntervalIndex interval = 0;
    std::int64_t import_wh = 0;
    std::int64_t export_wh = 0;
    bool operator==(const RegisterRead&) const = default;
};

struct MeterLimits {
    std::int64_t interval_wh_max = 25'000;  ///< the connection lets no more through in an interval
    std::int64_t register_wh =
        10'000'000'000;  ///< where registers begin again: one more than they can show
    std::size_t gap_intervals_max = 35'136;  ///< a longer silence begins a new series
};

struct MeteredInterval {
    IntervalIndex interval = 0;
    std::int64_t import_wh = 0;
    std::int64_t export_wh = 0;
    Quality quality = Quality::measured;
    bool operator==(const MeteredInterval&) const = default;

    /// Net consumption: what is committed.
    [[nodiscard]] std::int64_t energy_wh() const { return import_wh - export_wh; }
};

enum class ReadOutcome : std::uint8_t {
    baseline,     ///< the first read: where counting begins; no energies
    measured,     ///< the next interval's
    rolled_over,  ///< the same, and a register began again at zero meanwhile
    filled_gap,  ///< intervals were missing: what was counted is spread evenly over them, all marked substituted
    duplicate,  ///< the newest read once more: nothing changes
    out_of_order,  ///< of an interval that has energies already: nothing changes; a correction may use it
    contradicts,  ///< the newest read's interval, with other registers: nothing changes; report it
    impossible,  ///< negative, beyond what registers can show, or more than the connection lets through: its intervals are
                 ///< zero and marked estimated, and counting goes on from here
};

/// "baseline", "measured", "rolled over", ...
const char* name_of(ReadOutcome outcome);

struct ReadResult {
    ReadOutcome outcome = ReadOutcome::baseline;
    std::vector<MeteredInterval> intervals;  ///< ascending, without gap; what is new
};

/// What follows from `read` after `before`, the newest that counted (nothing: none yet). When outcome is not duplicate,
/// out_of_order or contradicts, `read` is the newest from now on; not either when a first read is impossible.
ReadResult follow(const std::optional<RegisterRead>& before,
                  const RegisterRead& read,
                  const MeterLimits& limits);

/// Whether the read counts: is the newest from now on.
bool counts(ReadOutcome outcome);

/// `total` in `parts` integer parts that differ by at most 1, the larger ones first. REQUIRES: parts > 0.
std::vector<std::int64_t> even_parts(std::int64_t total, std::size_t parts);

/// H("raw reads", reads) keyed with `salt`, a secret of the meter's for this batch: what the log holds of registers.
Digest raw_reads_digest(ByteView salt, const std::vector<RegisterRead>& reads);

}  // namespace kilter::settlement
